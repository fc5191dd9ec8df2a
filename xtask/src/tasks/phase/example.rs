//! The example of an `.env`: every variable, who uses it, whether it is required; never a secret's value.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Kind};
use super::lines::example_path;
use super::survey::Survey;
use super::usage::{Usage, loaders, referenced};
use crate::catalogue::{key_shape, tokens_in};
use crate::dotenv;
use crate::error::Result;
use crate::project::Project;
use crate::source::{Files, text_of};

const HEADING: &str = "# --- Used by the compose files";
const USED: &str = "# used by ";
/// Between defaults that contradict each other.
const OR: &str = " or ";

/// One variable of the example.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    name: String,
    services: BTreeSet<String>,
    need: Need,
    /// It means something else when it is set and empty: its line is only a comment.
    optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    Required,
    /// What holds without it; empty: nothing.
    Default(String),
    /// It is only handed on to services.
    HandedOn,
}

/// The change that makes the project's example complete; `of_root` are the names that the root's `.env` defines.
pub fn example_change(project: &Project, files: &dyn Files, survey: &Survey<'_>, of_root: &BTreeSet<String>) -> Result<Option<Change>> {
    let path = example_path(&project.root);
    let before = text_of(files, &path)?;
    let mut variables = named(&referenced(survey, |_| true), of_root, &loaders(survey, &project.root.join(".env")));
    // Nobody copies a release's tag into a file.
    let tags = project.tags();
    variables.iter_mut().filter(|named| tags.contains(&named.name.as_str())).for_each(|named| named.optional = true);
    let after = example(before.as_deref(), &variables);
    let same = before.as_deref().unwrap_or("") == after;
    Ok((!same).then_some(Change { path, kind: Kind::Example, before, after, secrets: Vec::new() }))
}

/// The variables that are used, and those that the root's `.env` hands on to the services that load it.
fn named(used: &BTreeMap<String, Usage>, of_file: &BTreeSet<String>, loaders: &BTreeSet<String>) -> Vec<Named> {
    let all: BTreeSet<&String> = used.keys().chain(of_file).collect();
    let named = all.into_iter().filter(|name| !name.starts_with("COMPOSE_") && !name.is_empty()).map(|name| {
        let usage = used.get(name);
        // Whoever loads the file gets all of it; whoever names the variable needs it.
        let handed_on = || if of_file.contains(name) { loaders.clone() } else { BTreeSet::new() };
        let services = usage.map_or_else(handed_on, |usage| usage.services.clone());
        let need = match usage {
            None => Need::HandedOn,
            Some(usage) if usage.required => Need::Required,
            Some(usage) => Need::Default(usage.defaults.iter().cloned().collect::<Vec<_>>().join(OR)),
        };
        let optional = usage.is_some_and(|usage| usage.replaced || usage.bare);
        Named { name: name.clone(), services, need, optional }
    });
    // Who nobody uses is not documented, but left where it stands.
    named.filter(|named| !named.services.is_empty()).collect()
}

/// The example with a line for every variable and, above it, who uses it. What stands there stays: values, comments,
/// order.
fn example(before: Option<&str>, variables: &[Named]) -> String {
    let text = before.unwrap_or("");
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end_matches('\r').to_string()).collect();
    let mut at: Vec<(String, usize)> = places(text).into_iter().collect();
    // From the end, so that what is put in moves nothing that is still to be found.
    at.sort_by_key(|(_, line)| std::cmp::Reverse(*line));
    for (name, line) in at {
        let Some(named) = variables.iter().find(|named| named.name == name) else { continue };
        let comment = comment(named);
        match line.checked_sub(1).map(|above| &mut lines[above]).filter(|above| above.starts_with(USED)) {
            Some(above) => *above = comment,
            None => lines.insert(line, comment),
        }
    }
    let known: BTreeSet<String> = places(text).into_keys().collect();
    let missing: Vec<&Named> = variables.iter().filter(|named| !known.contains(&named.name)).collect();
    if !missing.is_empty() {
        if !lines.is_empty() && !lines.iter().any(|line| line == HEADING) {
            lines.push(String::new());
        }
        if !lines.iter().any(|line| line == HEADING) {
            lines.push(HEADING.to_string());
        }
        lines.extend(missing.into_iter().flat_map(|named| [comment(named), line(named)]));
    }
    let mut text = lines.join(ending);
    if !text.is_empty() {
        text.push_str(ending);
    }
    text
}

