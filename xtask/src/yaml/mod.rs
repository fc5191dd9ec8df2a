//! YAML with the exact place of everything in it: reading, naming places, changing scalars and structure.
//!
//! granit-parser reads; this module makes a small tree of its events and resolves plain scalars
//! the way go-yaml v3 does, because that is what Compose reads with.

mod anchors;
mod edit;
mod expand;
mod node;
mod ops;
mod place;
mod read;
mod scalar;
mod strict;
mod timestamp;
mod value;
mod write;

pub use anchors::Anchors;
pub use edit::{Refusal, ScalarEdit, Scalars, edits, replace_within, verified};
pub use expand::{DEPTH_LIMIT, Dropped, VALUE_LIMIT, expand, expand_without, is_merge, scalar};
pub use node::{Comment, Data as Written, Document, Entry, Node, Style};
pub use ops::{Operated, Operation, Plain, What, operate, operate_each, refusals};
pub use place::{Place, Seg};
pub use read::{Limits, ReadError, read};
pub use scalar::{Resolved, resolve};
pub use value::{Data, Field, Fields, Origin, Value};

/// The tag of a value that is a point in time: its data is RFC 3339 text.
pub const TIMESTAMP: &str = "!!timestamp";
