//! Looks at everything that phase 1 needs to know: every stack rendered, every file that may hold a
//! credential. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::rendering::{self, Rendering};
use crate::catalogue::key_shape;
use crate::dotenv::{self, Entry, Quoting};
use crate::error::{Error, Result};
use crate::git::Git;
use crate::model::{Environment, Found, Model};
use crate::project::{Project, Stack};
use crate::rules::{self, ComposeSource, EnvSource, Evidence};
use crate::secret::{Masker, Secret};
use crate::source::Files;
use crate::text::template::{self, Segment};
use crate::text::{LineIndex, Span};
use crate::yaml::{Data, Value, expand};

/// One stack as it renders now.
pub struct View<'p> {
    pub stack: &'p Stack,
    /// With every profile, where the stack renders so.
    pub model: Model,
    pub rendering: Rendering,
    /// Its files may be changed: the caller named it, or named none.
    pub chosen: bool,
}

/// A stack that does not render.
pub struct Broken<'p> {
    pub stack: &'p Stack,
    pub why: Error,
    pub chosen: bool,
}

/// A file in which credentials were looked for.
pub struct Looked {
    pub path: PathBuf,
    pub text: String,
    pub evidence: Vec<Evidence>,
    /// What the scalars read as, by their bytes; in an env file the values.
    pub scalars: BTreeMap<Span, Data>,
    /// Of an env file.
    pub entries: Vec<Entry>,
    pub env: bool,
    /// Compose reads `${}` from it, so credentials belong into it: git must not have it, that is all.
    pub home: bool,
}

pub struct Survey<'p> {
    pub views: Vec<View<'p>>,
    pub broken: Vec<Broken<'p>>,
    /// In the order of their paths.
    pub files: Vec<Looked>,
}

impl View<'_> {
    /// Whether `${}` gets values from this file, and be it in an included file only.
    pub fn takes_variables_from(&self, path: &Path) -> bool {
        self.variable_files().any(|file| file == path)
    }

    fn variable_files(&self) -> impl Iterator<Item = &Path> {
        let numbers = self.model.variable_files.iter().chain(&self.model.included_env_files);
        numbers.map(|number| self.model.sources[*number as usize].path.as_path())
    }

    /// Whether a scalar takes variables from an env file that only included files read: what they come
    /// to there, the stack as a whole does not know.
    pub fn has_own_variables(&self, path: &Path, scalar: Span) -> bool {
        let own = |found: Found| matches!(found, Found::EnvFile(file) if self.model.included_env_files.contains(&file));
        let mut references = self.model.references.iter().filter(|reference| reference.at.span == scalar && own(reference.found));
        references.any(|reference| self.model.sources[reference.at.file as usize].path == path)
    }

    /// Whether the stack reads this file in any way.
    pub fn reads(&self, path: &Path) -> bool {
        self.model.sources.iter().any(|source| source.path == path)
    }
}

impl Survey<'_> {
    /// Takes out of captured text what was found, and what env files hold under a credential's key.
    pub fn masker(&self) -> Masker {
        let values = self.secrets();
        Masker::new(values.iter().map(Secret::expose))
    }

    /// What was found, and what env files hold under a credential's key.
    pub fn secrets(&self) -> Vec<Secret> {
        let found = self.files.iter().flat_map(|looked| looked.evidence.iter().map(|evidence| evidence.secret.clone()));
        let entries = self.views.iter().flat_map(|view| &view.model.sources).flat_map(|source| source.entries());
        let kept = entries.filter(|entry| key_shape(&entry.key).is_credential()).map(|entry| Secret::new(entry.value.as_str()));
        found.chain(kept).collect()
    }
}

/// Looks at the whole project; `chosen` are the stacks whose files may be changed.
pub fn survey<'p>(
    project: &'p Project,
    chosen: &[&Stack],
    files: &dyn Files,
    environment: &Environment,
    git: Option<&Git>,
) -> Result<Survey<'p>> {
    let mut views = Vec::new();
    let mut broken = Vec::new();
    for stack in &project.stacks {
        let chosen = chosen.iter().any(|named| named.id == stack.id);
        match rendering::render(files, stack, environment) {
            Ok((model, rendering)) => views.push(View { stack, model, rendering, chosen }),
            Err(why) => broken.push(Broken { stack, why, chosen }),
        }
    }
    let mut looked = compose_files(&views)?;
    looked.extend(env_files(project, &views, files, git)?);
    looked.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Survey { views, broken, files: looked })
}

