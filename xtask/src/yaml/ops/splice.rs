//! Edits as they are collected, and in which order those at one offset stand.

use super::walk::Walk;
use crate::text::{Span, TextEdit};

/// What becomes of one document: edits of the source, and the comments that go with them.
#[derive(Debug, Default)]
pub struct Splices {
    pub edits: Vec<TextEdit>,
    pub gone: Vec<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lines put in behind a line: empty span at its end, text that begins with a line break.
    Lines,
    /// Whole lines taken out.
    Removal,
    Other,
}

/// An edit and the depth of the node it is made for: of those at one offset the deeper comes first.
#[derive(Debug)]
pub struct Splice {
    pub depth: usize,
    pub kind: Kind,
    pub edit: TextEdit,
}

impl Walk<'_> {
    pub fn splice(&mut self, depth: usize, kind: Kind, span: Span, text: impl Into<String>) {
        self.splices.push(Splice { depth, kind, edit: TextEdit { span, text: text.into() } });
    }

    /// Puts lines in behind a line.
    pub fn insert_lines(&mut self, depth: usize, line: usize, lines: &[String]) {
        let newline = self.lines.newline(line);
        let text: String = lines.iter().flat_map(|line| [newline, line]).collect();
        let end = self.lines.end(line);
        if !text.is_empty() {
            self.splice(depth, Kind::Lines, Span::new(end, end), text);
        }
    }

    /// All edits. Lines that would come behind a removed line come before the removal instead.
    pub fn finished(mut self) -> Splices {
        self.splices.sort_by_key(|splice| std::cmp::Reverse(splice.depth));
        let taken = self.splices.extract_if(.., |splice| splice.kind == Kind::Removal);
        let mut removals: Vec<Span> = taken.map(|splice| splice.edit.span).collect();
        removals.sort_unstable();
        self.close_file(&mut removals);
        let around = |at: usize| {
            let before = removals.partition_point(|removal| removal.start < at).checked_sub(1)?;
            Some(removals[before]).filter(|removal| at < removal.end)
        };
        for splice in self.splices.iter_mut().filter(|splice| splice.kind == Kind::Lines) {
            while let Some(removal) = around(splice.edit.span.start) {
                let line = self.lines.line(removal.start);
                // A removal that ends the file starts behind a line.
                let behind = if removal.start == self.lines.start(line) { line.checked_sub(1) } else { Some(line) };
                let Some(end) = behind.map(|line| self.lines.end(line)) else { break };
                splice.edit.span = Span::new(end, end);
            }
        }
        let mut edits: Vec<TextEdit> = self.splices.into_iter().map(|splice| splice.edit).collect();
        edits.extend(removals.into_iter().map(|span| TextEdit { span, text: String::new() }));
        Splices { edits, gone: self.gone }
    }
}
