//! Flow collections: `{...}` and `[...]`, on one line or over several.

use super::super::{Node, Refusal, Written};
use super::block::unwritable;
use super::refuse;
use super::render::{inline, pair};
use super::splice::Kind;
use super::walk::{At, Gain, Walk};
use crate::text::Span;

impl<'a> Walk<'a> {
    /// Takes the removed children out of a flow collection and puts the gains in.
    pub fn change_flow(&mut self, node: &'a Node, gains: &[Gain], removed: &[bool], at: &At) -> Result<(), Refusal> {
        let source = self.lines.source;
        if !source[node.span.start..].starts_with(['{', '[']) {
            return Err(refuse(node.span, "a pair without braces around it is not edited"));
        }
        let mut texts = Vec::new();
        for (key, value) in gains {
            let text = match key {
                Some(key) => pair(key, value, self.habits),
                None => inline(value, true, self.habits),
            };
            texts.push(text.ok_or_else(|| unwritable(node))?);
        }
        let ends = self.flow_ends(node)?;
        let Some(kept) = removed.iter().rposition(|removed| !removed) else {
            let inside = Span::new(node.span.start + 1, node.span.end - 1);
            self.no_comments(inside.start, inside.end, &[])?;
            self.splice(at.depth, Kind::Other, inside, texts.join(", "));
            return Ok(());
        };
        self.remove_flow(node, &ends, removed, at.depth)?;
        if !texts.is_empty() {
            self.add_flow(node, &ends, kept, &texts, at.depth);
        }
        Ok(())
    }

    fn remove_flow(&mut self, node: &Node, ends: &[usize], removed: &[bool], depth: usize) -> Result<(), Refusal> {
        let mut child = 0;
        while child < removed.len() {
            let run = removed[child..].iter().take_while(|removed| **removed).count();
            if run > 0 {
                let span = match child.checked_sub(1) {
                    Some(before) => Span::new(ends[before], self.before_comma(ends[child + run - 1])),
                    None => Span::new(self.lines.skip_white(node.span.start + 1), self.behind_comma(node, ends[run - 1])?),
                };
                self.no_comments(span.start, span.end, &[])?;
                self.splice(depth, Kind::Other, span, "");
            }
            child += run + 1;
        }
        Ok(())
    }

    /// The comma behind blanks, if one stands there.
    fn before_comma(&self, end: usize) -> usize {
        let comma = self.lines.skip_blanks(end);
        if self.lines.source[comma..].starts_with(',') { comma } else { end }
    }

    /// Where the child behind a comma starts.
    fn behind_comma(&self, node: &Node, end: usize) -> Result<usize, Refusal> {
        let comma = self.lines.skip_white(end);
        if !self.lines.source[comma..].starts_with(',') {
            return Err(refuse(node.span, "a comment stands before a comma"));
        }
        Ok(self.lines.skip_white(comma + 1))
    }

    /// New children behind the last that is kept: on lines of their own where that one has its own.
    fn add_flow(&mut self, node: &Node, ends: &[usize], kept: usize, texts: &[String], depth: usize) {
        let (lines, end) = (self.lines, ends[kept]);
        let simple = format!(", {}", texts.join(", "));
        let start = match &node.data {
            Written::Map { entries, .. } => entries[kept].key.span.start,
            _ => node.items()[kept].span.start,
        };
        let line = lines.line(end);
        let comma = lines.source[lines.skip_blanks(end)..].starts_with(',');
        let rest = if comma { lines.skip_blanks(end) + 1 } else { end };
        let rest = lines.skip_blanks(rest);
        let ends_line = rest >= lines.end(line) || !self.comments.within(rest, rest + 1).is_empty();
        if !(kept + 1 == ends.len() && ends_line && lines.leads(start) && lines.line(start) == line) {
            self.splice(depth, Kind::Other, Span::new(end, end), simple);
            return;
        }
        let pad = " ".repeat(lines.indent(line));
        let last = texts.len() - 1;
        let with_comma = |n: usize| if n < last || comma { "," } else { "" };
        let new: Vec<String> = texts.iter().enumerate().map(|(n, text)| format!("{pad}{text}{}", with_comma(n))).collect();
        if !comma {
            self.splice(depth, Kind::Other, Span::new(end, end), ",");
        }
        self.insert_lines(depth, line, &new);
    }

    /// Where the text of each child ends.
    fn flow_ends(&self, node: &Node) -> Result<Vec<usize>, Refusal> {
        let source = self.lines.source;
        let of_entry = |key: &Node, value: &Node| {
            let dressed = value.tag.is_some() || value.anchor.is_some();
            if !value.span.is_empty() || dressed {
                return value.span.end;
            }
            let colon = self.lines.skip_blanks(key.span.end);
            if source[colon..].starts_with(':') { colon + 1 } else { key.span.end }
        };
        let ends: Vec<usize> = match &node.data {
            Written::Map { entries, .. } => entries.iter().map(|entry| of_entry(&entry.key, &entry.value)).collect(),
            _ => node.items().iter().map(|item| item.span.end).collect(),
        };
        let in_order = ends.windows(2).all(|pair| pair[0] < pair[1]);
        if in_order { Ok(ends) } else { Err(refuse(node.span, "a child of this collection is not written out")) }
    }
}
