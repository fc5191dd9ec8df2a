//! Removes a file that an earlier run created.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::World;
use super::file::{Original, changed_since, look, remove_if_there, replace};
use super::inside::{beside, folder, place};
use crate::error::{Error, Result};
use crate::saga::{Sha, sync_dir};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveFile {
    /// Below the project's root.
    pub path: PathBuf,
    /// The content that the plan saw.
    pub before: Sha,
}

/// What undo needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    pub before: Original,
    /// The name of the temporary file, in the same folder.
    pub temporary: String,
}

impl RemoveFile {
    pub fn prepare(&self, world: &World) -> Result<Removed> {
        match look(&place(&world.root, &self.path)?)? {
            Some((before, bytes)) if before.content == self.before => {
                world.blobs.put(&bytes)?;
                world.blobs.keep_room(bytes.len() as u64)?;
                Ok(Removed { before, temporary: world.temporary(&self.path) })
            }
            _ => Err(Error::refused(format!("remove {}", self.path.display()))
                .why("it is not as it was when the plan was made")
                .help("Run the command again: it makes a new plan")),
        }
    }

    pub fn apply(&self, world: &World, removed: &Removed) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        if look(&place)?.map(|(original, _)| original).as_ref() != Some(&removed.before) {
            return Err(changed_since(&self.path, world));
        }
        remove_if_there(&place)?;
        sync_dir(folder(&place))
    }

    pub fn undo(&self, world: &World, removed: &Removed) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        world.blobs.give_room()?;
        remove_if_there(&beside(&place, &removed.temporary)?)?;
        match look(&place)?.map(|(original, _)| original) {
            Some(current) if current == removed.before => {}
            None => {
                let Original { content, mode, uid, gid } = &removed.before;
                replace(&place, &removed.temporary, &world.blobs.get(content)?, *mode, Some((*uid, *gid)))?;
            }
            Some(_) => return Err(changed_since(&self.path, world)),
        }
        sync_dir(folder(&place))
    }
}
