use std::fmt;

use super::{Node, Written as Data};

/// One step from a node to a node inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Seg {
    Key(String),
    Index(usize),
}

/// The way from a document's root to a node *as written*: `services.db.environment.POSTGRES_PASSWORD`.
/// It goes through the node that stands in the file, so the place of a value that a service gets
/// through an alias or a merge key is where that value is defined.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Place(pub Vec<Seg>);

impl Place {
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Place {
        let mut segs = self.0.clone();
        segs.push(Seg::Key(key.into()));
        Place(segs)
    }

    #[must_use]
    pub fn index(&self, index: usize) -> Place {
        let mut segs = self.0.clone();
        segs.push(Seg::Index(index));
        Place(segs)
    }

    /// The node at this place, if it stands in the document.
    pub fn find<'a>(&self, root: &'a Node) -> Option<&'a Node> {
        self.0.iter().try_fold(root, |node, seg| match (seg, &node.data) {
            (Seg::Key(key), Data::Map { .. }) => node.get(key),
            (Seg::Index(index), Data::Seq { items, .. }) => items.get(*index),
            _ => None,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, seg) in self.0.iter().enumerate() {
            match seg {
                Seg::Key(key) if n == 0 => f.write_str(key)?,
                Seg::Key(key) => write!(f, ".{key}")?,
                Seg::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
