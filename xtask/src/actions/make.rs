//! Where the new containers of a service come from, and what they must be before they are started.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::keep_stack::SERVICE;
use super::live::StackCall;
use crate::engine::compose::Up;
use crate::engine::wait::{Waited, until_well};
use crate::engine::{Container, Listed, Spec};
use crate::error::{Error, Result};
use crate::proof::{Verdict, health};
use crate::saga::Sha;

/// How long Compose may take to make containers.
const MAKING: Duration = Duration::from_secs(300);

/// What new containers are made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Source {
    /// The user's own files, by Compose.
    Compose {
        replicas: usize,
        /// The label that they must carry; `None`: it cannot be known before they are made, for it names
        /// the container whose namespace they share.
        config_hash: Option<String>,
        /// `None`: it is pulled by this run, so that its name says which it is.
        image_id: Option<String>,
    },
    /// Specifications, blobs of the run: as they ran in a release.
    Spec { containers: Vec<Sha> },
}

/// A container that was made and not started yet.
pub(super) struct New {
    pub id: String,
    /// The name that it must get; `None`: that of the one that it replaces, or the one that it has.
    pub name: Option<String>,
}

impl Source {
    /// Makes the containers beside those that are there, and starts none.
    pub(super) fn make(&self, world: &World, call: &StackCall, service: &str) -> Result<Vec<New>> {
        match self {
            Source::Compose { replicas, .. } => {
                let before = everybody(world, call, service)?;
                let up = Up { no_start: true, ..beside(service, before.len() + replicas) };
                let live = world.live()?;
                live.compose.up(&call.call(), &up, MAKING, &world.masker, &live.cancel)?;
                let known: BTreeSet<String> = before.into_iter().map(|listed| listed.id).collect();
                let mut made = everybody(world, call, service)?;
                made.retain(|listed| !known.contains(&listed.id));
                if made.len() != *replicas {
                    let why = format!("{} containers were made instead of {replicas}", made.len());
                    return Err(Error::failed(format!("make new containers of {service}")).why(why));
                }
                made.sort_by_key(number);
                self.check(world, service, made.iter().map(|listed| listed.id.as_str()))?;
                Ok(made.into_iter().map(|listed| New { id: listed.id, name: None }).collect())
            }
            Source::Spec { containers } => containers
                .iter()
                .map(|sha| {
                    let spec = Spec::from_bytes(&world.blobs.get(sha)?)?;
                    // The name is still taken.
                    let id = world.live()?.engine.create(&format!("{}-after-{}", spec.name, world.run.short()), &spec)?;
                    Ok(New { id, name: Some(spec.name) })
                })
                .collect(),
        }
    }

    /// They must be what the plan has promised, before they are started.
    pub(super) fn check<'i>(&self, world: &World, service: &str, ids: impl Iterator<Item = &'i str>) -> Result<()> {
        let Source::Compose { config_hash, image_id, .. } = self else { return Ok(()) };
        let other = |what: &str| {
            Error::failed(format!("make new containers of {service}"))
                .why(format!("their {what} is not the one of the plan"))
                .help("The files or the image were changed meanwhile; run the command again")
        };
        for id in ids {
            let Some(container) = world.live()?.engine.container(id)? else { continue };
            let hash = container.labels.get("com.docker.compose.config-hash");
            if config_hash.as_ref().is_some_and(|wanted| hash != Some(wanted)) {
                return Err(other("configuration"));
            }
            if image_id.as_ref().is_some_and(|wanted| container.image_id != *wanted) {
                return Err(other("image"));
            }
        }
        Ok(())
    }
}

/// What `up` is told so that it leaves alone what is there.
pub(super) fn beside(service: &str, count: usize) -> Up {
    let scale = Some((service.to_string(), count));
    Up { services: vec![service.to_string()], no_deps: true, no_recreate: true, scale, ..Up::default() }
}

/// What Compose counts as the service's: also those of another stack that shares the project's name.
fn everybody(world: &World, call: &StackCall, service: &str) -> Result<Vec<Listed>> {
    let labels = [("com.docker.compose.project", call.project.as_str()), (SERVICE, service), ("com.docker.compose.oneoff", "False")];
    world.live()?.engine.containers(&labels)
}

fn number(listed: &Listed) -> u64 {
    listed.labels.get("com.docker.compose.container-number").and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Waits until they are well; Ctrl-C ends the wait.
pub(super) fn must_be_well(world: &World, service: &str, ids: &[String], settle_secs: u64) -> Result<String> {
    let live = world.live()?;
    let waited: Waited = until_well(live.engine.as_ref(), ids, Duration::from_secs(settle_secs), &world.masker, &live.cancel)?;
    match health::verdict(waited) {
        Verdict::Holds { detail } => Ok(detail),
        Verdict::Fails { why } => Err(Error::failed(format!("start {service}")).why(why.join("; "))),
        Verdict::NotProven { needs } => Err(Error::failed(format!("start {service}")).why(needs)),
    }
}

/// The containers with these ids that still are there.
pub(super) fn still_there<'i>(world: &World, ids: impl Iterator<Item = &'i str>) -> Result<Vec<Container>> {
    let engine = world.live()?.engine.as_ref();
    ids.filter_map(|id| engine.container(id).transpose()).collect()
}
