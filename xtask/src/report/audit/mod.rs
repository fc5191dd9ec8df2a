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
pub use json::Json;
pub use markdown::markdown;
pub use sarif::sarif;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

use foldhash::fast::RandomState;

use crate::audit::{Audit, Entry, Text};
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
    /// By their paths as they are written: taking a path apart for each finding takes longer than all else here.
    files: HashMap<&'a OsStr, File<'a>, RandomState>,
    /// For a finding in a file that is not there.
    nothing: File<'a>,
}

/// A file that findings point into.
struct File<'a> {
    /// As reports show it.
    path: &'a Path,
    text: &'a str,
    lines: LineIndex,
    /// The bytes in it that are never shown.
    secrets: &'a [Span],
}

impl<'a> Regions<'a> {
    fn new(audit: &'a Audit) -> Self {
        let file = |path: &'a Path, text: &'a Text| File {
            path: audit.relative(path),
            text: &text.text,
            lines: LineIndex::new(&text.text),
            secrets: &text.secrets,
        };
        let files = audit.texts.iter().map(|(path, text)| (path.as_os_str(), file(path, text))).collect();
        Regions { audit, files, nothing: File { path: Path::new(""), text: "", lines: LineIndex::new(""), secrets: &[] } }
    }

    fn file(&self, path: &Path) -> &File<'a> {
        self.files.get(path.as_os_str()).unwrap_or(&self.nothing)
    }

    /// A path as reports show it.
    fn shown(&self, path: &'a Path) -> &'a Path {
        self.files.get(path.as_os_str()).map_or_else(|| self.audit.relative(path), |file| file.path)
    }

    fn of(&self, entry: &Entry) -> Region {
        let finding = &entry.finding;
        let file = self.file(&finding.file);
        let (line, column) = file.lines.line_column(file.text, finding.span.start);
        let (end_line, end_column) = file.lines.line_column(file.text, finding.span.end);
        Region { line, column, end_line, end_column }
    }
}
