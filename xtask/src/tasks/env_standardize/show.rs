//! What a plan comes to, for people and programs. Values of secrets are masked.

use std::collections::BTreeMap;
use std::path::Path;

use super::copies::Copies;
use super::draft::Draft;
use super::loads::{Fate, Load};
use super::merge::{Clash, Conflict};
use super::phase::change::Kind;
use super::phase::preview::others_may_read;
use super::phase::show;
use super::prepare::Proposal;
use crate::catalogue::key_shape;
use crate::event::{Event, FileDiff};
use crate::tasks::Context;
use crate::text::LineIndex;

/// A table of what has two values, a line each, its head first.
pub fn conflicts(cx: &Context<'_>, conflicts: &[Conflict]) -> Vec<String> {
    let shown = |path: &Path| cx.project.relative(path).display().to_string();
    let mut rows = vec![["variable", "value", "in", "other value", "in"].map(String::from)];
    let mut picked = Vec::new();
    for conflict in conflicts {
        let name = conflict.name.clone();
        match &conflict.why {
            Clash::Values(values) => {
                if let [(one, first), (other, second)] = values.as_slice() {
                    let [first, second] = [first, second].map(|value| show::value(&name, value.expose(), &cx.masker.borrow()));
                    rows.push([name, first, shown(one), second, shown(other)]);
                }
            }
            Clash::PickedUp { file, by } => picked.push(format!(
                "{name} of {} has no value for `${{}}` now, and {} would pick it up from .env",
                shown(file),
                by.join(", ")
            )),
        }
    }
    let widths: Vec<usize> = (0..4).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; 5]| {
        let padded: Vec<String> = row.iter().zip(widths.iter().chain([&0])).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_string()
    };
    let table = if rows.len() > 1 { rows.iter().map(line).collect() } else { Vec::new() };
    table.into_iter().chain(picked).collect()
}

/// What the plan comes to.
pub fn preview(cx: &Context<'_>, proposal: &Proposal) -> Vec<Event> {
    let draft = &proposal.draft;
    if draft.changes.is_empty() {
        return Vec::new();
    }
    let files: Vec<FileDiff> = draft.changes.iter().map(|change| show::diff(&cx.project, change, &cx.masker.borrow())).collect();
    let shown = |path: &Path| cx.project.relative(path).display().to_string();
    let mut other: Vec<String> = Vec::new();
    for section in &draft.merged.sections {
        other.push(format!("{} goes into .env: {}; the file itself stays", shown(&section.file), section.names.join(", ")));
    }
    other.extend(draft.legacy().map(|load| format!("{} names .env", place(cx, load))));
    if !draft.added.is_empty() {
        let names: Vec<&str> = draft.added.iter().map(|line| line.name.as_str()).collect();
        other.push(format!("set nowhere until now, and added: {}", names.join(", ")));
    }
    other.extend(kept(proposal).into_iter().map(|(of, names)| format!("{of} keeps of its own: {}", names.join(", "))));
    other.extend(draft.pins.declared.iter().map(|(stack, service, name)| format!("{service} ({stack}) gets the root's {name}")));
    other.extend(copies(cx, draft));
    let opened = draft.changes.iter().filter(|change| change.kind == Kind::Env && others_may_read(&change.path));
    other.extend(opened.map(|change| format!("{} becomes its owner's alone (0600)", shown(&change.path))));
    other.extend(stays(cx, &draft.loads));
    other.extend(gained(proposal));
    let mut events = vec![Event::Planned { files, other }];
    events.extend(proposal.warnings.iter().cloned().map(Event::Warning));
    events
}

/// What goes from folders' own env files, a line each.
pub fn copies(cx: &Context<'_>, draft: &Draft) -> Vec<String> {
    let line = |copies: &Copies| {
        let file = cx.project.relative(&copies.change.path).display();
        format!("{file} loses {}: nothing reads it there any more, and .env says the same", copies.names.join(", "))
    };
    draft.copies.iter().map(line).collect()
}

/// By service, the variables that it gets under its own `environment`.
pub fn kept(proposal: &Proposal) -> BTreeMap<String, Vec<String>> {
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pin in &proposal.draft.pins.pins {
        kept.entry(format!("{} ({})", pin.service, pin.stack)).or_default().push(pin.name.clone());
    }
    kept
}

/// The entries that are left alone, and why.
pub fn stays(cx: &Context<'_>, loads: &[Load]) -> Vec<String> {
    let left = loads.iter().filter_map(|load| match &load.fate {
        Fate::Stays(why) => Some(format!("{} stays as it is: {why}", place(cx, load))),
        _ => None,
    });
    left.collect()
}

/// `tools/compose/x.yml:12: services.web.env_file`.
pub fn place(cx: &Context<'_>, load: &Load) -> String {
    let text = std::fs::read_to_string(&load.file).unwrap_or_default();
    let line = if load.span.end <= text.len() { LineIndex::new(&text).line_column(&text, load.span.start).0 } else { 0 };
    format!("{}:{line}: {}", cx.project.relative(&load.file).display(), load.place)
}

/// Who sees more than before, a line each.
pub fn gained(proposal: &Proposal) -> Vec<String> {
    let line = |((stack, service), names): (&(String, String), &std::collections::BTreeSet<String>)| {
        let secret: Vec<&str> = names.iter().map(String::as_str).filter(|name| key_shape(name).is_credential()).collect();
        let among = if secret.is_empty() { String::new() } else { format!("; secrets among them: {}", secret.join(", ")) };
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{service} ({stack}) will see more variables, and the next `up` recreates it: {}{among}", all.join(", "))
    };
    proposal.gains.iter().map(line).collect()
}
