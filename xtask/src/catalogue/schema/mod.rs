//! What the official schema of the Compose Specification knows: every key, where it may stand and
//! what kind of value it takes. The schema is `policies/schema/compose-spec.json`, built in.

mod anchors;
mod nearest;
mod rule;
mod walk;

#[cfg(test)]
mod tests;

pub use walk::unknown_keys;

use crate::text::Span;
use crate::yaml::Place;

/// The longest key that is followed, in bytes; YAML itself allows no longer one without a `?`. Places
/// repeat the keys above them, so a file of one huge key and many small ones would fill the memory.
const LONGEST_NAME: usize = 1024;

/// Something that stands in a compose file and is not in the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown<'a> {
    /// A key that its mapping does not have.
    Key {
        /// The key's own place, as written: through an alias or a merge key, where it is defined.
        place: Place,
        /// The bytes of the key.
        span: Span,
        key: &'a str,
        /// The key of this mapping that is most likely meant.
        nearest: Option<String>,
        /// Another mapping that has exactly this key, `services.*.deploy` for example; the top level
        /// is the empty string.
        elsewhere: Option<String>,
    },
    /// A name that the user chooses, of a service for example, with characters that it may not have or
    /// more than [`LONGEST_NAME`] bytes. What stands below is not looked at.
    Name { place: Place, span: Span, key: &'a str },
    /// A value of a kind that its key does not take.
    Type {
        place: Place,
        /// The bytes of the value; empty if none is written.
        span: Span,
        /// What the key takes: `a string or a list`. It never says what stands there.
        expected: String,
        /// The value is null. In a file that is laid over another this is no mistake: the value of
        /// the file below stays.
        null: bool,
    },
}

impl Unknown<'_> {
    pub fn place(&self) -> &Place {
        match self {
            Unknown::Key { place, .. } | Unknown::Name { place, .. } | Unknown::Type { place, .. } => place,
        }
    }

    pub fn span(&self) -> Span {
        match self {
            Unknown::Key { span, .. } | Unknown::Name { span, .. } | Unknown::Type { span, .. } => *span,
        }
    }
}
