//! The root's `.env` as it is to be: what the other env files hold goes into it, each under its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::loads::{Fate, Load, entries, reads_main};
use super::phase::survey::{Survey, View};
use crate::dotenv::{self, Entry, Quoting, quote};
use crate::secret::Secret;
use crate::text::{Span, TextEdit, apply};

/// An env file that goes into the root's.
pub struct Legacy {
    pub path: PathBuf,
    pub raw: bool,
    pub text: String,
}

/// A variable that cannot stand in the root's `.env` for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub name: String,
    pub why: Clash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    /// Two files have two values: the root's or the earlier one first.
    Values(Vec<(PathBuf, Secret)>),
    /// No stack has a value for it now, and these would get one: as `gateway (apps)`. The file is the one that has it.
    PickedUp { file: PathBuf, by: Vec<String> },
}

/// What one file gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub file: PathBuf,
    pub names: Vec<String>,
}

#[derive(Default)]
pub struct Merged {
    /// The whole text; `None` where there is nothing to add.
    pub text: Option<String>,
    pub sections: Vec<Section>,
    pub conflicts: Vec<Conflict>,
}

/// What becomes of a variable of a file.
enum Verdict {
    Goes,
    /// It says the same above.
    Known,
    Clashes(Clash),
    /// It means something to Compose itself.
    Composes,
}

/// The files that are to be merged, each once.
pub fn legacy(loads: &[Load], survey: &Survey<'_>) -> Vec<Legacy> {
    let mut found: Vec<Legacy> = Vec::new();
    for load in loads.iter().filter(|load| matches!(load.fate, Fate::Legacy { .. })) {
        if found.iter().any(|known| known.path == load.path) {
            continue;
        }
        let source = survey.views.iter().flat_map(|view| &view.model.sources).find(|source| source.path == load.path);
        let Some(source) = source else { continue };
        let text = source.text.trim_start_matches('\u{feff}').to_string();
        found.push(Legacy { path: load.path.clone(), raw: load.raw, text });
    }
    found
}

/// `before` is the root's text as it is.
pub fn merge(main: &Path, before: Option<&str>, files: &[Legacy], survey: &Survey<'_>, shown: &dyn Fn(&Path) -> String) -> Merged {
    let mut merging = Merging { main, before: before.unwrap_or(""), files, survey, owner: BTreeMap::new(), merged: Merged::default() };
    let mut text = merging.before.to_string();
    for number in 0..files.len() {
        merging.add(number, &mut text, shown);
    }
    let Merging { mut merged, .. } = merging;
    merged.text = (!merged.sections.is_empty()).then_some(text);
    merged
}

struct Merging<'a> {
    main: &'a Path,
    before: &'a str,
    files: &'a [Legacy],
    survey: &'a Survey<'a>,
    /// The file that a merged name comes from.
    owner: BTreeMap<String, usize>,
    merged: Merged,
}

