//! The two sides of a change: the files before it and after it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::Since;
use crate::error::{Error, Result};
use crate::git::{Git, Stored};
use crate::model::Environment;
use crate::source::{Disk, Files};

/// Files as git has stored them. What git did not have, an ignored `.env` say, is the same on both sides: it
/// is read from disk.
pub struct Version {
    pub stored: Stored,
    /// What the other side has; where this one does not have it, it was not there yet.
    other: BTreeSet<PathBuf>,
    git: Git,
}

impl Files for Version {
    fn read(&self, path: &Path) -> Result<Option<Arc<[u8]>>> {
        let path = self.stored.settle(path)?;
        match self.stored.content(&path)? {
            Some(content) => Ok(Some(content)),
            None if self.other.contains(&path) => Ok(None),
            None => Disk.read(&path),
        }
    }
}

impl Version {
    /// Whether a file that somebody named was there. One that git neither has nor ignores is new.
    pub fn had(&self, path: &Path) -> bool {
        let unknown =
            || !self.other.contains(path) && self.git.ignored(path.strip_prefix(self.git.root()).unwrap_or(path)).unwrap_or(false);
        self.stored.has(path) || unknown()
    }
}

/// The files before a change and after it.
pub struct Sides {
    pub before: Version,
    /// None: as they are on disk.
    pub after: Option<Version>,
    /// Files under new names, each with its old one.
    pub moved: BTreeMap<PathBuf, PathBuf>,
}

impl Sides {
    pub fn open(root: &Path, since: &Since, environment: &Environment) -> Result<Sides> {
        let git = match Git::open(root) {
            Some(git) => git,
            None => return Err(Git::refusal(root).unwrap_or_else(|| no_git(root))),
        };
        match since {
            Since::Revision(revision) => {
                let commit = git.commit_named(revision)?;
                let other = git.files_of_top()?;
                let before = Version { stored: git.stored(Some(&commit))?, other, git: git.clone() };
                Ok(Sides { before, after: None, moved: git.moved_since(&commit)? })
            }
            Since::Staged => {
                let head = git.head();
                // A hook of git may be shown another index than the usual one.
                let index = environment.get("GIT_INDEX_FILE").map(PathBuf::from);
                let turned = git.turned_in_index(head.as_deref(), index.as_deref())?;
                let before = git.stored(head.as_deref())?;
                let after = before.with(&turned);
                let (had, has) = (BTreeSet::new(), after.paths());
                let after = Version { stored: after, other: had, git: git.clone() };
                Ok(Sides { before: Version { stored: before, other: has, git }, after: Some(after), moved: turned.moved })
            }
        }
    }
}

fn no_git(root: &Path) -> Error {
    Error::unusable(format!("look at what a change brings to {}", root.display()))
        .why("it is in no git repository, or git is not installed")
        .help("see `cargo xtask doctor`, or leave --since and --staged away")
}
