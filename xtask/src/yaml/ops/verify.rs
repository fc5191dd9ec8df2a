//! The gate: the tree that was read from the result must be the old tree with the operations made.

use std::collections::HashSet;

use super::super::{Document, Entry, Node, Refusal, Resolved, Seg, Style, Written, resolve};
use super::plan::Want;
use super::walk::is_null;
use super::{Plain, refuse};
use crate::text::Span;

/// `gone` are the comments that go with what is removed.
pub fn verify(before: &[Document], after: &[Document], wants: &[Want], gone: &[Span]) -> Result<(), Refusal> {
    if before.len() != after.len() {
        return Err(refuse(Span::default(), "the result would have other documents"));
    }
    for ((before, after), want) in before.iter().zip(after).zip(wants) {
        as_wanted(&before.root, &after.root, Some(want))?;
    }
    let gone: HashSet<Span> = gone.iter().copied().collect();
    let kept = before.iter().flat_map(|document| &document.comments).filter(|comment| !gone.contains(&comment.span));
    let now = after.iter().flat_map(|document| &document.comments);
    if !kept.map(|comment| &comment.text).eq(now.map(|comment| &comment.text)) {
        return Err(refuse(Span::default(), "the change would turn a comment into something else"));
    }
    Ok(())
}

fn as_wanted(before: &Node, after: &Node, want: Option<&Want>) -> Result<(), Refusal> {
    let want = want.filter(|want| !want.is_empty());
    let dressed_alike = before.tag == after.tag && before.anchor == after.anchor;
    let alike = match want {
        None => dressed_alike && same(before, after)?,
        Some(want) => match want.set {
            Some(value) => dressed_alike && reads(after, value),
            None if want.gains() && is_null(before) => dressed_alike && reads(after, &want.gained()),
            None => dressed_alike && changed(before, after, want)?,
        },
    };
    if alike { Ok(()) } else { Err(refuse(before.span, "the result would not read back as it was meant")) }
}

/// Nothing is wanted here or inside.
fn same(before: &Node, after: &Node) -> Result<bool, Refusal> {
    match (&before.data, &after.data) {
        (Written::Map { entries: old, flow }, Written::Map { entries: new, flow: now }) => {
            old.iter().zip(new).try_for_each(|(old, new)| entry(old, new, None))?;
            Ok(old.len() == new.len() && flow == now)
        }
        (Written::Seq { items: old, flow }, Written::Seq { items: new, flow: now }) => {
            old.iter().zip(new).try_for_each(|(old, new)| as_wanted(old, new, None))?;
            Ok(old.len() == new.len() && flow == now)
        }
        (Written::Map { .. } | Written::Seq { .. }, _) => Ok(false),
        (old, new) => Ok(old == new),
    }
}

fn entry(old: &Entry, new: &Entry, want: Option<&Want>) -> Result<(), Refusal> {
    as_wanted(&old.key, &new.key, None)?;
    as_wanted(&old.value, &new.value, want)
}

/// A collection whose children change.
fn changed(before: &Node, after: &Node, want: &Want) -> Result<bool, Refusal> {
    match (&before.data, &after.data) {
        (Written::Map { entries: old, flow }, Written::Map { entries: new, flow: now }) => {
            let mut new = new.iter();
            let mut kept = 0;
            for old in old {
                let inner = old.key.text().and_then(|key| want.of_key(key));
                if inner.is_some_and(|inner| inner.remove) {
                    continue;
                }
                kept += 1;
                let Some(new) = new.next() else { return Ok(false) };
                entry(old, new, inner)?;
            }
            let added = want
                .adds
                .iter()
                .all(|(key, value)| new.next().is_some_and(|entry| is_key(&entry.key, key) && reads_bare(&entry.value, value)));
            Ok(added && new.next().is_none() && (kept == 0 || flow == now))
        }
        (Written::Seq { items: old, flow }, Written::Seq { items: new, flow: now }) => {
            let mut rest = new.iter();
            let mut kept = 0;
            for (n, old) in old.iter().enumerate() {
                let inner = want.inner.get(&Seg::Index(n));
                if inner.is_some_and(|inner| inner.remove) {
                    continue;
                }
                kept += 1;
                let Some(new) = rest.next() else { return Ok(false) };
                as_wanted(old, new, inner)?;
            }
            // An item that is there already is not appended.
            let had = |item: &Plain| new[..kept].iter().any(|node| reads(node, item));
            let appended = want.appends.iter().filter(|item| !had(item)).all(|item| rest.next().is_some_and(|node| reads_bare(node, item)));
            Ok(appended && rest.next().is_none() && (kept == 0 || flow == now))
        }
        _ => Ok(false),
    }
}

fn is_key(node: &Node, key: &str) -> bool {
    reads_bare(node, &Plain::Str(key.to_string()))
}

/// Whether a node was written for this value: without tag and anchor.
fn reads_bare(node: &Node, value: &Plain) -> bool {
    node.tag.is_none() && node.anchor.is_none() && reads(node, value)
}

/// Whether a node stands for a value, whatever tag of a collection or anchor it has itself.
pub fn reads(node: &Node, value: &Plain) -> bool {
    match (&node.data, value) {
        (Written::Map { entries, .. }, Plain::Map(fields)) => {
            entries.len() == fields.len()
                && entries.iter().zip(fields).all(|(entry, (key, value))| is_key(&entry.key, key) && reads_bare(&entry.value, value))
        }
        (Written::Seq { items, .. }, Plain::Seq(values)) => {
            items.len() == values.len() && items.iter().zip(values).all(|(item, value)| reads_bare(item, value))
        }
        (Written::Scalar { text, style }, value) => {
            let tag = node.tag.as_deref();
            let meant = match (tag, style) {
                (None, Style::Plain) => resolve(text),
                (None | Some("!!str"), _) => Resolved::Str,
                _ => return false,
            };
            match value {
                Plain::Null => meant == Resolved::Null,
                Plain::Bool(value) => meant == Resolved::Bool(*value),
                Plain::Int(value) => meant == Resolved::Int(*value),
                Plain::Str(value) => meant == Resolved::Str && text == value,
                Plain::Seq(_) | Plain::Map(_) => false,
            }
        }
        _ => false,
    }
}
