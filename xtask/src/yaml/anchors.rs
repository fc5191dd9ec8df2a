use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{Node, Written};

/// The anchored nodes of a document.
pub struct Anchors<'a> {
    /// By name, each in the order of its definitions: a name may be defined again.
    known: HashMap<&'a str, Vec<&'a Node>, RandomState>,
}

impl<'a> Anchors<'a> {
    pub fn of(root: &'a Node) -> Self {
        let mut anchors = Anchors { known: HashMap::default() };
        anchors.collect(root);
        anchors
    }

    fn collect(&mut self, node: &'a Node) {
        if let Some(name) = &node.anchor {
            self.known.entry(name).or_default().push(node);
        }
        match &node.data {
            Written::Map { entries, .. } => {
                for entry in entries {
                    self.collect(&entry.key);
                    self.collect(&entry.value);
                }
            }
            Written::Seq { items, .. } => items.iter().for_each(|item| self.collect(item)),
            Written::Scalar { .. } | Written::Alias(_) => {}
        }
    }

    /// What an alias stands for: the latest anchor of its name before it.
    pub fn target(&self, alias: &Node, name: &str) -> Option<&'a Node> {
        let known = self.known.get(name)?;
        let before = known.partition_point(|target| target.span.start < alias.span.start);
        before.checked_sub(1).map(|last| known[last])
    }
}
