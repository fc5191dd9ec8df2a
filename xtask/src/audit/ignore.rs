//! `# audit:ignore RULE reason [until DATE]`: a comment covers the entry that begins on its line, or, alone
//! on its line, the entry that begins on the next line that is no comment. Everything inside it is covered.
//! In an env file an entry is a variable.

use std::path::{Path, PathBuf};

use super::Judging;
use crate::finding::{Finding, Severity};
use crate::model::Source;
use crate::policy::{Date, Policy};
use crate::rules::{self, Check, Spot};
use crate::text::{LineIndex, Span, nearest};
use crate::yaml::Node;

const MARK: &str = "audit:ignore";
pub(super) const INVALID: &str = "invalid-suppression";
pub(super) const UNUSED: &str = "unused-suppression";

/// Why a finding is accepted, and until when.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub reason: String,
    pub until: Option<Date>,
}

/// A comment that suppresses.
#[derive(Debug, Clone, PartialEq)]
struct Ignore {
    file: PathBuf,
    /// The comment.
    span: Span,
    rule: &'static str,
    covers: Span,
    note: Note,
    /// Something was found under it.
    used: bool,
    /// Its rule was asked.
    ran: bool,
    /// How severe it is that it suppresses nothing.
    unused: Option<Severity>,
}

/// The comments that suppress findings.
#[derive(Debug, Clone, Default)]
pub struct Ignores {
    all: Vec<Ignore>,
}

impl Ignores {
    /// Those of a stack's files, and what is wrong with others.
    pub fn read(sources: &[Source], policy: &Policy, judging: Judging<'_>) -> (Ignores, Vec<Finding>) {
        let mut ignores = Ignores::default();
        let mut findings = Vec::new();
        let severity = |rule: &'static str| policy.severity(rule).filter(|_| judging.asks(rule));
        for source in sources {
            for (span, covers) in comments(source) {
                let (_, said) = span.slice(&source.text).split_once(MARK).unwrap_or_default();
                match parse(said.trim(), judging.today) {
                    Ok((rule, note)) => {
                        let (file, ran, unused) = (source.path.clone(), severity(rule).is_some(), severity(UNUSED));
                        ignores.all.push(Ignore { file, span, rule, covers, note, used: false, ran, unused });
                    }
                    Err((why, help)) => findings.extend(severity(INVALID).map(|severity| {
                        let about = why.clone();
                        Finding { about, ..spot(&source.path, span).finding(INVALID, severity, why, &help) }
                    })),
                }
            }
        }
        (ignores, findings)
    }

    /// The note that covers a finding.
    pub fn of(&mut self, finding: &Finding) -> Option<Note> {
        let covers =
            |ignore: &&mut Ignore| ignore.rule == finding.rule && ignore.file == finding.file && ignore.covers.contains(finding.span);
        let mut note = None;
        for ignore in self.all.iter_mut().filter(covers) {
            ignore.used = true;
            note = note.or_else(|| Some(ignore.note.clone()));
        }
        note
    }

    /// Adds those of another stack; a file can belong to several.
    pub fn merge(&mut self, others: Ignores) {
        for other in others.all {
            match self.all.iter_mut().find(|known| known.file == other.file && known.span == other.span) {
                Some(known) => {
                    known.used |= other.used;
                    known.ran |= other.ran;
                    known.unused = known.unused.max(other.unused);
                }
                None => self.all.push(other),
            }
        }
    }

    /// Those that suppress nothing, as findings. Of a rule that looks across stacks that is only known when
    /// all stacks (`whole`) were looked at.
    pub fn unused(&self, whole: bool) -> Vec<Finding> {
        let across = |rule: &str| rules::named(rule).is_some_and(|rule| matches!(rule.check, Check::Across { .. }));
        let idle = self.all.iter().filter(|ignore| ignore.ran && !ignore.used && (whole || !across(ignore.rule)));
        idle.filter_map(|ignore| {
            let message = format!("a comment suppresses `{}`, which finds nothing here", ignore.rule);
            let finding = spot(&ignore.file, ignore.span).finding(UNUSED, ignore.unused?, message, "take the comment away");
            Some(Finding { about: ignore.rule.to_string(), ..finding })
        })
        .collect()
    }
}

fn spot(file: &Path, span: Span) -> Spot {
    Spot { file: file.to_path_buf(), span, place: MARK.to_string(), service: None }
}

