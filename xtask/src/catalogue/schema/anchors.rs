use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::LONGEST_NAME;
use crate::yaml::{Document, Node, Place};

/// The way to a node while it is walked; a [`Place`] only once somebody asks.
#[derive(Clone, Copy)]
pub(super) enum Way<'w> {
    Base(&'w Place),
    Key(&'w Way<'w>, &'w str),
    Index(&'w Way<'w>, usize),
}

impl Way<'_> {
    pub fn place(&self) -> Place {
        match self {
            Way::Base(place) => (*place).clone(),
            Way::Key(up, key) => up.place().key(*key),
            Way::Index(up, index) => up.place().index(*index),
        }
    }
}

/// The anchored nodes of a document with their places, by name in the order of the file: a name may
/// be defined again.
pub(super) struct Anchors<'a>(HashMap<&'a str, Vec<(&'a Node, Place)>, RandomState>);

impl<'a> Anchors<'a> {
    pub fn of(document: &'a Document) -> Anchors<'a> {
        let mut anchors = Anchors(HashMap::default());
        anchors.collect(&document.root, &Way::Base(&Place::default()));
        anchors
    }

    fn collect(&mut self, node: &'a Node, way: &Way<'_>) {
        if let Some(name) = &node.anchor {
            self.0.entry(name).or_default().push((node, way.place()));
        }
        for entry in node.entries() {
            self.collect(&entry.key, way);
            let key = entry.key.text().unwrap_or_default();
            if key.len() <= LONGEST_NAME {
                self.collect(&entry.value, &Way::Key(way, key));
            }
        }
        for (n, item) in node.items().iter().enumerate() {
            self.collect(item, &Way::Index(way, n));
        }
    }

    /// What an alias that starts at this byte stands for: the latest anchor of its name before it.
    pub fn target(&self, name: &str, start: usize) -> Option<(&'a Node, &Place)> {
        let known = self.0.get(name)?;
        let before = known.partition_point(|(node, _)| node.span.start < start);
        known[..before].last().map(|(node, place)| (*node, place))
    }
}