/// With the default where it can be shown, so that a copy of the example says what holds.
fn line(named: &Named) -> String {
    match &named.need {
        Need::Default(text) if !named.optional && !text.is_empty() && is_open(&named.name, text) && is_one(text) => {
            format!("{}={}", named.name, dotenv::quote(text))
        }
        Need::Required | Need::HandedOn if !named.optional => format!("{}=", named.name),
        _ => format!("# {}=", named.name),
    }
}

/// One default and not several, and none that is made of others.
fn is_one(text: &str) -> bool {
    !text.contains('$') && !text.contains(OR)
}

/// The line of each variable, counted from 0; a variable that is commented out counts too.
fn places(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut mentioned = BTreeMap::new();
    for entry in dotenv::parse(text, &|_| Some("set".to_string())).unwrap_or_default() {
        found.entry(entry.key).or_insert(entry.line - 1);
    }
    for (number, line) in text.lines().enumerate() {
        let mention = line.trim_start().strip_prefix('#').and_then(|line| line.split_once('=')).map(|(name, _)| name.trim());
        if let Some(name) = mention.filter(|name| is_name(name)) {
            mentioned.entry(name.to_string()).or_insert(number);
        }
    }
    for (name, line) in mentioned {
        found.entry(name).or_insert(line);
    }
    found
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn comment(named: &Named) -> String {
    let need = match &named.need {
        Need::Required => "; required".to_string(),
        Need::Default(text) if text.is_empty() => "; may be empty".to_string(),
        Need::Default(text) if is_open(&named.name, text) => format!("; default {text}"),
        Need::Default(_) => "; has a default".to_string(),
        Need::HandedOn => String::new(),
    };
    format!("{USED}{}{need}", named.services.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// Whether a value may be shown to everybody.
fn is_open(name: &str, value: &str) -> bool {
    let in_url = value.contains("://") && value.contains('@');
    !key_shape(name).is_credential() && tokens_in(name, value).is_empty() && !in_url && !value.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, need: Need) -> Named {
        Named { name: name.into(), services: ["web".to_string(), "db".to_string()].into(), need, optional: name == "F" }
    }

    #[test]
    fn every_variable_gets_a_line_and_who_uses_it() {
        let variables = [
            named("A", Need::Required),
            named("B_PASSWORD", Need::Default("tops3cret".into())),
            named("C", Need::Default("1".into())),
            named("D", Need::HandedOn),
            named("E", Need::Default(String::new())),
            named("F", Need::Default("1".into())),
            named("G", Need::Default("1 or 2".into())),
        ];
        let before = "# mine\nA=x # why\n\n# used by nobody\nD='a\n b'\n# E=\n";
        let text = example(Some(before), &variables);
        assert_eq!(
            text,
            "# mine\n# used by db, web; required\nA=x # why\n\n# used by db, web\nD='a\n b'\n# used by db, web; may be empty\n# E=\n\n\
             # --- Used by the compose files\n# used by db, web; has a default\n# B_PASSWORD=\n# used by db, web; default 1\nC=1\n\
             # used by db, web; default 1\n# F=\n# used by db, web; default 1 or 2\n# G=\n"
        );
        assert_eq!(example(Some(&text), &variables), text, "twice is once");
        let windows = example(Some("A=\r\n"), &variables[..1]);
        assert_eq!(windows, "# used by db, web; required\r\nA=\r\n");
    }
}
