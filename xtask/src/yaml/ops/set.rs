//! One value in the place of another.

use super::super::write::rewritten;
use super::super::{Node, Refusal, Style, Written};
use super::block::unwritable;
use super::layout::{column, content_end};
use super::remove::Extent;
use super::render::{block_or_inline, indented, inline, is_block};
use super::splice::Kind;
use super::verify::reads;
use super::walk::{At, Slot, Walk};
use super::{Plain, refuse};
use crate::text::Span;

impl<'a> Walk<'a> {
    pub fn set(&mut self, node: &'a Node, value: &Plain, at: &At) -> Result<(), Refusal> {
        if reads(node, value) {
            return Ok(());
        }
        if let Some(anchor) = self.anchors.shared_inside(node, node.span) {
            return Err(refuse(node.span, format!("`{}` belongs to the anchor `&{anchor}`, which aliases share", at.place)));
        }
        if !fits_tag(node, value) {
            return Err(refuse(node.span, format!("the tag at `{}` says how its value is read", at.place)));
        }
        match &node.data {
            Written::Scalar { text, style: style @ (Style::Literal | Style::Folded) } => {
                self.set_block_scalar(node, text, *style, value, at)
            }
            Written::Scalar { .. } if node.span.is_empty() => self.set_unwritten(node, value, at),
            Written::Scalar { text, style } => match value {
                Plain::Str(new) => {
                    let text = rewritten(node.span.slice(self.lines.source), text, new, *style, at.in_flow);
                    self.splice(at.depth, Kind::Other, node.span, text.ok_or_else(|| unwritable(node))?);
                    Ok(())
                }
                _ => self.set_in_line(node, value, at),
            },
            Written::Map { flow: true, .. } | Written::Seq { flow: true, .. } => {
                self.no_comments(node.span.start, node.span.end, &[])?;
                let text = inline(value, at.in_flow, self.habits).ok_or_else(|| unwritable(node))?;
                self.splice(at.depth, Kind::Other, node.span, text);
                Ok(())
            }
            Written::Alias(_) => self.set_in_line(node, value, at),
            Written::Map { .. } | Written::Seq { .. } => {
                let last = self.lines.line(content_end(self.lines.source, node)?);
                let extent = Extent { first: self.lines.line(node.span.start), last, goes: Vec::new() };
                self.replace_block(node, value, extent, at)
            }
        }
    }

    /// A scalar or an alias gives way.
    fn set_in_line(&mut self, node: &Node, value: &Plain, at: &At) -> Result<(), Refusal> {
        let source = self.lines.source;
        if at.in_flow || !is_block(value) {
            let text = inline(value, at.in_flow, self.habits).ok_or_else(|| unwritable(node))?;
            self.splice(at.depth, Kind::Other, node.span, text);
            return Ok(());
        }
        let last = self.lines.line(node.span.end);
        match at.slot {
            Slot::Value { after, .. } if !self.lines.leads(node.span.start) => {
                let kept = source[after..node.span.start].trim_end_matches(' ').len();
                self.splice(at.depth, Kind::Other, Span::new(after + kept, node.span.end), "");
                let lines = self.nested(node, value, at)?;
                self.insert_lines(at.depth, last, &lines);
            }
            Slot::Value { .. } | Slot::Item { .. } => {
                let lines = block_or_inline(value, self.lines.column(node.span.start), self.habits).ok_or_else(|| unwritable(node))?;
                self.splice(at.depth, Kind::Other, node.span, lines[0].as_str());
                self.insert_lines(at.depth, last, &lines[1..]);
            }
            Slot::Root => return Err(refuse(node.span, "a document of one scalar becomes no collection")),
        }
        Ok(())
    }

    /// A value of which nothing is written: `key:` or `-`.
    fn set_unwritten(&mut self, node: &Node, value: &Plain, at: &At) -> Result<(), Refusal> {
        if node.tag.is_some() || node.anchor.is_some() {
            return Err(refuse(node.span, format!("`{}` has a tag or an anchor and no value", at.place)));
        }
        let (after, lead) = match at.slot {
            Slot::Value { after, colon } => (after, if colon { " " } else { ": " }),
            Slot::Item { after } => (after, " "),
            Slot::Root => return Err(refuse(node.span, "the document is empty")),
        };
        let here = Span::new(after, after);
        if at.in_flow || !is_block(value) {
            let text = inline(value, at.in_flow, self.habits).ok_or_else(|| unwritable(node))?;
            self.splice(at.depth, Kind::Other, here, format!("{lead}{text}"));
        } else if matches!(at.slot, Slot::Item { .. }) {
            let lines = block_or_inline(value, self.lines.column(after) + 1, self.habits).ok_or_else(|| unwritable(node))?;
            self.splice(at.depth, Kind::Other, here, format!(" {}", lines[0]));
            self.insert_lines(at.depth, self.lines.line(after), &lines[1..]);
        } else {
            let lines = self.nested(node, value, at)?;
            let last = self.comments.last_line(self.lines, after, at.column.map_or(0, |column| column + 1));
            self.insert_lines(at.depth, last, &lines);
        }
        Ok(())
    }

