//! Makes a backup count, once it was read back.

use serde::{Deserialize, Serialize};

use super::super::World;
use super::take_out;
use crate::backup::{Place, Repository};
use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishBackup {
    pub place: Place,
    pub name: String,
}

impl PublishBackup {
    pub fn apply(&self, world: &World) -> Result<()> {
        let summary = world.backups.borrow().get(&self.name).cloned();
        let summary =
            summary.ok_or_else(|| Error::failed(format!("list the backup {}", self.name)).why("it was not made by this process"))?;
        Repository::open(&self.place)?.publish(&summary)
    }

    /// Where it cannot be taken out, it stays listed: it was read back, and is whole.
    pub fn undo(&self, world: &World) {
        take_out(world, &self.place, |repository| repository.delete_run(world.run.as_str()));
    }

    /// Of a backup that stays whatever becomes of its run: it is there for when that fails.
    pub fn keep(&self, world: &World) {
        take_out(world, &self.place, |repository| repository.delete_pending(world.run.as_str()));
    }
}
