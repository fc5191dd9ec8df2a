//! Makes the repository for the first backup.

use serde::{Deserialize, Serialize};

use super::super::World;
use crate::backup::{Place, Repository};
use crate::error::Result;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeRepository {
    pub place: Place,
}

impl MakeRepository {
    pub fn apply(&self, world: &World) -> Result<()> {
        if Repository::exists(&self.place)? { Ok(()) } else { Repository::create(&self.place, world.run.as_str()) }
    }

    /// An empty repository does no harm, and somebody else may use it by now: only half of one goes.
    pub fn undo(&self, world: &World) -> Result<()> {
        Repository::forget_unfinished(&self.place, world.run.as_str())
    }
}