/// Every compose file of a chosen stack, once.
fn compose_files(views: &[View<'_>]) -> Result<Vec<Looked>> {
    let mut seen = BTreeSet::new();
    let mut looked = Vec::new();
    for source in views.iter().filter(|view| view.chosen).flat_map(|view| &view.model.sources) {
        let documents = source.documents();
        if documents.is_empty() || !seen.insert(source.path.clone()) {
            continue;
        }
        let values = documents.iter().map(|document| expand(document, 0)).collect::<std::result::Result<Vec<_>, _>>();
        let values = values.map_err(|error| {
            let (line, column) = source.lines().line_column(&source.text, error.offset);
            Error::unusable("read it").at(&source.path, line, column).why(error.why)
        })?;
        let compose = ComposeSource { path: &source.path, file: 0, text: &source.text, documents, values: &values };
        let evidence = rules::credentials_in_compose(&compose);
        let mut scalars = BTreeMap::new();
        values.into_iter().for_each(|value| collect(value, &mut scalars));
        let text = source.text.to_string();
        looked.push(Looked { path: source.path.clone(), text, evidence, scalars, entries: Vec::new(), env: false, home: false });
    }
    Ok(looked)
}

fn collect(value: Value, into: &mut BTreeMap<Span, Data>) {
    match value.data {
        Data::Seq(items) => items.into_iter().for_each(|item| collect(item, into)),
        Data::Map(fields) => fields.into_values().for_each(|field| collect(field.value, into)),
        scalar => {
            into.insert(value.at.span, scalar);
        }
    }
}

/// How an env file is loaded, and by whom.
#[derive(Default)]
struct Loaded {
    services: Vec<String>,
    raw: bool,
    stacks: Vec<usize>,
}

/// Every env file that a chosen stack reads: for `${}`, or because a service loads it.
fn env_files(project: &Project, views: &[View<'_>], files: &dyn Files, git: Option<&Git>) -> Result<Vec<Looked>> {
    let mut loaded: BTreeMap<PathBuf, Loaded> = BTreeMap::new();
    for (number, view) in views.iter().enumerate().filter(|(_, view)| view.chosen) {
        for file in view.variable_files() {
            loaded.entry(file.to_path_buf()).or_default().stacks.push(number);
        }
        for (service, named) in &view.model.env_files {
            for file in named {
                let entry = loaded.entry(file.path.clone()).or_default();
                entry.services.push(service.clone());
                entry.raw |= file.raw;
                entry.stacks.push(number);
            }
        }
    }
    let mut looked = Vec::new();
    for (path, by) in loaded {
        let Some(bytes) = files.read(&path)? else { continue };
        // The model has read it already: it is text, and it can be read.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lookup = |name: &str| by.stacks.iter().find_map(|view| views[*view].model.lookup(name)).map(String::from);
        let entries = if by.raw { dotenv::parse_raw(&text, &lookup) } else { dotenv::parse(&text, &lookup) };
        let entries = entries.map_err(|error| Error::unusable("read it").at(&path, error.line, error.column).why(error.why))?;
        let tracked = tracked(project, &path, git)?;
        let source = EnvSource { path: &path, file: 0, text: &text, entries: &entries, raw: by.raw, tracked, services: &by.services };
        let evidence = rules::credentials_in_env_file(&source);
        let scalars = entries.iter().map(|entry| (entry.value_span, Data::Str(read_as(&text, entry, by.raw)))).collect();
        let home = path == project.root.join(".env") || views.iter().any(|view| view.takes_variables_from(&path));
        looked.push(Looked { path, text, evidence, scalars, entries, env: true, home });
    }
    Ok(looked)
}

/// What the rules take a value for: as it is read, or as it is written where it names variables.
fn read_as(text: &str, entry: &Entry, raw: bool) -> String {
    if raw || !names_variables(text, entry) { entry.value.clone() } else { unquoted(text, entry).to_string() }
}

fn unquoted<'t>(text: &'t str, entry: &Entry) -> &'t str {
    let written = entry.value_span.slice(text);
    match entry.quoting {
        Quoting::Single | Quoting::Double if written.len() > 1 => &written[1..written.len() - 1],
        _ => written,
    }
}

/// Whether variables are replaced in a value of an env file.
pub fn names_variables(text: &str, entry: &Entry) -> bool {
    let is_variable = |segment: &Segment| matches!(segment, Segment::Var(_));
    entry.quoting != Quoting::Single && template::parse(unquoted(text, entry)).iter().any(is_variable)
}

/// Whether git tracks a file of the project; without git nothing is tracked.
pub fn tracked(project: &Project, path: &Path, git: Option<&Git>) -> Result<bool> {
    match (git, path.strip_prefix(&project.root)) {
        (Some(git), Ok(relative)) => git.tracked(relative),
        _ => Ok(false),
    }
}

/// File, line and column of a place, for people.
pub fn locate(project: &Project, looked: &Looked, span: Span) -> String {
    let (line, column) = LineIndex::new(&looked.text).line_column(&looked.text, span.start);
    format!("{}:{line}:{column}", project.relative(&looked.path).display())
}
