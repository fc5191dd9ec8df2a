//! Starts what does not run: a service that is new, that was stopped, or that has too few containers; and
//! stops those that are too many.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::converge::{Converge, start};
use super::keep_stack::{KeptContainer, KeptStack, of_service, record};
use super::live::StackCall;
use super::make::{Source, beside, must_be_well, still_there};
use super::replace::set_aside;
use crate::engine::{Spec, Status};
use crate::error::{Error, Result};

/// How long Compose may take beyond what the health of the service needs.
const STARTING: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartService {
    pub call: StackCall,
    pub service: String,
    pub source: Source,
    /// Containers that are too many, by id: they are stopped, and stay until the run is settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<String>,
    pub settle_secs: u64,
}

impl StartService {
    pub fn prepare(&self, world: &World) -> Result<KeptStack> {
        record(world, &self.call, Some(&self.service))
    }

    pub fn label(&self) -> String {
        match self.surplus.len() {
            0 => format!("start {} of {}", self.service, self.call.stack),
            surplus => format!("stop {surplus} containers of {} of {}", self.service, self.call.stack),
        }
    }

    pub fn apply(&self, world: &World, kept: &KeptStack) -> Result<()> {
        let live = world.live()?;
        match &self.source {
            // Compose would remove what is too many, and nothing goes before it is proven.
            _ if !self.surplus.is_empty() => self.stop_surplus(world, kept)?,
            Source::Compose { replicas, .. } => {
                live.compose.up(&self.call.call(), &beside(&self.service, *replicas), STARTING, &world.masker, &live.cancel)?;
            }
            Source::Spec { containers } => {
                for sha in containers {
                    self.start_as(world, &Spec::from_bytes(&world.blobs.get(sha)?)?)?;
                }
            }
        }
        let listed = of_service(world, &self.call, Some(&self.service))?;
        let ids: Vec<String> = listed.into_iter().map(|listed| listed.id).filter(|id| !self.surplus.contains(id)).collect();
        if ids.is_empty() && self.surplus.is_empty() {
            return Err(Error::failed(format!("start {}", self.service)).why("no container was made for it"));
        }
        self.source.check(world, &self.service, ids.iter().map(String::as_str))?;
        let detail = must_be_well(world, &self.service, &ids, self.settle_secs)?;
        world.proven(format!("{} of {}", self.service, self.call.stack), format!("started: {detail}"));
        Ok(())
    }

    /// Those that stay must run as well.
    fn stop_surplus(&self, world: &World, kept: &KeptStack) -> Result<()> {
        let (surplus, stay): (Vec<&KeptContainer>, Vec<_>) = kept.containers.iter().partition(|kept| self.surplus.contains(&kept.id));
        for container in still_there(world, stay.iter().map(|kept| kept.id.as_str()))? {
            let done = container.state.status == Status::Exited && container.state.exit_code == 0 && container.may_end();
            if !container.is_up() && !done {
                start(world, &container.id)?;
            }
        }
        surplus.into_iter().try_for_each(|kept| set_aside(world, kept))
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
