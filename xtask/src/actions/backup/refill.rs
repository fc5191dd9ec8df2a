//! One volume whose content is replaced.
//!
//! A volume cannot be renamed. So a new one is filled and compared first, while everybody still works; then those who
//! use the old one are stopped, and the two change their contents: the folders are renamed, nothing is copied. A folder
//! is known by its inode, so whoever looks, at any moment, can tell which of them is the old one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::World;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::saga::sync_dir;

/// Carried by a volume that changes its content with another; it is removed by its name, never by this.
const LABEL: &str = "xtask.restore";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    pub volume: String,
    /// Its content on this machine, and the inode of that folder.
    pub folder: PathBuf,
    pub inode: u64,
    /// The volume that is filled, and has the old content afterwards.
    pub fresh: String,
}

impl Refill {
    /// # Errors
    /// The volume is not what the plan saw.
    pub(super) fn is_as_seen(&self) -> Result<()> {
        if self.is_displaced()? {
            return Err(Error::failed(format!("restore the volume {}", self.volume)).why("it is not the one that was looked at"));
        }
        Ok(())
    }

    pub(super) fn is_displaced(&self) -> Result<bool> {
        Ok(inode(&self.folder)? != Some(self.inode))
    }

    /// Makes the new volume, and says where its content is.
    pub(super) fn make(&self, world: &World) -> Result<PathBuf> {
        let engine = world.live()?.engine.as_ref();
        engine.create_volume(&self.fresh, (LABEL, world.run.as_str()))?;
        self.fresh_folder(engine)?.ok_or_else(|| self.elsewhere())
    }

    /// Removes the new volume, unless the old content is in it.
    pub(super) fn drop_fresh(&self, engine: &dyn Engine) -> Result<()> {
        if let Some(folder) = self.fresh_folder(engine)?
            && inode(&folder)? == Some(self.inode)
        {
            return Err(Error::failed(format!("remove the volume {}", self.fresh)).why(format!("the content of {} is in it", self.volume)));
        }
        engine.remove_volume(&self.fresh)
    }

    fn fresh_folder(&self, engine: &dyn Engine) -> Result<Option<PathBuf>> {
        let folder = engine.volume(&self.fresh)?.map(|volume| PathBuf::from(volume.mountpoint));
        Ok(folder.filter(|folder| folder.is_dir()))
    }

    fn elsewhere(&self) -> Error {
        Error::refused(format!("restore the volume {}", self.volume))
            .why("the engine keeps its volumes on another machine")
            .help("run it on the engine's own machine")
    }

    /// Where the old content is for a moment.
    fn aside(&self, fresh: &Path) -> PathBuf {
        fresh.with_file_name("xtask-old")
    }

    pub(super) fn exchange(&self, engine: &dyn Engine) -> Result<()> {
        let fresh = self.fresh_folder(engine)?.ok_or_else(|| self.elsewhere())?;
        let aside = self.aside(&fresh);
        rename(&self.folder, &aside)?;
        rename(&fresh, &self.folder)?;
        rename(&aside, &fresh)
    }

    /// The old content is in one of three places; whatever else is in its own goes aside and is removed later.
    pub(super) fn take_back(&self, engine: &dyn Engine) -> Result<()> {
        let lost = || {
            Error::failed(format!("put the old content of the volume {} back", self.volume))
                .why(format!("it is not where the run has put it, in the volume {}", self.fresh))
        };
        let volume = engine.volume(&self.fresh)?.ok_or_else(lost)?;
        let fresh = PathBuf::from(volume.mountpoint);
        let aside = self.aside(&fresh);
        let mut old = None;
        for place in [&aside, &fresh] {
            if inode(place)? == Some(self.inode) {
                old = Some(place.clone());
            }
        }
        let old = old.ok_or_else(lost)?;
        if inode(&self.folder)?.is_some() {
            rename(&self.folder, &fresh.with_file_name("xtask-new"))?;
        }
        rename(&old, &self.folder)
    }
}

/// `None`: there is nothing.
fn inode(folder: &Path) -> Result<Option<u64>> {
    match fs::symlink_metadata(folder) {
        Ok(meta) => Ok(Some(meta.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("look at", folder, error)),
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| Error::io("rename", from, error))?;
    [from, to].into_iter().filter_map(Path::parent).try_for_each(sync_dir)
}
