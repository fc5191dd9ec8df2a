//! Env files as Compose reads them: `.env`, `--env-file` and `env_file`. The rules are those of
//! compose-go's `dotenv` package, checked against `docker compose` itself.

mod edit;
mod escape;
mod parse;
mod quote;
mod raw;

pub use edit::{Refusal, with_values, written_with};
pub use parse::parse;
pub use quote::quote;
pub use raw::parse_raw;

use crate::text::Span;

/// One variable of an env file. A name may stand in several entries: the last one counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    /// Unquoted, with escapes and variables replaced.
    pub value: String,
    pub key_span: Span,
    /// The value as written, quotes included; empty for an inherited one.
    pub value_span: Span,
    /// Of the key, counted from 1.
    pub line: usize,
    pub quoting: Quoting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    Plain,
    Single,
    Double,
    /// A name alone: its value is that of the surrounding environment.
    Inherited,
}

/// Why Compose would refuse an env file, and where: line and column count from 1, the column in
/// characters. `why` never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotenvError {
    pub line: usize,
    pub column: usize,
    pub why: String,
}

/// Values of env files are secrets more often than not.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("line", &self.line).field("quoting", &self.quoting).finish_non_exhaustive()
    }
}
