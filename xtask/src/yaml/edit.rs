//! Changing scalars and nothing else: the new text in the scalar's own style, every other byte as
//! it was, and the result read again before anyone sees it.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use std::ops::Range;

use super::write::{rewritten, written_at};
use super::{Document, Limits, Node, ReadError, Resolved, Style, Written, read, resolve};
use crate::text::{Span, TextEdit, apply};

/// The scalar whose node has this span shall read as this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalarEdit {
    pub span: Span,
    pub text: String,
}

/// An edit that is not made, and why; the text never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub span: Span,
    pub why: String,
}

/// The edits of the source that make every wanted scalar read as its new text.
pub fn edits(source: &str, wanted: &[ScalarEdit]) -> Result<Vec<TextEdit>, Refusal> {
    changed(source, wanted).map(|(edits, _)| edits)
}

/// The source with the edits made. It was read again: the wanted scalars are strings of the wanted
/// text, and every other node has its value, style, tag, anchor and comments still.
pub fn verified(source: &str, wanted: &[ScalarEdit]) -> Result<String, Refusal> {
    changed(source, wanted).map(|(_, text)| text)
}

/// A scalar's decoded text with a part of it replaced. Several parts: [`apply`] on the decoded text.
pub fn replace_within(text: &str, part: Range<usize>, by: &str) -> String {
    format!("{}{by}{}", &text[..part.start], &text[part.end..])
}

/// The scalar values of a file by their spans.
pub struct Scalars<'a> {
    source: &'a str,
    /// With each whether it stands in a flow collection.
    nodes: HashMap<Span, (&'a Node, bool), RandomState>,
}

/// In a longer scalar no part is told apart: to people it is one block.
const LONGEST_SHOWN: usize = 64 << 10;

impl<'a> Scalars<'a> {
    pub fn new(source: &'a str, documents: &'a [Document]) -> Self {
        let mut scalars = Scalars { source, nodes: HashMap::default() };
        documents.iter().for_each(|document| scalars.add(&document.root, false));
        scalars
    }

    fn add(&mut self, node: &'a Node, in_flow: bool) {
        match &node.data {
            Written::Scalar { .. } => drop(self.nodes.insert(node.span, (node, in_flow))),
            Written::Map { entries, flow } => entries.iter().for_each(|entry| self.add(&entry.value, in_flow || *flow)),
            Written::Seq { items, flow } => items.iter().for_each(|item| self.add(item, in_flow || *flow)),
            Written::Alias(_) => {}
        }
    }

    /// The decoded text of a scalar value.
    pub fn text(&self, scalar: Span) -> Option<&'a str> {
        self.nodes.get(&scalar).and_then(|(node, _)| node.text())
    }

    /// Where a part of a scalar's decoded text stands in the source; `None` when it is broken over
    /// lines, holds half of an escape, or the scalar is longer than 64 KiB.
    pub fn span_within(&self, scalar: Span, part: Range<usize>) -> Option<Span> {
        let (node, _) = self.nodes.get(&scalar).filter(|(node, _)| node.span.end - node.span.start <= LONGEST_SHOWN)?;
        let Written::Scalar { text, style } = &node.data else { return None };
        let inside = written_at(scalar.slice(self.source), text, *style, part)?;
        Some(Span::new(scalar.start + inside.start, scalar.start + inside.end))
    }
}

