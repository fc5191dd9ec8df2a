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
        self.entries().iter().find(|entry| entry.key.text() == Some(key)).map(|entry| &entry.value)
    }
}
