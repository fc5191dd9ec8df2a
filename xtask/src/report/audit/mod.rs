//! What an audit says, in each of its formats.

mod fixed;
mod github;
mod human;
mod json;
mod markdown;
mod sarif;

pub use fixed::{fixed, fixed_json};
pub use github::github;
pub use human::human;
pub use json::json;
pub use markdown::markdown;
pub use sarif::sarif;

use std::collections::BTreeMap;
use std::path::Path;

use crate::audit::{Audit, Entry};
use crate::text::{LineIndex, Span};

/// Where a finding stands, for people and programs: lines and columns count from 1, columns in characters;
/// the end is the column behind the last character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
struct Region {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// The regions of all findings: a file's lines are counted once.
struct Regions<'a> {
    audit: &'a Audit,
    lines: BTreeMap<&'a Path, LineIndex>,
    /// For a finding in a file that is not there.
    nothing: LineIndex,
}

impl<'a> Regions<'a> {
    fn new(audit: &'a Audit) -> Self {
        let lines = audit.texts.iter().map(|(path, text)| (path.as_path(), LineIndex::new(&text.text))).collect();
        Regions { audit, lines, nothing: LineIndex::new("") }
    }

    /// A file's text, its lines and the bytes in it that are never shown.
    fn source(&self, file: &Path) -> (&'a str, &LineIndex, &'a [Span]) {
        match (self.audit.texts.get(file), self.lines.get(file)) {
            (Some(text), Some(lines)) => (&text.text, lines, &text.secrets),
            _ => ("", &self.nothing, &[]),
        }
    }

    fn of(&self, entry: &Entry) -> Region {
        let finding = &entry.finding;
        let (text, lines, _) = self.source(&finding.file);
        let (line, column) = lines.line_column(text, finding.span.start);
        let (end_line, end_column) = lines.line_column(text, finding.span.end);
        Region { line, column, end_line, end_column }
    }
}
