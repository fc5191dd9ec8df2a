//! The form of a compose file as data: what each key may hold, and what the model makes of it.
//! The tables follow the Compose Specification's schema and compose-go's types, Compose 2.40.

mod check;
mod emit;
mod resources;
mod service;

#[cfg(test)]
mod schema_tests;

pub use check::{Place, check};
pub use emit::emit;
pub use resources::FILE;

/// One key of a mapping.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// Its name in the model.
    pub shown: &'static str,
    pub shape: Shape,
    /// What the model shows where the value is missing, zero or empty.
    pub empty: Empty,
    pub required: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// Not shown at all.
    Omit,
    /// Shown if it stands in the source, also when it is zero.
    Keep,
    /// `null` if it is missing.
    Null,
    /// An empty mapping if it is missing.
    Record,
    /// Accepted, and then forgotten.
    Drop,
}

/// What a scalar may be in the source; several are joined by `|`.
pub type Takes = u8;
pub const NULL: Takes = 1;
pub const BOOL: Takes = 2;
pub const INT: Takes = 4;
/// Integers too.
pub const NUMBER: Takes = 8;
pub const STRING: Takes = 16;

#[derive(Debug)]
pub enum Shape {
    Leaf(Takes, Kind),
    /// A string of a closed set.
    Enum(&'static [&'static str]),
    /// A string that passes a test; the text says what is wanted.
    Tested(fn(&str) -> bool, &'static str),
    /// An integer with its lowest and highest value, or a string.
    Within(Kind, i64, i64),
    List {
        of: &'static Shape,
        unique: bool,
    },
    /// Keys are the user's; `names` restricts their characters as Compose does for resources.
    Map {
        of: &'static Shape,
        names: bool,
    },
    Record(&'static [Key]),
    OrNull(&'static Shape),
    /// A short and a long syntax: the first one that the value's kind fits.
    Either(&'static [Shape]),
    /// A mapping or a list of `KEY=value`; in the model a mapping of strings. Without a value:
    /// `null` if `nulls`, else an empty string.
    Dict {
        nulls: bool,
    },
    /// A mapping or a list of hosts; in the model a sorted list of `host=address`.
    Hosts,
    /// Words, or one string that is split like a shell's.
    Command,
    /// Words, or one string for the shell.
    Test,
    Ulimit,
    SshKeys,
    /// One entry or a list of them; in the model a list.
    OneOrMany {
        of: &'static Shape,
        unique: bool,
    },
    /// Whatever it is.
    Any,
}

/// What a scalar becomes in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Null is the empty string.
    Text,
    /// Text that may be written as an integer, but as no other number.
    Word,
    Bool,
    Int,
    /// Not below zero.
    Uint,
    /// Printed with the digits of a 32-bit float.
    Float,
    /// Bytes, as a string of digits.
    Bytes,
    Duration,
    /// A file mode, as a string of octal digits with a leading zero.
    Mode,
    /// A number of devices: `all` is -1.
    Count,
}

pub const TEXT: Shape = Shape::Leaf(STRING, Kind::Text);
pub const FLAG: Shape = Shape::Leaf(BOOL | STRING, Kind::Bool);
pub const DURATION: Shape = Shape::Leaf(STRING, Kind::Duration);
pub const STRINGS: Shape = Shape::List { of: &TEXT, unique: false };
pub const NAMES: Shape = Shape::List { of: &TEXT, unique: true };
pub const STRING_OR_LIST: Shape = Shape::OneOrMany { of: &TEXT, unique: true };
pub const LABELS: Shape = Shape::Dict { nulls: false };
pub const ENVIRONMENT: Shape = Shape::Dict { nulls: true };
/// Driver options: scalars become strings.
pub const OPTIONS: Shape = Shape::Map { of: &Shape::Leaf(STRING | NUMBER, Kind::Text), names: false };

pub const fn key(name: &'static str, shape: Shape) -> Key {
    Key { name, shown: name, shape, empty: Empty::Omit, required: false }
}

pub const fn keep(name: &'static str, shape: Shape) -> Key {
    Key { name, shown: name, shape, empty: Empty::Keep, required: false }
}

pub const fn required(name: &'static str, shape: Shape) -> Key {
    Key { name, shown: name, shape, empty: Empty::Omit, required: true }
}

pub const fn with(name: &'static str, shape: Shape, empty: Empty) -> Key {
    Key { name, shown: name, shape, empty, required: false }
}

/// A key that the model shows under another name.
pub const fn renamed(name: &'static str, shown: &'static str, shape: Shape) -> Key {
    Key { name, shown, shape, empty: Empty::Keep, required: false }
}
