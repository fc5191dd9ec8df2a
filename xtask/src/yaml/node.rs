use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::RandomState;

use crate::text::Span;

/// How a scalar is written in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// One node as written: aliases are not expanded, merge keys (`<<`) are entries like others.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The bytes of the node's own content, without its anchor and tag. A block mapping starts at
    /// its first key; a node that is not written at all (`key:`) has an empty span.
    pub span: Span,
    /// The tag as written, for example `!reset` or `!!str`.
    pub tag: Option<String>,
    pub anchor: Option<String>,
    pub data: Data,
    /// Where the keys of a large mapping stand, once somebody has looked for one.
    pub(super) keys: Keys,
}

/// A mapping with more entries is looked through once and not for each key: a stack of thousands of services
/// is asked for each of them many times.
pub(super) const MANY: usize = 32;

/// Made when it is first needed; no part of what a node says.
#[derive(Debug, Default)]
pub(super) struct Keys(OnceLock<HashMap<String, usize, RandomState>>);

impl Clone for Keys {
    fn clone(&self) -> Self {
        Keys::default()
    }
}

impl PartialEq for Keys {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// The decoded text of a scalar and how it is written; a missing value is a plain empty text.
    Scalar {
        text: String,
        style: Style,
    },
    Seq {
        items: Vec<Node>,
        flow: bool,
    },
    Map {
        entries: Vec<Entry>,
        flow: bool,
    },
    Alias(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Node,
    pub value: Node,
}

/// A comment, `#` included, line break excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub span: Span,
    pub text: String,
}

/// One document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub root: Node,
    pub comments: Vec<Comment>,
}

impl Node {
    /// The decoded text of a scalar node.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map { entries, .. } => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::Seq { items, .. } => items,
            _ => &[],
        }
    }

    /// The value of a key of a mapping as written here, without following aliases or merge keys.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entries = self.entries();
        if entries.len() <= MANY {
            return entries.iter().find(|entry| entry.key.text() == Some(key)).map(|entry| &entry.value);
        }
        let keys = self.keys.0.get_or_init(|| {
            let mut keys = HashMap::with_capacity_and_hasher(entries.len(), RandomState::default());
            for (at, entry) in entries.iter().enumerate() {
                // Of a key that stands there twice the first one counts, as above.
                if let Some(text) = entry.key.text() {
                    keys.entry(text.to_string()).or_insert(at);
                }
            }
            keys
        });
        keys.get(key).map(|at| &entries[*at].value)
    }
}
