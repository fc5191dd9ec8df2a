//! Takes a path out of git's index, or puts it back; the file itself stays.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::World;
use crate::error::{Error, Result};
use crate::git::Entry;

/// `git rm --cached`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitUntrack {
    /// Below the project's root.
    pub path: PathBuf,
}

/// Its inverse: the path gets back the entry that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitTrack {
    /// Below the project's root.
    pub path: PathBuf,
    pub entry: Entry,
}

/// A path in the index before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryReceipt {
    pub path: PathBuf,
    pub before: Option<Entry>,
    pub after: Option<Entry>,
}

impl GitUntrack {
    pub fn prepare(&self, world: &World) -> Result<EntryReceipt> {
        match entry_now(world, &self.path)? {
            Some(before) => {
                world.blobs.keep_room(world.git()?.bytes_to_undo())?;
                Ok(EntryReceipt { path: self.path.clone(), before: Some(before), after: None })
            }
            None => Err(Error::refused(format!("untrack {}", self.path.display())).why("git does not track it")),
        }
    }
}

impl GitTrack {
    pub fn prepare(&self, world: &World) -> Result<EntryReceipt> {
        match entry_now(world, &self.path)? {
            None => {
                world.blobs.keep_room(world.git()?.bytes_to_undo())?;
                Ok(EntryReceipt { path: self.path.clone(), before: None, after: Some(self.entry.clone()) })
            }
            Some(_) => Err(Error::refused(format!("track {}", self.path.display())).why("git tracks it already")),
        }
    }
}

impl EntryReceipt {
    pub fn apply(&self, world: &World) -> Result<()> {
        world.git()?.change_index(world.run.as_str(), &[(self.path.clone(), self.after.clone())])
    }

    pub fn undo(&self, world: &World) -> Result<()> {
        let git = world.git()?;
        world.blobs.give_room()?;
        git.clear_index_leftovers(world.run.as_str())?;
        let current = entry_now(world, &self.path)?;
        if current == self.before {
            return Ok(());
        }
        if current != self.after {
            return Err(changed_in_git(&self.path));
        }
        git.change_index(world.run.as_str(), &[(self.path.clone(), self.before.clone())])
    }
}

fn entry_now(world: &World, path: &Path) -> Result<Option<Entry>> {
    Ok(world.git()?.index_entries(&[path])?.remove(path))
}

pub(super) fn changed_in_git(path: &Path) -> Error {
    Error::failed(format!("put back {} in git", path.display()))
        .why("it was changed there by somebody else since")
        .help("Look at `git status` and `git log`")
}
