//! Which nodes others share through aliases: a change inside one would change others unasked.

use std::collections::{HashMap, HashSet};

use super::super::{Node, Style, Written};
use crate::text::Span;

#[derive(Debug, Default)]
pub struct Anchors<'a> {
    latest: HashMap<&'a str, &'a Node>,
    /// The node that an alias stands for.
    targets: HashMap<*const Node, &'a Node>,
    /// Where the aliases of a node stand.
    aliases: HashMap<*const Node, Vec<Span>>,
}

impl<'a> Anchors<'a> {
    pub fn of(root: &'a Node) -> Self {
        let mut anchors = Anchors::default();
        anchors.collect(root);
        anchors
    }

    /// In the order of the text: an alias stands for the latest anchor of its name before it.
    fn collect(&mut self, node: &'a Node) {
        if let Some(name) = &node.anchor {
            self.latest.insert(name, node);
        }
        match &node.data {
            Written::Alias(name) => {
                if let Some(target) = self.latest.get(name.as_str()).copied() {
                    self.targets.insert(std::ptr::from_ref(node), target);
                    self.aliases.entry(std::ptr::from_ref(target)).or_default().push(node.span);
                }
            }
            Written::Map { entries, .. } => {
                for entry in entries {
                    self.collect(&entry.key);
                    self.collect(&entry.value);
                }
            }
            Written::Seq { items, .. } => items.iter().for_each(|item| self.collect(item)),
            Written::Scalar { .. } => {}
        }
    }

    /// The anchor of a node that has aliases.
    pub fn shared(&self, node: &'a Node) -> Option<&'a str> {
        node.anchor.as_deref().filter(|_| self.aliases.contains_key(&std::ptr::from_ref(node)))
    }

    /// An anchor at a node or inside it that has an alias outside the span.
    pub fn shared_inside(&self, node: &'a Node, within: Span) -> Option<&'a str> {
        let outside = self.aliases.get(&std::ptr::from_ref(node)).is_some_and(|spans| spans.iter().any(|span| !within.contains(*span)));
        if outside {
            return node.anchor.as_deref();
        }
        let in_entries = node
            .entries()
            .iter()
            .find_map(|entry| self.shared_inside(&entry.key, within).or_else(|| self.shared_inside(&entry.value, within)));
        in_entries.or_else(|| node.items().iter().find_map(|item| self.shared_inside(item, within)))
    }

    /// The anchors from which a mapping's merge keys take this key.
    pub fn merges(&self, mapping: &'a Node, key: &str) -> Option<&'a str> {
        let mut seen = HashSet::new();
        merge_values(mapping).find_map(|value| self.in_source(value, key, &mut seen))
    }

    fn in_source(&self, source: &'a Node, key: &str, seen: &mut HashSet<*const Node>) -> Option<&'a str> {
        if !seen.insert(std::ptr::from_ref(source)) {
            return None;
        }
        match &source.data {
            Written::Alias(name) => {
                let target = self.targets.get(&std::ptr::from_ref(source)).copied()?;
                let holds = target.get(key).is_some() || self.in_source(target, key, seen).is_some();
                holds.then_some(name.as_str())
            }
            Written::Seq { items, .. } => items.iter().find_map(|item| self.in_source(item, key, seen)),
            Written::Map { .. } if source.get(key).is_some() => Some("<<"),
            Written::Map { .. } => merge_values(source).find_map(|value| self.in_source(value, key, seen)),
            Written::Scalar { .. } => None,
        }
    }
}

fn merge_values(mapping: &Node) -> impl Iterator<Item = &Node> {
    mapping.entries().iter().filter(|entry| is_merge(&entry.key)).map(|entry| &entry.value)
}

pub fn is_merge(key: &Node) -> bool {
    key.tag.as_deref() == Some("!!merge") || matches!(&key.data, Written::Scalar { text, style: Style::Plain } if text == "<<")
}
