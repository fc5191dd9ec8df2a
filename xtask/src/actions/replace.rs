//! New containers of a service in the place of its old ones, which stay until the run is settled.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::converge::{Converge, start};
use super::keep_stack::{KeptContainer, KeptStack, of_service, record};
use super::live::StackCall;
use super::make::{New, Source, must_be_well, still_there};
use crate::engine::{Container, Exec};
use crate::error::{Error, Kind, Result};

/// Replaces the containers of one service. A plan that has this begins with a `KeepStack`, whose undo
/// also waits until the old ones are well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replace {
    pub call: StackCall,
    pub service: String,
    /// Each new one is well before an old one is stopped; else the old ones are stopped first, which always
    /// works: nothing is held twice.
    pub rolling: bool,
    pub source: Source,
    pub settle_secs: u64,
    /// Looks names up only once, so it is told when others serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

/// A service of the same stack that passes requests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    pub service: String,
    /// What makes it look names up again, run in each of its containers.
    pub command: Vec<String>,
}

const RELOADING: Duration = Duration::from_secs(30);
/// Workers with the old configuration take requests for a moment after nginx has answered: so long nobody that they
/// know of may be stopped.
const RELOADED: Duration = Duration::from_millis(500);

impl Proxy {
    pub fn nginx(service: &str) -> Self {
        Proxy { service: service.to_string(), command: ["nginx", "-s", "reload"].map(String::from).to_vec() }
    }

    fn reload(&self, world: &World, call: &StackCall) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let listed = of_service(world, call, Some(&self.service))?;
        for proxy in still_there(world, listed.iter().map(|listed| listed.id.as_str()))?.iter().filter(|proxy| proxy.is_up()) {
            let exec = Exec { argv: self.command.clone(), env: Vec::new(), stdin: None, deadline: RELOADING, masker: &world.masker };
            let done = engine.exec(&proxy.id, &exec)?;
            if done.code != 0 {
                let why = format!("exit code {}: {}", done.code, done.output);
                return Err(Error::failed(format!("make {} look up {} again", proxy.name, self.service)).why(why));
            }
        }
        Ok(())
    }
}

impl Replace {
    pub fn label(&self) -> String {
        let how = if self.rolling { ", one at a time" } else { "" };
        format!("replace {} of {}{how}", self.service, self.call.stack)
    }

    pub fn prepare(&self, world: &World) -> Result<KeptStack> {
        if let Source::Spec { containers } = &self.source {
            containers.iter().try_for_each(|spec| world.blobs.get(spec).map(|_| ()))?;
        }
        record(world, &self.call, Some(&self.service))
    }

    pub fn apply(&self, world: &World, kept: &KeptStack) -> Result<()> {
        let old: Vec<&KeptContainer> = kept.containers.iter().collect();
        let new = self.source.make(world, &self.call, &self.service)?;
        let ids: Vec<String> = new.iter().map(|new| new.id.clone()).collect();
        if self.rolling {
            for place in 0..old.len().max(new.len()) {
                self.roll(world, old.get(place).copied(), new.get(place))?;
            }
        } else {
            for old in &old {
                not_interrupted(world)?;
                set_aside(world, old)?;
            }
            for (place, new) in new.iter().enumerate() {
                self.take_name(world, old.get(place).copied(), new)?;
                not_interrupted(world)?;
                start(world, &new.id)?;
            }
        }
        let detail = must_be_well(world, &self.service, &ids, self.settle_secs)?;
        if let (Some(proxy), false) = (&self.proxy, self.rolling) {
            proxy.reload(world, &self.call)?;
        }
        world.proven(format!("{} of {}", self.service, self.call.stack), format!("replaced: {detail}"));
        Ok(())
    }

    /// The old one stays in its networks until it is stopped: cut off, it could not answer what it has begun.
    /// So its own end, when it is asked to stop, lets go of its connections.
    fn roll(&self, world: &World, old: Option<&KeptContainer>, new: Option<&New>) -> Result<()> {
        not_interrupted(world)?;
        if let Some(new) = new {
            start(world, &new.id)?;
            must_be_well(world, &self.service, std::slice::from_ref(&new.id), self.settle_secs)?;
            self.reload(world)?;
        }
        if let Some(old) = old {
            if self.proxy.is_some() && new.is_some() {
                std::thread::sleep(RELOADED);
            }
            not_interrupted(world)?;
            set_aside(world, old)?;
        }
        if let Some(new) = new {
            self.take_name(world, old, new)?;
        }
        self.reload(world)
    }

    fn reload(&self, world: &World) -> Result<()> {
        self.proxy.as_ref().map_or(Ok(()), |proxy| proxy.reload(world, &self.call))
    }

    fn take_name(&self, world: &World, old: Option<&KeptContainer>, new: &New) -> Result<()> {
        match new.name.as_ref().or(old.map(|old| &old.name)) {
            Some(name) => world.live()?.engine.rename(&new.id, name),
            None => Ok(()),
        }
    }

    pub fn undo(&self, world: &World, kept: &KeptStack) -> Result<()> {
        // A proxy that knows only the new ones must know the old ones again before the new ones go.
        let serving = || {
            if self.proxy.is_some() {
                // It is told once more at the end; there it counts when that fails.
                let _ = self.reload(world);
                std::thread::sleep(RELOADED);
            }
        };
        let converge = Converge::of(&self.call, kept).service(&self.service);
        let converge = if self.rolling { converge.beside(&serving) } else { converge };
        converge.carry_out(world)?;
        self.reload(world)
    }
}

/// Renames it first: who finds that name knows that a request to stop may be under way.
pub(super) fn set_aside(world: &World, old: &KeptContainer) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    let gone = || Error::failed(format!("replace {}", old.name)).why("it is gone, or has another name, since the run began");
    let container: Container = engine.container(&old.id)?.filter(|container| container.name == old.name).ok_or_else(gone)?;
    engine.rename(&old.id, &format!("{}-before-{}", old.name, world.run.short()))?;
    if container.is_up() { engine.stop(&old.id, container.stop_grace) } else { Ok(()) }
}

fn not_interrupted(world: &World) -> Result<()> {
    if world.live()?.cancel.requested() { Err(Error::new(Kind::Interrupted, "replace containers").why("interrupted")) } else { Ok(()) }
}
