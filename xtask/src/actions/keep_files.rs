//! The files that containers read, as the release before had them: containers that serve again must not read
//! those of the release that failed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::World;
use super::file::{look, remove_if_there, replace};
use super::inside::{beside, folder, place};
use super::keep_stack::of_service;
use super::live::StackCall;
use super::make::still_there;
use crate::error::Result;
use crate::saga::{Sha, sync_dir};

/// Comes before the steps that replace containers, so that its undo comes after theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepFiles {
    pub call: StackCall,
    /// Who reads them: they are started again once the files are back.
    pub services: Vec<String>,
    pub files: Vec<FileBefore>,
}

/// Both contents are blobs of the run, so that neither is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBefore {
    /// Below the project's root.
    pub path: PathBuf,
    pub before: Sha,
    pub now: Sha,
}

impl KeepFiles {
    pub fn prepare(&self, world: &World) -> Result<()> {
        self.files.iter().try_for_each(|file| world.blobs.get(&file.before).and_then(|_| world.blobs.get(&file.now)).map(|_| ()))
    }

    /// A file that somebody has changed meanwhile is theirs and stays.
    pub fn undo(&self, world: &World) -> Result<()> {
        for file in &self.files {
            let at = place(&world.root, &file.path)?;
            let temporary = world.temporary(&file.path);
            remove_if_there(&beside(&at, &temporary)?)?;
            if let Some((found, _)) = look(&at)?.filter(|(found, _)| found.content == file.now) {
                replace(&at, &temporary, &world.blobs.get(&file.before)?, found.mode, Some((found.uid, found.gid)))?;
            }
            sync_dir(folder(&at))?;
        }
        let engine = world.live()?.engine.as_ref();
        for service in &self.services {
            let listed = of_service(world, &self.call, Some(service))?;
            for container in still_there(world, listed.iter().map(|listed| listed.id.as_str()))?.iter().filter(|one| one.is_up()) {
                engine.restart(&container.id, container.stop_grace)?;
            }
        }
        Ok(())
    }
}
