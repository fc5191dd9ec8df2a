//! Values with the place that defines each.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::text::Span;

/// A value and where it is defined.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Value {
    pub at: Origin,
    /// A tag other than YAML's own, for example `!reset`; or [`super::TIMESTAMP`].
    pub tag: Option<String>,
    pub data: Data,
}

/// The file (a number that the caller gave) and the bytes of the node that defines a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Origin {
    pub file: u32,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub enum Data {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(String),
    Seq(Vec<Value>),
    Map(Fields),
}

/// The entries of a mapping. Looking up keys is much of what a model and its rules cost, so the hash is a fast one,
/// with a seed of its own for each process.
pub type Fields = IndexMap<String, Field, RandomState>;

/// A value in a mapping; `key` is where its key stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub key: Origin,
    pub value: Value,
}

impl Value {
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.data {
            Data::Map(fields) => fields.get(key).map(|field| &field.value),
            _ => None,
        }
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.as_map_mut()?.get_mut(key).map(|field| &mut field.value)
    }

    pub fn as_map_mut(&mut self) -> Option<&mut Fields> {
        match &mut self.data {
            Data::Map(fields) => Some(fields),
            _ => None,
        }
    }

    pub fn as_seq_mut(&mut self) -> Option<&mut Vec<Value>> {
        match &mut self.data {
            Data::Seq(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_seq(&self) -> Option<&[Value]> {
        match &self.data {
            Data::Seq(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Fields> {
        match &self.data {
            Data::Map(fields) => Some(fields),
            _ => None,
        }
    }
}
