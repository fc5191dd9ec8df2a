//! The short syntaxes: one string that stands for a mapping.

pub mod device;
pub mod port;
pub mod volume;

use crate::yaml::{Data, Field, Origin, Value};

/// A mapping whose every part comes from one place in the source.
pub fn mapping<const N: usize>(at: Origin, parts: [(&str, Option<Data>); N]) -> Value {
    let field = |data| Field { key: at, value: Value { at, tag: None, data } };
    let fields = parts.into_iter().filter_map(|(key, data)| Some((key.to_string(), field(data?)))).collect();
    Value { at, tag: None, data: Data::Map(fields) }
}

/// A string, or nothing if it is empty.
pub fn text(value: impl Into<String>) -> Option<Data> {
    Some(value.into()).filter(|value: &String| !value.is_empty()).map(Data::Str)
}