impl Merging<'_> {
    fn add(&mut self, number: usize, text: &mut String, shown: &dyn Fn(&Path) -> String) {
        let file = &self.files[number];
        // Its names and their places are the same for everybody.
        let read = |view: &View<'_>| all_entries(&file.text, file.raw, view);
        let Some(lines) = self.loaders(file).first().map(|view| read(view)) else { return };
        let mut edits: Vec<TextEdit> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut judged: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for entry in &lines {
            let name = entry.key.as_str();
            if !judged.contains_key(name) {
                let note = match self.judge(name, number) {
                    Verdict::Goes => {
                        names.push(name.to_string());
                        self.owner.insert(name.to_string(), number);
                        None
                    }
                    Verdict::Known => Some("is set above"),
                    Verdict::Composes => Some("is not taken over: it means something to Compose"),
                    Verdict::Clashes(why) => {
                        let note = if matches!(why, Clash::Values(_)) { "has another value above" } else { "stays with its services" };
                        self.merged.conflicts.push(Conflict { name: name.to_string(), why });
                        Some(note)
                    }
                };
                judged.insert(name, note);
            }
            match judged[name] {
                Some(note) => edits.push(TextEdit { span: whole(&file.text, entry), text: format!("# {name} {note}") }),
                None if file.raw && entry.quoting != Quoting::Inherited => {
                    edits.push(TextEdit { span: entry.value_span, text: quote(&entry.value) });
                }
                None => {}
            }
        }
        let section = apply(&file.text, &edits).unwrap_or_default();
        if names.is_empty() || section.is_empty() {
            return;
        }
        append(text, &shown(&file.path), &section);
        self.merged.sections.push(Section { file: file.path.clone(), names });
    }

    fn judge(&self, name: &str, number: usize) -> Verdict {
        let file = &self.files[number];
        if name.starts_with("COMPOSE_") || name.is_empty() {
            return Verdict::Composes;
        }
        let mut known = false;
        for view in self.loaders(file) {
            let Some((path, other)) = self.standing(name, view) else { continue };
            known = true;
            let mine = value(&entries(&file.text, file.raw, view), name);
            if mine != other {
                let values =
                    vec![(path, Secret::new(other.unwrap_or_default())), (file.path.clone(), Secret::new(mine.unwrap_or_default()))];
                return Verdict::Clashes(Clash::Values(values));
            }
        }
        if known {
            return Verdict::Known;
        }
        match picked_up(self.survey, self.main, name) {
            by if by.is_empty() => Verdict::Goes,
            by => Verdict::Clashes(Clash::PickedUp { file: file.path.clone(), by }),
        }
    }

    /// The chosen stacks in which a service loads this file.
    fn loaders(&self, file: &Legacy) -> Vec<&View<'_>> {
        let loads = |view: &&View<'_>| view.chosen && view.model.env_files.values().flatten().any(|loaded| loaded.path == file.path);
        self.survey.views.iter().filter(loads).collect()
    }

    /// Where the name stands already, and its value to a stack.
    fn standing(&self, name: &str, view: &View<'_>) -> Option<(PathBuf, Option<String>)> {
        let main = entries(self.before, false, view);
        if main.contains_key(name) {
            return Some((self.main.to_path_buf(), value(&main, name)));
        }
        let owner = &self.files[*self.owner.get(name)?];
        Some((owner.path.clone(), value(&entries(&owner.text, owner.raw, view), name)))
    }
}

fn value(entries: &BTreeMap<String, Entry>, name: &str) -> Option<String> {
    entries.get(name).map(|entry| entry.value.clone())
}

fn all_entries(text: &str, raw: bool, view: &View<'_>) -> Vec<Entry> {
    let lookup = |name: &str| view.model.lookup(name).map(String::from);
    let read = if raw { dotenv::parse_raw(text, &lookup) } else { dotenv::parse(text, &lookup) };
    read.unwrap_or_default()
}

/// From the beginning of an entry, `export` included, to the end of its value.
fn whole(text: &str, entry: &Entry) -> Span {
    let line = text[..entry.key_span.start].rfind('\n').map_or(0, |at| at + 1);
    let lead = text[line..entry.key_span.start].len() - text[line..entry.key_span.start].trim_start().len();
    Span::new(line + lead, entry.value_span.end.max(entry.key_span.end))
}

/// Services that take a variable without a value from the root's `.env`, as soon as it stands there: by `${}` in any
/// form, or by its name alone under `environment`.
pub fn picked_up(survey: &Survey<'_>, main: &Path, name: &str) -> Vec<String> {
    let mut by = BTreeSet::new();
    for view in survey.views.iter().filter(|view| reads_main(view, main) && view.model.lookup(name).is_none()) {
        for reference in view.model.references.iter().filter(|reference| reference.name == name) {
            by.insert(format!("{} ({})", reference.service.as_deref().unwrap_or(&reference.place), view.stack.id));
        }
        for service in view.model.services() {
            if view.model.environment_of(service).get(name).is_some_and(Option::is_none) {
                by.insert(format!("{service} ({})", view.stack.id));
            }
        }
    }
    by.into_iter().collect()
}

/// A paragraph under a heading, in the line endings of the text.
pub fn append(text: &mut String, heading: &str, section: &str) {
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(ending);
    }
    if !text.is_empty() {
        text.push_str(ending);
    }
    text.push_str(&format!("# --- {heading}{ending}"));
    for line in section.trim_matches(['\n', '\r']).lines() {
        text.push_str(line.trim_end_matches('\r'));
        text.push_str(ending);
    }
}
