//! Lets new volumes change their contents with the live ones, and keeps what was there until the run is committed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::World;
use super::super::live::IN_THE_MAKING;
use super::go_on;
use super::quiet::{Quieted, resume_all};
use super::refill::Refill;
use crate::error::Result;

/// The step after `FillBeside`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub refills: Vec<Refill>,
    /// The containers that run and use one of the volumes: stopped for it, and started again.
    pub users: Vec<Quieted>,
    /// Servers that did not run: started on the restored data, and stopped when that is taken back.
    #[serde(default)]
    pub idle: Vec<Quieted>,
    /// Those that other steps stop before and start afterwards: none of them may run meanwhile.
    #[serde(default)]
    pub held: Vec<Quieted>,
}

impl Exchange {
    pub fn label(&self) -> String {
        let names: Vec<&str> = self.refills.iter().map(|refill| refill.volume.as_str()).collect();
        format!("put the restored data into the place of {}", names.join(", "))
    }

    /// # Errors
    /// A volume is not what the plan saw.
    pub fn prepare(&self, world: &World) -> Result<()> {
        world.live()?;
        self.refills.iter().try_for_each(Refill::is_as_seen)
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        go_on(world)?;
        for user in self.users.iter().chain(&self.held) {
            stop(world, user)?;
        }
        self.refills.iter().try_for_each(|refill| refill.exchange(engine))?;
        self.users.iter().chain(&self.idle).try_for_each(|user| engine.start(&user.id))
    }

    /// The old content is in its place again, and whoever ran runs. Right at any moment, and again.
    pub fn undo(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        std::thread::sleep(IN_THE_MAKING);
        let mut displaced = Vec::new();
        for refill in &self.refills {
            if refill.is_displaced()? {
                displaced.push(refill);
            }
        }
        let users = self.users.iter().chain(&self.held).filter(|_| !displaced.is_empty());
        for user in users.chain(&self.idle) {
            stop(world, user)?;
        }
        displaced.into_iter().try_for_each(|refill| refill.take_back(engine))?;
        resume_all(world, &self.users)
    }
}

fn stop(world: &World, user: &Quieted) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    match engine.container(&user.id)? {
        Some(_) => engine.stop(&user.id, Duration::from_millis(user.grace_ms)),
        None => Ok(()),
    }
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
