//! Whether every variable is set, used, documented, the same everywhere, and what its name says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::file_of;
use crate::audit::Entry;
use crate::error::Result;
use crate::model::{Found, Model};
use crate::policy::Date;
use crate::project::Stack;
use crate::source::{Files, real};
use crate::tasks::Context;
use crate::tasks::audit::{Request, Scope, look, model_of, named_rules};
use crate::tasks::phase::unused::unused;

/// The rules that judge variables, and what each finds in a word.
const RULES: [(&str, &str); 4] = [
    ("undefined-variable", "undefined"),
    ("conflicting-variable", "conflicting"),
    ("undocumented-variable", "undocumented"),
    ("invalid-value", "invalid"),
];

/// What stands against the variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EnvCheck {
    pub environment: Option<String>,
    pub stacks: usize,
    pub problems: Vec<Problem>,
    /// Stacks that cannot be judged, and why.
    pub unread: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// `undefined`, `unused`, `conflicting`, `undocumented` or `invalid`.
    pub kind: &'static str,
    /// `compose.yaml:7:12`, relative to the project's root.
    pub place: String,
    /// One sentence without values.
    pub message: String,
    pub help: String,
}

/// Judges the stacks by the audit's rules; `environment` lays its file over the root's `.env`.
pub fn check(cx: &Context<'_>, stacks: &[String], environment: Option<&str>, today: Date) -> Result<EnvCheck> {
    cx.project.select(stacks)?;
    let request = Request { targets: stacks.to_vec(), cancel: cx.cancel.clone(), ..Request::default() };
    let mut scope = Scope::resolve(&request, &cx.project.root)?;
    if let Some(environment) = environment {
        let (main, over) = (cx.project.root.join(".env"), file_of(cx, environment)?);
        scope.stacks.iter_mut().for_each(|stack| lay_over(stack, &main, &over));
    }
    let only = named_rules(&RULES.map(|(name, _)| name.to_string()))?;
    let audit = look(&scope, &scope.files, &request, &only, &cx.environment, today)?;
    let mut models = Vec::new();
    for stack in &scope.stacks {
        models.extend(model_of(stack, &scope.files, &cx.environment).ok());
    }
    let mut problems: Vec<Problem> = audit.findings.iter().filter_map(|entry| of_rule(cx, &scope, entry)).collect();
    problems.extend(required(cx, &models));
    problems.extend(of_files(cx, &models));
    problems.sort();
    problems.dedup();
    let unread = audit.gaps.iter().map(|gap| format!("{}: {}", gap.stack, gap.error)).collect();
    Ok(EnvCheck { environment: environment.map(String::from), stacks: scope.stacks.len(), problems, unread })
}

/// The stack called with one env file more, if it reads the root's.
fn lay_over(stack: &mut Stack, main: &Path, over: &Path) {
    let beside = stack.folder().join(".env");
    let reads_main = match &stack.env_files {
        Some(named) => named.iter().any(|file| file == main),
        None => beside == main || real(&beside) == main,
    };
    if reads_main {
        let known = stack.env_files.clone().unwrap_or_else(|| main.is_file().then(|| main.to_path_buf()).into_iter().collect());
        stack.env_files = Some(known.into_iter().chain([over.to_path_buf()]).collect());
    }
}

fn of_rule(cx: &Context<'_>, scope: &Scope<'_>, entry: &Entry) -> Option<Problem> {
    let finding = &entry.finding;
    let (_, kind) = RULES.iter().find(|(name, _)| *name == finding.rule)?;
    let text = scope.files.read(&finding.file).ok().flatten();
    let text = text.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let (line, column) = crate::text::LineIndex::new(&text).line_column(&text, finding.span.start.min(text.len()));
    let place = format!("{}:{line}:{column}", cx.project.relative(&finding.file).display());
    Some(Problem { kind, place, message: finding.message.clone(), help: finding.help.clone() })
}

/// `${NAME:?}` without a value: Compose refuses the stack.
fn required(cx: &Context<'_>, models: &[Model]) -> Vec<Problem> {
    let mut found: BTreeMap<&str, Problem> = BTreeMap::new();
    for model in models {
        for reference in model.references.iter().filter(|reference| reference.found == Found::StandIn) {
            let place =
                model.locate(reference.at).map(|at| format!("{}:{}:{}", cx.project.relative(&at.path).display(), at.line, at.column));
            found.entry(&reference.name).or_insert_with(|| Problem {
                kind: "undefined",
                place: place.unwrap_or_default(),
                message: format!("`{}` is required, and nothing sets it", reference.name),
                help: format!("set {} in the env file that this stack reads", reference.name),
            });
        }
    }
    found.into_values().collect()
}

/// Names in the files of `${}` values that nothing asks for.
fn of_files(cx: &Context<'_>, models: &[Model]) -> Vec<Problem> {
    let problem = |(path, name, line): (PathBuf, String, usize)| Problem {
        kind: "unused",
        place: format!("{}:{line}:1", cx.project.relative(&path).display()),
        message: format!("no stack that reads this file uses `{name}`"),
        help: "remove the line, or use the variable".to_string(),
    };
    unused(models).into_iter().map(problem).collect()
}
