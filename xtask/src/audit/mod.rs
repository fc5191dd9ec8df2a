//! Rules × stacks × policies: what is found, what is suppressed and why, and what could not be looked at.
//! Pure: models, policies and the day are given.

mod collect;
mod exceptions;
mod ignore;
mod judge;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::policy::Date;
use crate::project::Role;
use crate::text::Span;

pub use collect::{Around, Collector};
pub use judge::{Judged, Judging, judge, judge_unloaded};

/// Everything that an audit says.
#[derive(Debug)]
pub struct Audit {
    /// Paths are shown relative to this folder.
    pub root: PathBuf,
    /// Only findings that a change brings stand here: this one. None: all findings.
    pub since: Option<Since>,
    pub stacks: Vec<Looked>,
    /// In the order of files and places.
    pub findings: Vec<Entry>,
    pub suppressed: Vec<Suppressed>,
    pub gaps: Vec<Gap>,
    /// The files that findings point into.
    pub texts: BTreeMap<PathBuf, Text>,
}

/// The change that is judged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Since {
    /// From a commit, as its caller names it, to the files as they are.
    Revision(String),
    /// From the last commit to what is staged.
    Staged,
}

/// One stack that was judged.
#[derive(Debug, Clone)]
pub struct Looked {
    pub id: String,
    /// As its files say; judged as prod where they say nothing.
    pub role: Option<Role>,
    pub files: Vec<PathBuf>,
    pub services: Vec<String>,
}

/// A finding, and the stacks that it is about: a file can belong to several.
#[derive(Debug, Clone)]
pub struct Entry {
    pub finding: Finding,
    /// Ids; none for what is about a policy.
    pub stacks: Vec<String>,
}

/// A finding that somebody accepted.
#[derive(Debug, Clone)]
pub struct Suppressed {
    pub entry: Entry,
    pub reason: String,
    pub until: Option<Date>,
    pub by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// `# audit:ignore` in the file.
    Comment,
    /// An exception of the policy.
    Policy,
}

/// A stack that could not be judged.
#[derive(Debug)]
pub struct Gap {
    /// The stack's id or the path that was named.
    pub stack: String,
    pub error: Error,
}

/// A file's text, and the bytes in it that are never shown.
#[derive(Debug, Clone)]
pub struct Text {
    pub text: Arc<str>,
    pub secrets: Vec<Span>,
}

impl Audit {
    /// A path as reports show it.
    pub fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// How many findings have each severity, from critical down.
    pub fn counts(&self) -> [(Severity, usize); 5] {
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info]
            .map(|severity| (severity, self.findings.iter().filter(|entry| entry.finding.severity == severity).count()))
    }

    /// Whether something was found that is at least so severe.
    pub fn reaches(&self, threshold: Severity) -> bool {
        self.findings.iter().any(|entry| entry.finding.severity >= threshold)
    }
}
