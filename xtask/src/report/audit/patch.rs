//! What a finding's fix would write, as a small diff, secrets masked.

use similar::{ChangeTag, TextDiff};

use crate::audit::Audit;
use crate::finding::{Finding, FixKind};
use crate::secret::MASK;
use crate::text::{Span, TextEdit, apply};
use crate::yaml::operate;

/// A larger file is not written anew for every finding in it.
const LARGEST_FILE: usize = 256 * 1024;

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

/// The lines that the fix takes and gives, with the lines beside them; empty where there is nothing to show.
pub fn lines(audit: &Audit, finding: &Finding) -> Vec<Line> {
    match sides(audit, finding) {
        Some((before, after)) => compared(&before, &after),
        None => Vec::new(),
    }
}

/// The file before and after, masked; `None` where the fix cannot be written or shown.
fn sides(audit: &Audit, finding: &Finding) -> Option<(String, String)> {
    let fix = finding.fix.as_ref().filter(|fix| matches!(fix.kind, FixKind::Apply | FixKind::Propose))?;
    let text = audit.texts.get(&fix.file).filter(|text| text.text.len() < LARGEST_FILE)?;
    let edits = operate(&text.text, &fix.operations).ok()?.edits;
    let masks = masks(&text.secrets);
    // A secret inside of what is written anew could come back in it.
    let touches = |edit: &TextEdit| masks.iter().any(|mask| mask.span.start < edit.span.end && edit.span.start < mask.span.end);
    if edits.is_empty() || edits.iter().any(touches) {
        return None;
    }
    Some((apply(&text.text, &masks).ok()?, apply(&text.text, &[edits, masks.clone()].concat()).ok()?))
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

fn compared(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let number = change.old_index().map(|index| index + 1);
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
        lines(&audit, &finding).iter().map(|line| format!("{}{}{}", number(line), line.sign, line.text)).collect()
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
