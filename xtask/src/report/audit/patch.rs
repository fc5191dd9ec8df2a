//! What a finding's fix would write, as a small diff, secrets masked.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

use similar::{ChangeTag, TextDiff};

use crate::audit::Audit;
use crate::finding::{Finding, Fix, FixKind};
use crate::secret::MASK;
use crate::text::{LineIndex, Span, TextEdit, apply};
use crate::yaml::{Operation, operate_each};

/// A larger file is not written anew for the findings in it.
const LARGEST_FILE: usize = 256 * 1024;

/// Lines beside what changes that are compared too: one is shown, and the next shows whether it is blank.
const BESIDE: usize = 3;

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// In the file as it is, from 1; none for a line that is added.
    pub number: Option<usize>,
    /// `-`, `+`, or a space for a line of context.
    pub sign: char,
    /// Without its ending.
    pub text: String,
}

/// What the fixes of some findings write. Each file is read once for all of them.
pub struct Patches<'a> {
    edits: HashMap<*const Fix, Vec<TextEdit>>,
    files: HashMap<&'a OsStr, Masked<'a>>,
}

impl<'a> Patches<'a> {
    /// The diffs of these findings.
    pub fn shown(audit: &'a Audit, findings: impl Iterator<Item = &'a Finding>) -> Self {
        let fixes = findings.filter_map(|finding| finding.fix.as_deref());
        let is_shown = |fix: &&Fix| {
            matches!(fix.kind, FixKind::Apply | FixKind::Propose)
                && audit.texts.get(&fix.file).is_some_and(|text| text.text.len() < LARGEST_FILE)
        };
        Patches::of(audit, fixes.filter(is_shown))
    }

    /// What these fixes write, by file.
    pub fn of(audit: &'a Audit, fixes: impl Iterator<Item = &'a Fix>) -> Self {
        let mut by_file: HashMap<&'a Path, Vec<&'a Fix>> = HashMap::new();
        for fix in fixes {
            by_file.entry(&fix.file).or_default().push(fix);
        }
        let mut patches = Patches { edits: HashMap::new(), files: HashMap::new() };
        for (path, fixes) in by_file {
            let Some(text) = audit.texts.get(path) else { continue };
            let groups: Vec<&[Operation]> = fixes.iter().map(|fix| fix.operations.as_slice()).collect();
            let made = fixes.iter().zip(operate_each(&text.text, &groups));
            patches.edits.extend(made.filter_map(|(fix, edits)| Some((std::ptr::from_ref(*fix), edits.ok()?))));
            patches
                .files
                .insert(path.as_os_str(), Masked { text: &text.text, lines: LineIndex::new(&text.text), masks: masks(&text.secrets) });
        }
        patches
    }

    /// The edits of a fix; `None` where it cannot be written.
    pub fn edits(&self, fix: &Fix) -> Option<&[TextEdit]> {
        self.edits.get(&std::ptr::from_ref(fix)).map(Vec::as_slice)
    }

    /// The lines that the fix takes and gives, with the lines beside them; empty where there is nothing to show.
    pub fn lines(&self, finding: &Finding) -> Vec<Line> {
        let sides = || {
            let fix = finding.fix.as_deref()?;
            self.files.get(fix.file.as_os_str())?.sides(self.edits(fix)?)
        };
        sides().map_or_else(Vec::new, |(above, before, after)| compared(above, &before, &after))
    }
}

/// A file whose secrets are masked.
struct Masked<'a> {
    text: &'a str,
    lines: LineIndex,
    masks: Vec<TextEdit>,
}

