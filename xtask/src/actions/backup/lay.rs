//! Puts what a backup holds into new volumes beside the live ones, for somebody to look at.

use serde::{Deserialize, Serialize};

use super::super::World;
use super::fill::fill;
use super::fill_beside::Like;
use super::load::load;
use super::revive::Base;
use super::verify::take_away;
use crate::backup::{Place, Repository};
use crate::error::{Error, Result};

/// Carried by such a volume, with the backup's name: it is removed by whoever has looked.
const LABEL: &str = "xtask.restored";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayBeside {
    pub place: Place,
    /// The backup's.
    pub name: String,
    pub volumes: Vec<Laid>,
    pub servers: Vec<LaidServer>,
}

/// A volume of the backup, and the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Laid {
    pub volume: String,
    pub fresh: String,
}

/// The dumps of a service, and the new volume that a server keeps them in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaidServer {
    pub service: String,
    pub fresh: String,
    /// Where such a server keeps its data.
    pub at: String,
    /// The container that it is like; else it is made of the image that the dumps came from.
    pub like: Option<String>,
}

impl LayBeside {
    pub fn label(&self) -> String {
        format!("restore {} into {}", self.name, self.fresh().collect::<Vec<_>>().join(", "))
    }

    /// The names of the new volumes.
    pub fn fresh(&self) -> impl Iterator<Item = &str> {
        let servers = self.servers.iter().map(|server| server.fresh.as_str());
        self.volumes.iter().map(|laid| laid.fresh.as_str()).chain(servers)
    }

    /// # Errors
    /// One of the volumes is there already.
    pub fn prepare(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        for fresh in self.fresh() {
            if engine.volume(fresh)?.is_some() {
                return Err(Error::failed(format!("create the volume {fresh}")).why("it is there already"));
            }
        }
        Ok(())
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        self.lay(world, (LABEL, &self.name))
    }

    /// The new volumes carry this label.
    pub fn lay(&self, world: &World, label: (&str, &str)) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let content = Repository::open(&self.place)?.content(&self.name, false)?;
        let manifest = content.manifest()?;
        for laid in &self.volumes {
            let missing = || Error::failed(format!("restore the volume {}", laid.volume)).why("the backup does not have it");
            let copied = manifest.volumes.iter().find(|copied| copied.volume == laid.volume).ok_or_else(missing)?;
            engine.create_volume(&laid.fresh, label)?;
            let entries = fill(world, &content, copied, &laid.fresh)?;
            world.proven(format!("the volume {}", laid.fresh), format!("{entries} entries, {} bytes, read back equal", copied.bytes));
        }
        for server in &self.servers {
            engine.create_volume(&server.fresh, label)?;
            let (volume, at) = (server.fresh.as_str(), server.at.as_str());
            let like = server.like.as_ref().map(|container| Like::Container(container.clone()).spec(world)).transpose()?;
            let base = match &like {
                Some(spec) => Base::Like { spec, volume, at },
                None => Base::Kept { volume, at },
            };
            load(world, &content, &manifest, &server.service, base, None)?;
        }
        Ok(())
    }

    /// Nothing of it stays.
    pub fn undo(&self, world: &World) -> Result<()> {
        take_away(world)?;
        self.fresh().try_for_each(|fresh| world.live()?.engine.remove_volume(fresh))
    }
}
