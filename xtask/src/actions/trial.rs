//! The step that tries a stack in a throwaway project, to say how it is; whatever comes of it, nothing remains.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::live::{read, remove_rehearsal};
use crate::error::Result;
use crate::proof::rehearsal::{Rehearsal, Stack};
use crate::proof::trial;
use crate::saga::Sha;

/// What it has shown is in the world's `trial`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TryStack {
    pub stack: String,
    /// The rendered model, a blob of the run.
    pub model: Sha,
    pub settle_secs: u64,
}

impl TryStack {
    pub fn prepare(&self, world: &World) -> Result<()> {
        world.live()?;
        world.blobs.get(&self.model).map(|_| ())
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let live = world.live()?;
        let rehearsal = Rehearsal {
            engine: live.engine.as_ref(),
            compose: &live.compose,
            run: world.run.as_str(),
            scratch: &world.scratch(),
            settle: Duration::from_secs(self.settle_secs),
            filled: Default::default(),
            jobs: Default::default(),
            masker: &world.masker,
            cancel: &live.cancel,
        };
        let model = read(world, &self.model)?;
        world.trial.replace(Some(trial::of(&rehearsal, Stack { name: &self.stack, model: &model })?));
        Ok(())
    }

    pub fn undo(&self, world: &World) -> Result<()> {
        remove_rehearsal(world)
    }
}
