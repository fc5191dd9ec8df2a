//! One error for the whole tool: what was being done, where, why it failed and what to do.
//!
//! The kind decides the exit code; nothing ever matches on the text.

use std::fmt;
use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a failure means for whoever called; each kind has one exit code (see `cli::exit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line, the configuration or an input file cannot be used, or could not be looked at.
    Unusable,
    /// A guard or a rehearsal said no; nothing was touched.
    Refused,
    /// Something that was started has failed and there was nothing to undo.
    Failed,
    /// A change did not hold and everything was put back.
    RolledBack,
    /// A change did not hold and could not be put back: a person is needed.
    Stuck,
    /// Ctrl-C or SIGTERM; what had been started was put back.
    Interrupted,
}

/// A place in a file, for people: line and column count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    pub path: PathBuf,
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    /// What was being done and failed: "read compose.yaml".
    pub what: String,
    pub at: Option<At>,
    /// The cause, in the words of whoever refused.
    pub why: Option<String>,
    /// What the reader can do about it.
    pub help: Option<String>,
}

impl Error {
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Error { kind, what: what.into(), at: None, why: None, help: None }
    }

    pub fn unusable(what: impl Into<String>) -> Self {
        Error::new(Kind::Unusable, what)
    }

    pub fn refused(what: impl Into<String>) -> Self {
        Error::new(Kind::Refused, what)
    }

    pub fn failed(what: impl Into<String>) -> Self {
        Error::new(Kind::Failed, what)
    }

    /// An input/output error with its verb and path: `Error::io("read", path, error)`.
    pub fn io(verb: &str, path: &Path, cause: std::io::Error) -> Self {
        Error::failed(format!("{verb} {}", path.display())).why(cause.to_string())
    }

    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>, line: usize, column: usize) -> Self {
        self.at = Some(At { path: path.into(), line, column });
        self
    }

    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{at}: ")?;
        }
        f.write_str(&self.what)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
