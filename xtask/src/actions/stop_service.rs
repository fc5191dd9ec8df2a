//! Stops a service that is no part of the release any more; its containers stay.

use serde::{Deserialize, Serialize};

use super::World;
use super::converge::Converge;
use super::keep_stack::{KeptStack, record};
use super::live::StackCall;
use super::make::still_there;
use crate::error::Result;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopService {
    pub call: StackCall,
    pub service: String,
}

impl StopService {
    pub fn prepare(&self, world: &World) -> Result<KeptStack> {
        record(world, &self.call, Some(&self.service))
    }

    pub fn apply(&self, world: &World, kept: &KeptStack) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        for container in still_there(world, kept.containers.iter().map(|kept| kept.id.as_str()))? {
            if container.is_up() {
                engine.stop(&container.id, container.stop_grace)?;
            }
        }
        Ok(())
    }

    pub fn undo(&self, world: &World, kept: &KeptStack) -> Result<()> {
        Converge::of(&self.call, kept).service(&self.service).stopping().carry_out(world)
    }
}