    fn set_block_scalar(&mut self, node: &Node, old: &str, style: Style, value: &Plain, at: &At) -> Result<(), Refusal> {
        let source = self.lines.source;
        if let Plain::Str(new) = value
            && let Some(text) = rewritten(node.span.slice(source), old, new, style, at.in_flow)
        {
            // The span runs to the next token; behind the last word other edits may begin.
            let words = node.span.slice(source).trim_end().len();
            let white = &node.span.slice(source)[words..];
            let (end, text) = match text.strip_suffix(white) {
                Some(text) => (node.span.start + words, text.to_string()),
                None => (node.span.end, text),
            };
            self.splice(at.depth, Kind::Other, Span::new(node.span.start, end), text);
            return Ok(());
        }
        let (Slot::Value { after, .. } | Slot::Item { after }) = at.slot else {
            return Err(refuse(node.span, "a document of one scalar is not replaced"));
        };
        if node.tag.is_some() || node.anchor.is_some() {
            return Err(refuse(node.span, format!("`{}` has a tag or an anchor before its block", at.place)));
        }
        let last = self.lines.line(content_end(source, node)?);
        let whole = Span::new(after, self.lines.end(last));
        self.no_comments(whole.start, whole.end, &[])?;
        let newline = self.lines.newline(last);
        let text = match at.slot {
            Slot::Value { .. } if is_block(value) => format!("{newline}{}", self.nested(node, value, at)?.join(newline)),
            _ => {
                let lines = block_or_inline(value, self.lines.column(after) + 1, self.habits).ok_or_else(|| unwritable(node))?;
                format!(" {}", lines.join(newline))
            }
        };
        self.splice(at.depth, Kind::Other, whole, text);
        Ok(())
    }

    /// A block collection gives way, in all the lines of its extent.
    pub fn replace_block(&mut self, node: &Node, value: &Plain, extent: Extent, at: &At) -> Result<(), Refusal> {
        let (lines, start) = (self.lines, node.span.start);
        let own_lines = lines.leads(start);
        let end = lines.end(extent.last);
        let from = if own_lines { lines.start(extent.first) } else { start };
        self.no_comments(from, end, &extent.goes)?;
        self.gone.extend(self.comments.within(from, end).iter().map(|comment| comment.span));
        let here = column(lines, node)?;
        let newline = lines.newline(extent.last);
        let written = |column: usize| block_or_inline(value, column, self.habits).ok_or_else(|| unwritable(node));
        if !own_lines || (at.slot == Slot::Root && !is_block(value)) {
            let text = written(here)?.join(newline);
            self.splice(at.depth, Kind::Other, Span::new(from, end), text);
        } else if is_block(value) {
            let outer = at.column.filter(|outer| matches!(value, Plain::Map(_)) && *outer >= here);
            let here = outer.map_or(here, |outer| outer + self.habits.step);
            let text = indented(written(here)?, here).join(newline);
            self.splice(at.depth, Kind::Other, Span::new(from, end), text);
        } else if let Slot::Value { after, .. } | Slot::Item { after } = at.slot {
            let lead_end = lines.end(lines.line(after));
            let limit = self.comments.within(after, lead_end).first().map_or(lead_end, |comment| comment.span.start);
            let put = after + lines.source[after..limit].trim_end().len();
            let text = format!(" {}", written(0)?.join(newline));
            // At the end of a file without a last line break no blank lines stay either.
            let open_end = end == lines.source.len();
            let above = (0..extent.first).rev().find(|line| !open_end || !lines.is_blank(*line));
            let before = above.map_or(from, |line| lines.end(line));
            self.splice(at.depth, Kind::Other, Span::new(put, put), text);
            self.splice(at.depth, Kind::Other, Span::new(before, end), "");
        }
        Ok(())
    }

    /// The lines of a collection below its key.
    fn nested(&self, node: &Node, value: &Plain, at: &At) -> Result<Vec<String>, Refusal> {
        let inner = if matches!(value, Plain::Seq(_)) { self.habits.dash } else { self.habits.step };
        let column = at.column.map_or(0, |column| column + inner);
        Ok(indented(block_or_inline(value, column, self.habits).ok_or_else(|| unwritable(node))?, column))
    }

    /// Refuses when comments would go that may not; `goes` is in order.
    pub fn no_comments(&self, start: usize, end: usize, goes: &[Span]) -> Result<(), Refusal> {
        let stays = |span: Span| {
            let region = goes.partition_point(|region| region.end < span.end);
            !goes.get(region).is_some_and(|region| region.contains(span))
        };
        match self.comments.within(start, end).iter().find(|comment| stays(comment.span)) {
            Some(comment) => Err(refuse(comment.span, "a comment stands inside what would be replaced")),
            None => Ok(()),
        }
    }
}

/// Whether a tag still says the right thing of the new value.
fn fits_tag(node: &Node, value: &Plain) -> bool {
    let collections = matches!(node.data, Written::Map { .. } | Written::Seq { .. }) && matches!(value, Plain::Map(_) | Plain::Seq(_));
    match node.tag.as_deref() {
        None => true,
        Some("!!str") => matches!(value, Plain::Str(_)) && node.text().is_some(),
        Some(tag) => collections && !tag.starts_with("!!"),
    }
}