impl Masked<'_> {
    /// How many lines stand above what changes, and the part of the file around it before and after; `None` where
    /// that must not be shown.
    fn sides(&self, edits: &[TextEdit]) -> Option<(usize, String, String)> {
        // A secret inside of what is written anew could come back in it.
        let touches = |edit: &TextEdit| self.masks.iter().any(|mask| mask.span.start < edit.span.end && edit.span.start < mask.span.end);
        if edits.is_empty() || edits.iter().any(touches) {
            return None;
        }
        let part = self.around(edits)?;
        let (first, last) =
            (self.masks.partition_point(|mask| mask.span.end <= part.start), self.masks.partition_point(|mask| mask.span.start < part.end));
        let hidden: usize = self.masks[..first].iter().map(|mask| mask.span.slice(self.text).matches('\n').count()).sum();
        let above = self.lines.line_column(self.text, part.start).0 - 1 - hidden;
        let moved = |edit: &TextEdit| TextEdit {
            span: Span::new(edit.span.start - part.start, edit.span.end - part.start),
            text: edit.text.clone(),
        };
        let masks: Vec<TextEdit> = self.masks[first..last].iter().map(moved).collect();
        let edits: Vec<TextEdit> = edits.iter().map(moved).chain(masks.iter().cloned()).collect();
        let text = part.slice(self.text);
        Some((above, apply(text, &masks).ok()?, apply(text, &edits).ok()?))
    }

    /// Whole lines around the edits; no mask reaches out of them.
    fn around(&self, edits: &[TextEdit]) -> Option<Span> {
        let mut start = edits.iter().map(|edit| edit.span.start).min()?;
        let mut end = edits.iter().map(|edit| edit.span.end).max()?;
        let line_of = |offset| self.lines.line_column(self.text, offset).0;
        let start_of = |line: usize| self.lines.line(self.text, line).map_or(self.text.len(), |line| line.start);
        (start, end) = (start_of(line_of(start).saturating_sub(BESIDE).max(1)), start_of(line_of(end) + 1 + BESIDE));
        for mask in self.masks.iter().rev() {
            if mask.span.start < start && start < mask.span.end {
                start = start_of(line_of(mask.span.start));
            }
        }
        for mask in &self.masks {
            if mask.span.start < end && end < mask.span.end {
                end = start_of(line_of(mask.span.end) + 1);
            }
        }
        Some(Span::new(start, end))
    }
}

/// Secrets that overlap or touch become one mask.
fn masks(secrets: &[Span]) -> Vec<TextEdit> {
    let mut sorted: Vec<Span> = secrets.iter().copied().filter(|span| !span.is_empty()).collect();
    sorted.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for span in sorted {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined.into_iter().map(|span| TextEdit { span, text: MASK.to_string() }).collect()
}

/// `above`: how many lines stand above these.
fn compared(above: usize, before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let number = change.old_index().map(|index| above + index + 1);
            lines.push(Line { number, sign, text: change.value().trim_end_matches(['\r', '\n']).to_string() });
        }
        // An empty line tells nobody where he is.
        lines.pop_if(|last| last.sign == ' ' && last.text.trim().is_empty());
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::audit::Text;
    use crate::finding::{Fix, Severity};
    use crate::yaml::{Operation, Place, Plain, What};

    const FILE: &str = "/p/compose.yaml";
    const TEXT: &str = "services:\n  db:\n    image: x\n    environment: {PASSWORD: hunter2hunter2}\n  web:\n    image: y\n";

    fn shown(place: Place, what: What) -> Vec<String> {
        let at = TEXT.find("hunter2").unwrap();
        let text = Text { text: TEXT.into(), secrets: vec![Span::new(at, at + 14)] };
        let audit = Audit {
            since: None,
            root: "/p".into(),
            stacks: Vec::new(),
            findings: Vec::new(),
            suppressed: Vec::new(),
            gaps: Vec::new(),
            texts: BTreeMap::from([(FILE.into(), text)]),
        };
        let operations = vec![Operation { document: 0, place, what }];
        let fix = Fix { kind: FixKind::Apply, file: FILE.into(), operations, changes: Vec::new(), caveat: None, reveals: &[] };
        let finding = Finding {
            rule: "r",
            severity: Severity::Low,
            file: FILE.into(),
            span: Span::default(),
            place: String::new(),
            service: None,
            message: String::new(),
            help: String::new(),
            about: String::new(),
            fix: Some(Box::new(fix)),
        };
        let number = |line: &Line| line.number.map_or(String::new(), |number| number.to_string());
        Patches::shown(&audit, std::iter::once(&finding))
            .lines(&finding)
            .iter()
            .map(|line| format!("{}{}{}", number(line), line.sign, line.text))
            .collect()
    }

    #[test]
    fn what_is_added_stands_between_its_neighbours_and_secrets_are_masked() {
        let db = Place::default().key("services").key("db");
        let add = What::Add { key: "init".into(), value: Plain::Bool(true) };
        assert_eq!(shown(db, add), ["4     environment: {PASSWORD: ********}", "+    init: true", "5   web:"]);
    }

    #[test]
    fn what_would_write_a_secret_anew_is_not_shown() {
        let value = Place::default().key("services").key("db").key("environment").key("PASSWORD");
        assert!(shown(value, What::Set(Plain::Str("other".into()))).is_empty());
    }
}
