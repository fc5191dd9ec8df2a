//! Scalars as text.

use crate::yaml::Data;

use super::units;

/// What Go's `fmt.Sprint` makes of a scalar; nothing for null and collections.
pub fn scalar_text(data: &Data) -> Option<String> {
    Some(match data {
        Data::Str(text) => text.clone(),
        Data::Bool(value) => value.to_string(),
        Data::Int(value) => value.to_string(),
        Data::Uint(value) => value.to_string(),
        Data::Float(value) => units::float_text(*value),
        Data::Null | Data::Seq(_) | Data::Map(_) => return None,
    })
}
