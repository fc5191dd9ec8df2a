//! Removes the containers that were replaced, once the run is committed: nothing goes back to them.

use serde::{Deserialize, Serialize};

use super::World;
use super::make::still_there;
use crate::error::Result;

/// Right again and again, and never undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveContainers {
    pub ids: Vec<String>,
}

impl RemoveContainers {
    /// Volumes stay, also anonymous ones: a release may still name them. Whoever was started again by
    /// somebody is theirs.
    pub fn apply(&self, world: &World) -> Result<()> {
        for container in still_there(world, self.ids.iter().map(String::as_str))? {
            if !container.is_up() {
                world.live()?.engine.remove_but_volumes(&container.id)?;
            }
        }
        Ok(())
    }
}