/// The rule and the note of what follows the mark; else what is wrong and what to write.
fn parse(said: &str, today: Date) -> Result<(&'static str, Note), (String, String)> {
    const FORM: &str = "write `# audit:ignore RULE reason`, and `until YYYY-MM-DD` when it shall end";
    let (name, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let Some(rule) = rules::named(name).map(|rule| rule.name) else {
        let help = nearest(name, rules::all().map(|rule| rule.name)).map_or(FORM.to_string(), |near| format!("did you mean `{near}`?"));
        return Err(("a comment suppresses a rule that does not exist".to_string(), help));
    };
    let rest = rest.trim();
    let (reason, until) = match until(rest) {
        Some((reason, day)) => match Date::parse(day) {
            Some(date) => (reason, Some(date)),
            None => return Err((format!("the day until which `{rule}` is suppressed does not exist"), FORM.to_string())),
        },
        None => (rest, None),
    };
    if reason.is_empty() {
        return Err((format!("a comment suppresses `{rule}` without a reason"), FORM.to_string()));
    }
    if until.is_some_and(|until| until < today) {
        return Err((format!("a comment suppressed `{rule}` until a day that is past"), "fix what it covers, or decide anew".to_string()));
    }
    Ok((rule, Note { reason: reason.to_string(), until }))
}

/// What stands before the last `until`, however it is written, and behind it: who writes `Until:` means a day too.
fn until(said: &str) -> Option<(&str, &str)> {
    let lower = said.to_ascii_lowercase();
    lower.rmatch_indices("until").find_map(|(start, word)| {
        let (reason, day) = (&said[..start], &said[start + word.len()..]);
        let day = day.strip_prefix(':').unwrap_or(day);
        let apart =
            (reason.is_empty() || reason.ends_with(char::is_whitespace)) && (day.is_empty() || day.starts_with(char::is_whitespace));
        apart.then_some((reason.trim(), day.trim()))
    })
}

/// The comments of a file that bear the mark, each with the bytes that it covers.
fn comments(source: &Source) -> Vec<(Span, Span)> {
    // Hardly any file has one.
    if !source.text.contains(MARK) {
        return Vec::new();
    }
    let text: &str = &source.text;
    let lines = source.lines();
    if source.documents().is_empty() {
        return env_comments(source).into_iter().map(|span| (span, covered(span, text, lines, |line| variable(source, line)))).collect();
    }
    let mut found = Vec::new();
    for document in source.documents() {
        for comment in document.comments.iter().filter(|comment| comment.text.contains(MARK)) {
            found.push((comment.span, covered(comment.span, text, lines, |line| outermost(&document.root, line))));
        }
    }
    found
}

/// What of the mark's lines in an env file is a comment: not inside a value, and behind a `#`.
fn env_comments(source: &Source) -> Vec<Span> {
    let in_value = |at: usize| source.entries().iter().any(|entry| entry.value_span.start <= at && at < entry.value_span.end);
    let marks = source.text.match_indices(MARK).map(|(at, _)| at).filter(|at| !in_value(*at));
    let comment = |at: usize| {
        let (number, _) = source.lines().line_column(&source.text, at);
        let line = source.lines().line(&source.text, number)?;
        let start = source.text.get(line.start..at)?.rfind('#')? + line.start;
        Some(Span::new(start, line.end))
    };
    marks.filter_map(comment).collect()
}

/// The variable that begins on a line of an env file.
fn variable(source: &Source, line: Span) -> Option<Span> {
    let on_line = source.entries().iter().find(|entry| line.start <= entry.key_span.start && entry.key_span.start <= line.end);
    on_line.map(|entry| Span::new(entry.key_span.start, entry.value_span.end.max(entry.key_span.end)))
}

/// The bytes that a comment covers: what begins on its line, or on the next that is no comment.
fn covered(comment: Span, text: &str, lines: &LineIndex, begins_on: impl Fn(Span) -> Option<Span>) -> Span {
    let (mut line, _) = lines.line_column(text, comment.start);
    let alone = |line: usize| lines.line(text, line).is_some_and(|span| span.slice(text).trim_start().starts_with('#'));
    while alone(line) {
        line += 1;
    }
    let Some(line) = lines.line(text, line) else { return comment };
    begins_on(line).unwrap_or(line)
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

#[cfg(test)]
#[path = "ignore_tests.rs"]
mod tests;
