//! Puts what a backup holds of volumes and servers into their place, and keeps what was there until the run is
//! committed.
//!
//! A volume cannot be renamed. So a new one is filled and compared first, while everybody still works, that of a server
//! by a server like it; then those
//! who use the old one are stopped, and the two change their contents: the folders are renamed, nothing is copied. A
//! folder is known by its inode, so whoever looks, at any moment, can tell which of them is the old one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::World;
use super::super::live::IN_THE_MAKING;
use super::fill::fill;
use super::go_on;
use super::load::load;
use super::quiet::{Quieted, resume_all};
use super::revive::Base;
use super::verify::take_away;
use crate::backup::{Place, Repository};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::saga::sync_dir;

/// Carried by a volume that changes its content with another; it is removed by its name, never by this.
const LABEL: &str = "xtask.restore";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutBack {
    pub place: Place,
    /// The backup's.
    pub name: String,
    pub volumes: Vec<Refill>,
    #[serde(default)]
    pub servers: Vec<Reload>,
    /// The containers that run and use one of the volumes: stopped for it, and started again.
    pub users: Vec<Quieted>,
    /// Servers that did not run: started on the restored data, and stopped when that is taken back.
    #[serde(default)]
    pub idle: Vec<Quieted>,
}

/// One volume whose content is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    pub volume: String,
    /// Its content on this machine, and the inode of that folder.
    pub folder: PathBuf,
    pub inode: u64,
    /// The volume that is filled, and has the old content afterwards.
    pub fresh: String,
}

/// One server whose data is made anew from its dumps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    pub service: String,
    /// What runs it now, and where it has its data.
    pub container: String,
    pub at: String,
    /// Nobody else reaches it, so nobody writes to it at once.
    pub alone: bool,
    pub refill: Refill,
}

impl PutBack {
    pub fn label(&self) -> String {
        let volumes = self.volumes.iter().map(|refill| refill.volume.as_str());
        let names: Vec<&str> = volumes.chain(self.servers.iter().map(|reload| reload.service.as_str())).collect();
        format!("put {} back as they are in {}", names.join(", "), self.name)
    }

    /// Every volume whose content is replaced.
    pub fn refills(&self) -> impl Iterator<Item = &Refill> {
        self.volumes.iter().chain(self.servers.iter().map(|reload| &reload.refill))
    }

    /// # Errors
    /// A volume is not what the plan saw, or one of the new name is there already.
    pub fn prepare(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        for refill in self.refills() {
            if inode(&refill.folder)? != Some(refill.inode) {
                return Err(Error::failed(format!("restore the volume {}", refill.volume)).why("it is not the one that was looked at"));
            }
            if engine.volume(&refill.fresh)?.is_some() {
                return Err(Error::failed(format!("create the volume {}", refill.fresh)).why("it is there already"));
            }
        }
        Ok(())
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let content = Repository::open(&self.place)?.content(&self.name, false)?;
        let manifest = content.manifest()?;
        let mut swaps = Vec::new();
        for refill in &self.volumes {
            let missing = || Error::failed(format!("restore the volume {}", refill.volume)).why("the backup does not have it");
            let copied = manifest.volumes.iter().find(|copied| copied.volume == refill.volume).ok_or_else(missing)?;
            let fresh = refill.make(world)?;
            let entries = fill(world, &content, copied, &refill.fresh)?;
            world.proven(format!("the volume {}", refill.volume), format!("{entries} entries, {} bytes, read back equal", copied.bytes));
            swaps.push((refill, fresh));
        }
        for reload in &self.servers {
            let fresh = reload.refill.make(world)?;
            let base = Base::Like { container: &reload.container, volume: &reload.refill.fresh, at: &reload.at };
            load(world, &content, &manifest, &reload.service, base, Some((&reload.refill.folder, &fresh)))?;
            swaps.push((&reload.refill, fresh));
        }
        go_on(world)?;
        for user in &self.users {
            engine.stop(&user.id, Duration::from_millis(user.grace_ms))?;
        }
        swaps.iter().try_for_each(|(refill, fresh)| refill.exchange(fresh))?;
        self.users.iter().chain(&self.idle).try_for_each(|user| engine.start(&user.id))
    }

    /// The old content is in its place again, and whoever ran runs. Right at any moment, and again.
    pub fn undo(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        std::thread::sleep(IN_THE_MAKING);
        let mut displaced = Vec::new();
        for refill in self.refills() {
            if inode(&refill.folder)? != Some(refill.inode) {
                displaced.push(refill);
            }
        }
        let users = self.users.iter().filter(|_| !displaced.is_empty());
        for user in users.chain(&self.idle) {
            if engine.container(&user.id)?.is_some() {
                engine.stop(&user.id, Duration::from_millis(user.grace_ms))?;
            }
        }
        displaced.into_iter().try_for_each(|refill| refill.take_back(engine))?;
        resume_all(world, &self.users)?;
        take_away(world)?;
        self.refills().try_for_each(|refill| engine.remove_volume(&refill.fresh))
    }
}

impl Refill {
    /// Where the old content is for a moment.
    fn aside(&self, fresh: &Path) -> PathBuf {
        fresh.with_file_name("xtask-old")
    }

    /// Makes the new volume, and says where its content is.
    fn make(&self, world: &World) -> Result<PathBuf> {
        let engine = world.live()?.engine.as_ref();
        engine.create_volume(&self.fresh, (LABEL, world.run.as_str()))?;
        self.fresh_folder(engine)?.ok_or_else(|| self.elsewhere())
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

    fn exchange(&self, fresh: &Path) -> Result<()> {
        let aside = self.aside(fresh);
        rename(&self.folder, &aside)?;
        rename(fresh, &self.folder)?;
        rename(&aside, fresh)
    }

    /// The old content is in one of three places; whatever else is in its own goes aside and is removed later.
    fn take_back(&self, engine: &dyn Engine) -> Result<()> {
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

/// Removes volumes that hold what was replaced; after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropReplaced {
    pub volumes: Vec<String>,
}

impl DropReplaced {
    pub fn apply(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        self.volumes.iter().try_for_each(|volume| engine.remove_volume(volume))
    }
}
