//! Changes of a file's structure: values set, entries added, items appended, both removed, and
//! every other byte as it was.
//!
//! Splices of our own at the spans of the tree, not an editing library: every place, line and
//! comment that an edit needs is known from the one reading that the gate needs anyway, and what
//! the spans do not decide is refused. Nothing is guessed by searching text.
//!
//! All operations are computed on the same original. The result is read again and compared with
//! the old tree to which the operations were applied: values, styles, tags, anchors and comments.
//! A result that differs is thrown away.
//!
//! Comments: one at the end of a removed line goes with it, and so do those inside a removed entry
//! and those below it that are indented deeper. Those directly above it, equally indented, go when
//! everything that stands directly below them (without a blank line or another comment between) is
//! removed; otherwise they may speak of what stays, so they stay. A value in whose lines comments
//! stand is not replaced by [`What::Set`].

mod anchors;
mod block;
mod each;
mod flow;
mod layout;
mod plan;
mod remove;
mod render;
mod set;
mod splice;
mod verify;
mod walk;

use super::{Limits, Place, ReadError, Refusal, read};
use crate::text::{Span, TextEdit, apply};

pub use each::operate_each;

/// One change at a place as written, in one document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The document's number, from 0.
    pub document: usize,
    pub place: Place,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The value at the place becomes this. Its anchor stays, and its tag where that still fits.
    Set(Plain),
    /// The mapping at the place gains a key behind its last; refused when the key is there, also
    /// through a merge key. A value of null becomes a mapping.
    Add { key: String, value: Plain },
    /// The sequence at the place gains an item at its end; nothing happens when an equal one is
    /// there. A value of null becomes a sequence.
    Append(Plain),
    /// The entry or item at the place goes. When it was the last one, an empty collection stays.
    Remove,
}

/// A value to be written: no anchors, no tags.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Str(String),
    Seq(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

/// The file with every operation made, and the same as edits of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operated {
    pub text: String,
    pub edits: Vec<TextEdit>,
}

/// The source with all operations made, or why none is. Equal operations count once; a refusal
/// names places and never a value.
pub fn operate(source: &str, operations: &[Operation]) -> Result<Operated, Refusal> {
    let documents = read(source, Limits::default()).map_err(unreadable)?;
    let wants = plan::plan(operations, documents.len())?;
    let lines = layout::Lines::new(source).ok_or_else(lone_return)?;
    let mut edits = Vec::new();
    let mut gone = Vec::new();
    for (document, want) in documents.iter().zip(&wants) {
        if !want.is_empty() {
            let splices = walk::Ground::of(document, &lines).splices(want)?;
            edits.extend(splices.edits);
            gone.extend(splices.gone);
        }
    }
    let text = apply(source, &edits).map_err(|overlap| refuse(overlap.second, "two changes want the same bytes"))?;
    if !edits.is_empty() {
        let again =
            read(&text, Limits::default()).map_err(|error| refuse(edits[0].span, format!("the result would not read: {}", error.why)))?;
        verify::verify(&documents, &again, &wants, &gone)?;
    }
    Ok(Operated { text, edits })
}

/// For each group of operations why it cannot be made, even alone; the source is read once. A group without a
/// refusal may still be refused by [`operate`], which reads its result.
pub fn refusals(source: &str, groups: &[&[Operation]]) -> Vec<Option<Refusal>> {
    let (Ok(documents), Some(lines)) = (read(source, Limits::default()), layout::Lines::new(source)) else {
        return vec![None; groups.len()];
    };
    let grounds: Vec<walk::Ground> = documents.iter().map(|document| walk::Ground::of(document, &lines)).collect();
    groups.iter().map(|group| each::made(&grounds, group).err()).collect()
}

fn unreadable(error: ReadError) -> Refusal {
    Refusal { span: Span::new(error.offset, error.offset), why: error.why }
}

fn lone_return() -> Refusal {
    refuse(Span::default(), "a lone carriage return ends a line of this file")
}

fn refuse(span: Span, why: impl Into<String>) -> Refusal {
    Refusal { span, why: why.into() }
}

#[cfg(test)]
mod tests;
