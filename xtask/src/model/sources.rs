//! The files that make a model.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::dotenv::Entry;
use crate::text::LineIndex;
use crate::yaml::{Document, Origin};

#[cfg(doc)]
use super::Unset;

/// A file that was read.
pub struct Source {
    pub path: PathBuf,
    pub text: Arc<str>,
    pub kind: SourceKind,
    lines: OnceLock<LineIndex>,
}

pub enum SourceKind {
    Compose(Vec<Document>),
    /// An env file and its entries as read the first time.
    Env(Vec<Entry>),
}

/// One `env_file` entry of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Absolute.
    pub path: PathBuf,
    pub required: bool,
    /// `format: raw`.
    pub raw: bool,
    /// Where the entry stands.
    pub at: Origin,
    /// Its source; nothing if the file is not there, which also a required one may be under
    /// [`Unset::StandIn`].
    pub source: Option<u32>,
}

impl Source {
    pub fn new(path: PathBuf, text: Arc<str>, kind: SourceKind) -> Self {
        Source { path, text, kind, lines: OnceLock::new() }
    }

    /// Where its lines start; worked out when somebody asks.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// The documents of a compose file; none for an env file.
    pub fn documents(&self) -> &[Document] {
        match &self.kind {
            SourceKind::Compose(documents) => documents,
            SourceKind::Env(_) => &[],
        }
    }

    /// The entries of an env file; none for a compose file.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            SourceKind::Compose(_) => &[],
            SourceKind::Env(entries) => entries,
        }
    }
}
