//! Gains of block collections: new lines behind the last child.

use super::super::{Node, Refusal, Written};
use super::layout::{column, content_end};
use super::remove::Extent;
use super::render::{entry, item};
use super::walk::{At, Gain, Walk};
use super::{Plain, refuse};

impl<'a> Walk<'a> {
    /// Takes the removed children out of a block collection and puts the gains in.
    pub fn change_block(&mut self, node: &'a Node, gains: Vec<Gain>, removed: &[bool], at: &At) -> Result<(), Refusal> {
        let Some(kept) = removed.iter().rposition(|removed| !removed) else {
            let extent = Extent::of_children(self, node, removed)?;
            return self.replace_block(node, &collection(node, &gains), extent, at);
        };
        if removed.contains(&true) {
            self.remove_children(node, removed, at.depth)?;
        }
        if gains.is_empty() {
            return Ok(());
        }
        let column = column(self.lines, node)?;
        // Below a sequence that is not indented, a comment in its column may belong to the next key.
        let unindented = matches!(node.data, Written::Seq { .. }) && at.column.is_some_and(|outer| outer >= column);
        let last = self.comments.last_line(self.lines, child_end(self.lines.source, node, kept)?, column + usize::from(unindented));
        let gap = gap(self.lines.source, node);
        let mut lines = Vec::new();
        for (key, value) in gains {
            let written = match key {
                Some(key) => entry(key, value, column, self.habits),
                None => item(value, column, gap, self.habits),
            };
            lines.extend(written.ok_or_else(|| unwritable(node))?);
        }
        self.insert_lines(at.depth, last, &lines);
        Ok(())
    }
}

/// Where the text of a child ends.
pub fn child_end(source: &str, node: &Node, child: usize) -> Result<usize, Refusal> {
    match &node.data {
        Written::Map { entries, .. } => Ok(content_end(source, &entries[child].value)?.max(entries[child].key.span.end)),
        _ => content_end(source, &node.items()[child]),
    }
}

/// How many blanks stand between a dash and its value.
fn gap(source: &str, node: &Node) -> usize {
    let Some(first) = node.items().first() else { return 1 };
    let between = source.get(node.span.start + 1..first.span.start).unwrap_or_default();
    if !between.is_empty() && between.bytes().all(|byte| byte == b' ') { between.len() } else { 1 }
}

/// A collection of the node's kind that holds the gains only.
fn collection(node: &Node, gains: &[Gain]) -> Plain {
    match node.data {
        Written::Seq { .. } => Plain::Seq(gains.iter().map(|(_, item)| (*item).clone()).collect()),
        _ => Plain::Map(gains.iter().map(|(key, value)| (key.unwrap_or_default().to_string(), (*value).clone())).collect()),
    }
}

pub fn unwritable(node: &Node) -> Refusal {
    refuse(node.span, "no way is known to write this value so that it reads back")
}