fn changed(source: &str, wanted: &[ScalarEdit]) -> Result<(Vec<TextEdit>, String), Refusal> {
    let documents = read(source, Limits::default()).map_err(unreadable)?;
    let mut wanted: Vec<&ScalarEdit> = wanted.iter().collect();
    wanted.sort_by_key(|edit| edit.span);
    wanted.dedup();
    let scalars = Scalars::new(source, &documents);
    let mut edits = Vec::new();
    for edit in &wanted {
        let (node, in_flow) = *scalars.nodes.get(&edit.span).ok_or_else(|| refuse(edit.span, "no value stands at this place"))?;
        edits.extend(edit_of(source, node, in_flow, &edit.text)?);
    }
    let text = apply(source, &edits).map_err(|overlap| refuse(overlap.second, "two changes want the same value"))?;
    let again = read(&text, Limits::default())
        .map_err(|error| refuse(first_span(&wanted), &format!("the result would not read: {}", error.why)))?;
    if documents.len() != again.len() {
        return Err(refuse(first_span(&wanted), "the result would have other documents"));
    }
    for (before, after) in documents.iter().zip(&again) {
        same_document(before, after, &wanted)?;
    }
    Ok((edits, text))
}

fn edit_of(source: &str, node: &Node, in_flow: bool, text: &str) -> Result<Option<TextEdit>, Refusal> {
    let Written::Scalar { text: old, style } = &node.data else {
        return Err(refuse(node.span, "only a scalar can be changed in place"));
    };
    if node.tag.as_deref().is_some_and(|tag| tag != "!!str") {
        return Err(refuse(node.span, "the value has a tag that says how it is read"));
    }
    if node.span.is_empty() {
        return Err(refuse(node.span, "the value is not written out"));
    }
    if old == text && (*style != Style::Plain || node.tag.is_some() || resolve(text) == Resolved::Str) {
        return Ok(None);
    }
    let rewritten = rewritten(node.span.slice(source), old, text, *style, in_flow);
    let rewritten = rewritten.ok_or_else(|| refuse(node.span, "the change cannot be written in one line of this block"))?;
    Ok(Some(TextEdit { span: node.span, text: rewritten }))
}

fn same_document(before: &Document, after: &Document, wanted: &[&ScalarEdit]) -> Result<(), Refusal> {
    same_node(&before.root, &after.root, wanted)?;
    let same_comments = before.comments.iter().map(|c| &c.text).eq(after.comments.iter().map(|c| &c.text));
    if !same_comments {
        return Err(refuse(first_span(wanted), "the change would turn a comment into something else"));
    }
    Ok(())
}

fn same_node(before: &Node, after: &Node, wanted: &[&ScalarEdit]) -> Result<(), Refusal> {
    let differs = || Err(refuse(before.span, "the change would alter another value"));
    if before.tag != after.tag || before.anchor != after.anchor {
        return differs();
    }
    match (&before.data, &after.data) {
        (Written::Map { entries: old, flow }, Written::Map { entries: new, flow: new_flow })
            if old.len() == new.len() && flow == new_flow =>
        {
            old.iter().zip(new).try_for_each(|(old, new)| {
                same_node(&old.key, &new.key, &[])?;
                same_node(&old.value, &new.value, wanted)
            })
        }
        (Written::Seq { items: old, flow }, Written::Seq { items: new, flow: new_flow }) if old.len() == new.len() && flow == new_flow => {
            old.iter().zip(new).try_for_each(|(old, new)| same_node(old, new, wanted))
        }
        (Written::Scalar { .. }, Written::Scalar { text, style }) => {
            match wanted.binary_search_by_key(&before.span, |edit| edit.span).ok().map(|n| wanted[n]) {
                Some(edit) if *text == edit.text && (*style != Style::Plain || after.tag.is_some() || resolve(text) == Resolved::Str) => {
                    Ok(())
                }
                Some(_) => Err(refuse(before.span, "the change would not read back as it was meant")),
                None if before.data == after.data => Ok(()),
                None => differs(),
            }
        }
        (old, new) if old == new => Ok(()),
        _ => differs(),
    }
}

fn first_span(wanted: &[&ScalarEdit]) -> Span {
    wanted.first().map_or(Span::default(), |edit| edit.span)
}

fn refuse(span: Span, why: &str) -> Refusal {
    Refusal { span, why: why.to_string() }
}

fn unreadable(error: ReadError) -> Refusal {
    Refusal { span: Span::new(error.offset, error.offset), why: error.why }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
