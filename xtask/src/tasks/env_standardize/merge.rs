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
    let mut text = before.unwrap_or("").to_string();
    let read = |view: &'_ View<'_>| Reading {
        loads: files.iter().map(|file| view.model.env_files.values().flatten().any(|loaded| loaded.path == file.path)).collect(),
        main: values(entries(&text, false, view)),
        files: files.iter().map(|file| values(entries(&file.text, file.raw, view))).collect(),
    };
    let views: Vec<&View<'_>> = survey.views.iter().filter(|view| view.chosen).collect();
    let readings = views.iter().map(|view| read(view)).collect();
    let awaited = awaited(survey, main);
    let mut merging = Merging { main, files, views, readings, awaited, owner: BTreeMap::new(), merged: Merged::default() };
    for number in 0..files.len() {
        merging.add(number, &mut text, shown);
    }
    let Merging { mut merged, .. } = merging;
    merged.text = (!merged.sections.is_empty()).then_some(text);
    merged
}

/// What the files hold for one stack.
struct Reading {
    /// Whether a service loads the file.
    loads: Vec<bool>,
    /// The root's.
    main: BTreeMap<String, String>,
    files: Vec<BTreeMap<String, String>>,
}

struct Merging<'a> {
    main: &'a Path,
    files: &'a [Legacy],
    /// The chosen stacks, and each one's reading.
    views: Vec<&'a View<'a>>,
    readings: Vec<Reading>,
    awaited: BTreeMap<String, BTreeSet<String>>,
    /// The file that a merged name comes from.
    owner: BTreeMap<String, usize>,
    merged: Merged,
}

impl Merging<'_> {
    fn add(&mut self, number: usize, text: &mut String, shown: &dyn Fn(&Path) -> String) {
        let file = &self.files[number];
        // Its names and their places are the same for everybody.
        let Some(first) = self.readings.iter().position(|reading| reading.loads[number]) else { return };
        let lines = all_entries(&file.text, file.raw, self.views[first]);
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
        for reading in self.readings.iter().filter(|reading| reading.loads[number]) {
            let Some((path, other)) = self.standing(name, reading) else { continue };
            known = true;
            let mine = reading.files[number].get(name);
            if mine != other {
                let secret = |value: Option<&String>| Secret::new(value.map(String::as_str).unwrap_or_default());
                let values = vec![(path.to_path_buf(), secret(other)), (file.path.clone(), secret(mine))];
                return Verdict::Clashes(Clash::Values(values));
            }
        }
        if known {
            return Verdict::Known;
        }
        match self.awaited.get(name) {
            None => Verdict::Goes,
            Some(by) => Verdict::Clashes(Clash::PickedUp { file: file.path.clone(), by: by.iter().cloned().collect() }),
        }
    }

    /// Where the name stands already, and its value to a stack.
    fn standing<'r>(&'r self, name: &str, reading: &'r Reading) -> Option<(&'r Path, Option<&'r String>)> {
        if let Some(value) = reading.main.get(name) {
            return Some((self.main, Some(value)));
        }
        let owner = *self.owner.get(name)?;
        Some((self.files[owner].path.as_path(), reading.files[owner].get(name)))
    }
}

fn values(entries: BTreeMap<String, Entry>) -> BTreeMap<String, String> {
    entries.into_iter().map(|(name, entry)| (name, entry.value)).collect()
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

/// The variables without a value, and the services that take each from the root's `.env`, as soon as it stands there: by
/// `${}` in any form, or by its name alone under `environment`.
fn awaited(survey: &Survey<'_>, main: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut note = |name: &str, who: String| {
        by.entry(name.to_string()).or_default().insert(who);
    };
    for view in survey.views.iter().filter(|view| reads_main(view, main)) {
        for reference in view.model.references.iter().filter(|reference| view.model.lookup(&reference.name).is_none()) {
            note(&reference.name, format!("{} ({})", reference.service.as_deref().unwrap_or(&reference.place), view.stack.id));
        }
        for service in view.model.services() {
            for (name, _) in
                view.model.environment_of(service).into_iter().filter(|(name, value)| value.is_none() && view.model.lookup(name).is_none())
            {
                note(name, format!("{service} ({})", view.stack.id));
            }
        }
    }
    by
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
