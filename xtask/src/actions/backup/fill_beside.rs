//! New volumes beside the live ones that hold what a backup holds of them, compared, while everybody still works.

use serde::{Deserialize, Serialize};

use super::super::World;
use super::super::live::IN_THE_MAKING;
use super::fill::fill;
use super::load::load;
use super::refill::Refill;
use super::revive::Base;
use super::verify::take_away;
use crate::backup::{Place, Repository};
use crate::engine::Spec;
use crate::error::{Error, Result};
use crate::saga::Sha;

/// The first step of a restore: its volumes are then exchanged with the live ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillBeside {
    pub place: Place,
    /// The backup's.
    pub name: String,
    pub volumes: Vec<Refill>,
    pub servers: Vec<Reload>,
}

/// One server whose data is made anew from its dumps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    pub service: String,
    /// What the server that loads them is like, and where it has its data.
    pub like: Like,
    pub at: String,
    pub refill: Refill,
}

/// A container, as it is or as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Like {
    /// By its id.
    Container(String),
    /// Its specification, a blob of the run.
    Spec(Sha),
}

impl Like {
    pub(super) fn spec(&self, world: &World) -> Result<Spec> {
        match self {
            Like::Container(id) => {
                let gone = || Error::failed("start a server for dumps").why("the container that it is to be like is gone");
                world.live()?.engine.spec(id)?.ok_or_else(gone)
            }
            Like::Spec(sha) => Spec::from_bytes(&world.blobs.get(sha)?),
        }
    }
}

impl FillBeside {
    pub fn label(&self) -> String {
        let volumes = self.volumes.iter().map(|refill| refill.volume.as_str());
        let names: Vec<&str> = volumes.chain(self.servers.iter().map(|reload| reload.service.as_str())).collect();
        format!("fill new volumes with {} as they are in {}", names.join(", "), self.name)
    }

    /// Every volume whose content is to be replaced.
    pub fn refills(&self) -> impl Iterator<Item = &Refill> {
        self.volumes.iter().chain(self.servers.iter().map(|reload| &reload.refill))
    }

    /// # Errors
    /// A volume is not what the plan saw, or one of the new name is there already.
    pub fn prepare(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        for refill in self.refills() {
            refill.is_as_seen()?;
            if engine.volume(&refill.fresh)?.is_some() {
                return Err(Error::failed(format!("create the volume {}", refill.fresh)).why("it is there already"));
            }
        }
        Ok(())
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let content = Repository::open(&self.place)?.content(&self.name, false)?;
        let manifest = content.manifest()?;
        for refill in &self.volumes {
            let missing = || Error::failed(format!("restore the volume {}", refill.volume)).why("the backup does not have it");
            let copied = manifest.volumes.iter().find(|copied| copied.volume == refill.volume).ok_or_else(missing)?;
            refill.make(world)?;
            let entries = fill(world, &content, copied, &refill.fresh)?;
            world.proven(format!("the volume {}", refill.volume), format!("{entries} entries, {} bytes, read back equal", copied.bytes));
        }
        for reload in &self.servers {
            let fresh = reload.refill.make(world)?;
            let spec = reload.like.spec(world)?;
            let base = Base::Like { spec: &spec, volume: &reload.refill.fresh, at: &reload.at };
            load(world, &content, &manifest, &reload.service, base, Some((&reload.refill.folder, &fresh)))?;
        }
        Ok(())
    }

    /// Nothing of it stays.
    pub fn undo(&self, world: &World) -> Result<()> {
        std::thread::sleep(IN_THE_MAKING);
        take_away(world)?;
        let engine = world.live()?.engine.as_ref();
        self.refills().try_for_each(|refill| refill.drop_fresh(engine))
    }
}
