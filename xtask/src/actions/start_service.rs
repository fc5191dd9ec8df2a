//! Starts what does not run: a service that is new, that was stopped, or that has too few containers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::converge::{Converge, start};
use super::keep_stack::{KeptStack, of_service, record};
use super::live::StackCall;
use super::make::{Source, beside, must_be_well, still_there};
use crate::engine::Spec;
use crate::error::{Error, Result};

/// How long Compose may take beyond what the health of the service needs.
const STARTING: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartService {
    pub call: StackCall,
    pub service: String,
    pub source: Source,
    pub settle_secs: u64,
}

impl StartService {
    pub fn prepare(&self, world: &World) -> Result<KeptStack> {
        record(world, &self.call, Some(&self.service))
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let live = world.live()?;
        match &self.source {
            Source::Compose { replicas, .. } => {
                live.compose.up(&self.call.call(), &beside(&self.service, *replicas), STARTING, &world.masker, &live.cancel)?;
            }
            Source::Spec { containers } => {
                for sha in containers {
                    self.start_as(world, &Spec::from_bytes(&world.blobs.get(sha)?)?)?;
                }
            }
        }
        let ids: Vec<String> = of_service(world, &self.call, Some(&self.service))?.into_iter().map(|listed| listed.id).collect();
        if ids.is_empty() {
            return Err(Error::failed(format!("start {}", self.service)).why("no container was made for it"));
        }
        self.source.check(world, &self.service, ids.iter().map(String::as_str))?;
        let detail = must_be_well(world, &self.service, &ids, self.settle_secs)?;
        world.proven(format!("{} of {}", self.service, self.call.stack), format!("started: {detail}"));
        Ok(())
    }

    fn start_as(&self, world: &World, spec: &Spec) -> Result<()> {
        let listed = of_service(world, &self.call, Some(&self.service))?;
        let there = still_there(world, listed.iter().filter(|listed| listed.name == spec.name).map(|listed| listed.id.as_str()))?;
        match there.first() {
            Some(container) if container.is_up() => Ok(()),
            Some(container) => start(world, &container.id),
            None => start(world, &world.live()?.engine.create(&spec.name, spec)?),
        }
    }

    pub fn undo(&self, world: &World, kept: &KeptStack) -> Result<()> {
        Converge::of(&self.call, kept).service(&self.service).carry_out(world)
    }
}
