//! A change of a file as a value.

use std::path::PathBuf;

use crate::text::Span;

/// What a file is to a phase; decides how it is masked when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Names the paths that git must not take.
    Ignore,
    /// Where the values go: every value of it is masked.
    Env,
    Compose,
    /// An env file that git tracks and services load.
    SharedEnv,
    Example,
}

/// One file before and after.
#[derive(Clone)]
pub struct Change {
    /// Absolute.
    pub path: PathBuf,
    pub kind: Kind,
    pub before: Option<String>,
    pub after: String,
    /// The credentials in the bytes of `before`.
    pub secrets: Vec<Span>,
}
