//! Copies of the root's variables in a folder's own `.env`, which Compose reads for `${...}`: where the last reader now
//! loads the root's file, the copy goes, and with it a second place to keep a secret in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::phase::change::{Change, Kind};
use super::phase::survey::{Survey, names_variables};
use super::phase::unused::unused;
use crate::dotenv::{self, Entry};
use crate::model::Model;
use crate::source::real;
use crate::text::{Span, TextEdit, apply};

/// What goes from one file.
#[derive(Clone)]
pub struct Copies {
    pub names: Vec<String>,
    pub change: Change,
}

/// The lines that something asked for in `before` and nothing does in `after`, and that the root's `.env` has with the same
/// value. What a stack reads that does not render is not known, so that then everything stays.
pub fn copies(before: &Survey<'_>, after: &Survey<'_>, main: &Path, main_text: &str) -> Vec<Copies> {
    if !after.broken.is_empty() {
        return Vec::new();
    }
    let models = |survey: &Survey<'_>| unused(&survey.views.iter().map(|view| &view.model).collect::<Vec<&Model>>());
    let before: BTreeSet<(PathBuf, String)> = models(before).into_iter().map(|(path, name, _)| (path, name)).collect();
    let mut gone: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for (path, name, _) in models(after) {
        if real(&path) == main || before.contains(&(path.clone(), name.clone())) {
            continue;
        }
        match gone.iter_mut().find(|(known, _)| *known == path) {
            Some((_, names)) => names.push(name),
            None => gone.push((path, vec![name])),
        }
    }
    let text_of = |path: &Path| {
        let mut sources = after.views.iter().flat_map(|view| &view.model.sources);
        sources.find(|source| source.path == path).map(|source| source.text.to_string())
    };
    gone.into_iter().filter_map(|(path, names)| without(&path, text_of(&path)?, &names, main_text)).collect()
}

fn without(path: &Path, text: String, names: &[String], main_text: &str) -> Option<Copies> {
    let (own, root) = (entries(&text), entries(main_text));
    let is_copy = |name: &&String| {
        let value = one(&own, name).filter(|entry| !names_variables(&text, entry)).map(|entry| &entry.value);
        let of_root = one(&root, name).filter(|entry| !names_variables(main_text, entry)).map(|entry| &entry.value);
        value.is_some() && value == of_root
    };
    let names: Vec<String> = names.iter().filter(is_copy).cloned().collect();
    let edits: Vec<TextEdit> = own.iter().filter(|entry| names.contains(&entry.key)).map(|entry| line(&text, entry)).collect();
    let after = apply(&text, &edits).ok()?;
    let left = own.iter().filter(|entry| !names.contains(&entry.key));
    let same = left.map(|entry| (&entry.key, &entry.value)).eq(entries(&after).iter().map(|entry| (&entry.key, &entry.value)));
    let change = Change { path: path.to_path_buf(), kind: Kind::Env, before: Some(text), after, secrets: Vec::new() };
    (same && !names.is_empty()).then_some(Copies { names, change })
}

/// The only line of a name.
fn one<'e>(entries: &'e [Entry], name: &str) -> Option<&'e Entry> {
    let mut named = entries.iter().filter(|entry| entry.key == name);
    named.next().filter(|_| named.next().is_none())
}

fn entries(text: &str) -> Vec<Entry> {
    dotenv::parse(text, &|_| Some("set".to_string())).unwrap_or_default()
}

/// All lines of an entry, with the comment behind it.
fn line(text: &str, entry: &Entry) -> TextEdit {
    let start = text[..entry.key_span.start].rfind('\n').map_or(0, |at| at + 1);
    let behind = entry.value_span.end.max(entry.key_span.end);
    let end = text[behind..].find('\n').map_or(text.len(), |at| behind + at + 1);
    TextEdit { span: Span::new(start, end), text: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_root_says_too_goes() {
        let text = "# c\nA=1\nB='x\ny' # why\nC=2\nD=1\nD=1\nE=${A}\n";
        let names = ["A", "B", "C", "D", "E"].map(String::from);
        let gone = without(Path::new("/p/x/.env"), text.into(), &names, "A=1\nB=\"x\\ny\"\nC=3\nD=1\nE=1\n").unwrap();
        assert_eq!(gone.names, ["A", "B"]);
        assert_eq!(gone.change.after, "# c\nC=2\nD=1\nD=1\nE=${A}\n");
        assert!(without(Path::new("/p/x/.env"), text.into(), &names, "").is_none());
    }
}
