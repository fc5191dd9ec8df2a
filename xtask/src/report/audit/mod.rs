//! What an audit says, in each of its formats.

mod fixed;
mod github;
mod html;
mod human;
mod json;
mod markdown;
pub(super) mod patch;
mod sarif;

pub use fixed::{fixed, fixed_json};
pub use github::github;
pub use html::html;
pub use human::human;
pub use json::json;
pub use markdown::markdown;
pub use sarif::sarif;

use crate::audit::{Audit, Entry};
use crate::text::LineIndex;

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
    lines: std::collections::BTreeMap<&'a std::path::Path, LineIndex>,
}

impl<'a> Regions<'a> {
    fn new(audit: &'a Audit) -> Self {
        let lines = audit.texts.iter().map(|(path, text)| (path.as_path(), LineIndex::new(&text.text))).collect();
        Regions { audit, lines }
    }

    fn of(&self, entry: &Entry) -> Region {
        let finding = &entry.finding;
        let (Some(lines), Some(text)) = (self.lines.get(finding.file.as_path()), self.audit.texts.get(&finding.file)) else {
            return Region { line: 1, column: 1, end_line: 1, end_column: 1 };
        };
        let (line, column) = lines.line_column(&text.text, finding.span.start);
        let (end_line, end_column) = lines.line_column(&text.text, finding.span.end);
        Region { line, column, end_line, end_column }
    }
}
