//! Deletes old releases and lets their images go, once a new one is committed.

use serde::{Deserialize, Serialize};

use super::World;
use super::save_release::Shelf;
use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetReleases {
    pub shelf: Shelf,
    pub ids: Vec<String>,
}

impl ForgetReleases {
    pub fn prepare(&self, world: &World) -> Result<()> {
        let current = self.shelf.open(world)?.current()?;
        match current.filter(|current| self.ids.contains(current)) {
            Some(current) => Err(Error::refused(format!("forget the release {current}")).why("it is the current one")),
            None => Ok(()),
        }
    }

    /// Right also when some or all of them are gone. What holds a release's images goes before its
    /// record, which alone says what holds them.
    pub fn apply(&self, world: &World) -> Result<()> {
        let releases = self.shelf.open(world)?;
        for id in &self.ids {
            if releases.has(id) {
                for held in releases.get(id)?.holds() {
                    world.live()?.engine.untag(&held)?;
                }
            }
            releases.delete(id)?;
        }
        Ok(())
    }
}
