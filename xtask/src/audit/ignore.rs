//! `# audit:ignore RULE reason [until DATE]`: a comment covers the entry that begins on its line, or, alone
//! on its line, the entry that begins on the next line that is no comment. Everything inside it is covered.

use std::path::PathBuf;

use super::Judging;
use crate::finding::Finding;
use crate::model::Source;
use crate::policy::{Date, Policy};
use crate::rules::{self, Spot};
use crate::text::{LineIndex, Span, nearest};
use crate::yaml::{Comment, Document, Node};

const MARK: &str = "audit:ignore";
const RULE: &str = "invalid-suppression";

/// Why a finding is accepted, and until when.
#[derive(Debug, Clone)]
pub struct Note {
    pub reason: String,
    pub until: Option<Date>,
}

struct Ignore {
    file: PathBuf,
    rule: String,
    covers: Span,
    note: Note,
}

/// The comments of a stack's files that suppress findings.
pub struct Ignores {
    all: Vec<Ignore>,
    complaints: Vec<(Spot, String, String)>,
}

impl Ignores {
    pub fn read(sources: &[Source], judging: Judging<'_>) -> Ignores {
        let mut ignores = Ignores { all: Vec::new(), complaints: Vec::new() };
        for source in sources {
            // Hardly any file has one.
            if !source.text.contains(MARK) {
                continue;
            }
            let lines = LineIndex::new(&source.text);
            for document in source.documents() {
                for comment in document.comments.iter().filter(|comment| comment.text.contains(MARK)) {
                    let covers = covered(comment, document, &source.text, &lines);
                    ignores.add(comment, covers, &source.path, judging.today);
                }
            }
        }
        ignores
    }

    fn add(&mut self, comment: &Comment, covers: Span, file: &std::path::Path, today: Date) {
        let said = comment.text.split_once(MARK).map_or("", |(_, after)| after.trim());
        match parse(said, today) {
            Ok((rule, note)) => self.all.push(Ignore { file: file.to_path_buf(), rule, covers, note }),
            Err((why, help)) => {
                let spot = Spot { file: file.to_path_buf(), span: comment.span, place: MARK.to_string(), service: None };
                self.complaints.push((spot, why, help));
            }
        }
    }

    /// The note that covers a finding.
    pub fn of(&mut self, finding: &Finding) -> Option<Note> {
        let covering =
            |ignore: &&Ignore| ignore.rule == finding.rule && ignore.file == finding.file && ignore.covers.contains(finding.span);
        self.all.iter().find(covering).map(|ignore| ignore.note.clone())
    }

    /// What is wrong with the comments themselves, as findings.
    pub fn complaints(self, policy: &Policy) -> Vec<Finding> {
        let Some(severity) = policy.severity(RULE) else { return Vec::new() };
        let finding = |(spot, why, help): (Spot, String, String)| {
            let about = why.clone();
            Finding { about, ..spot.finding(RULE, severity, why, &help) }
        };
        self.complaints.into_iter().map(finding).collect()
    }
}

/// The rule and the note of what follows the mark; else what is wrong and what to write.
fn parse(said: &str, today: Date) -> Result<(String, Note), (String, String)> {
    const FORM: &str = "write `# audit:ignore RULE reason`, and `until YYYY-MM-DD` when it shall end";
    let (rule, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    if rules::named(rule).is_none() {
        let help = nearest(rule, rules::all().map(|rule| rule.name)).map_or(FORM.to_string(), |near| format!("did you mean `{near}`?"));
        return Err(("a comment suppresses a rule that does not exist".to_string(), help));
    }
    let rest = rest.trim();
    let (reason, until) = match rest.rsplit_once("until ") {
        Some((reason, day)) if reason.is_empty() || reason.ends_with(char::is_whitespace) => match Date::parse(day.trim()) {
            Some(date) => (reason.trim(), Some(date)),
            None => return Err((format!("the day until which `{rule}` is suppressed does not exist"), FORM.to_string())),
        },
        _ => (rest, None),
    };
    if reason.is_empty() {
        return Err((format!("a comment suppresses `{rule}` without a reason"), FORM.to_string()));
    }
    if until.is_some_and(|until| until < today) {
        return Err((format!("a comment suppressed `{rule}` until a day that is past"), "fix what it covers, or decide anew".to_string()));
    }
    Ok((rule.to_string(), Note { reason: reason.to_string(), until }))
}

/// The bytes that a comment covers.
fn covered(comment: &Comment, document: &Document, text: &str, lines: &LineIndex) -> Span {
    let (mut line, _) = lines.line_column(text, comment.span.start);
    let alone = |line: usize| lines.line(text, line).is_some_and(|span| span.slice(text).trim_start().starts_with('#'));
    while alone(line) {
        line += 1;
    }
    let Some(line) = lines.line(text, line) else { return comment.span };
    outermost(&document.root, line).unwrap_or(line)
}

/// The widest entry or item that begins on a line.
fn outermost(node: &Node, line: Span) -> Option<Span> {
    let on_line = |at: usize| line.start <= at && at <= line.end;
    for entry in node.entries() {
        let whole = Span::new(entry.key.span.start, entry.value.span.end.max(entry.key.span.end));
        if on_line(whole.start) {
            return Some(whole);
        }
        if let Some(inner) = outermost(&entry.value, line) {
            return Some(inner);
        }
    }
    for item in node.items() {
        if on_line(item.span.start) {
            return Some(item.span);
        }
        if let Some(inner) = outermost(item, line) {
            return Some(inner);
        }
    }
    None
}
