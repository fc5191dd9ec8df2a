//! Looked at on the engine, not in the model: a rehearsal's containers share nothing with others.

use std::collections::BTreeSet;
use std::path::Path;

use crate::engine::remove::RUN_LABEL;
use crate::engine::{Container, Engine};
use crate::error::Result;

/// What could be touched through a container, in words that are equal when the thing is the same.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reach(BTreeSet<String>);

/// What a container of the run shares with one that is not of it, and what it binds outside of the
/// scratch folder; empty when it is on its own.
///
/// # Errors
/// `Failed`: the engine does not answer.
pub fn shared(engine: &dyn Engine, run: &str, scratch: &Path) -> Result<Vec<String>> {
    let mut own: Vec<Container> = Vec::new();
    let mut others: Vec<Container> = Vec::new();
    for listed in engine.containers(&[])? {
        let of_run = listed.labels.get(RUN_LABEL).map(String::as_str) == Some(run);
        // One that went away meanwhile shares nothing.
        if let Some(container) = engine.container(&listed.id)? {
            if of_run { own.push(container) } else { others.push(container) }
        }
    }
    let mut reach = BTreeSet::new();
    for container in &others {
        reach.extend(self::reach(engine, container)?.0);
    }
    let mut shared = Vec::new();
    for container in &own {
        let with_others = self::reach(engine, container)?.0.into_iter().filter(|thing| reach.contains(thing));
        shared.extend(with_others.map(|thing| format!("{} shares its {thing} with another container", container.name)));
        shared.extend(outside(container, scratch));
    }
    Ok(shared)
}

fn reach(engine: &dyn Engine, container: &Container) -> Result<Reach> {
    let mut reach = BTreeSet::from([format!("name {}", container.name)]);
    reach.extend(container.mounts.iter().filter(|mount| !mount.source.is_empty()).map(|mount| format!("mount {}", mount.source)));
    reach.extend(container.published.iter().map(|port| format!("published port {port}")));
    for (name, endpoint) in container.networks.iter().filter(|(name, _)| *name != "none") {
        // A container that was never started does not know the ids of its networks yet.
        let id = if endpoint.network_id.is_empty() {
            engine.network(name)?.map(|network| network.id)
        } else {
            Some(endpoint.network_id.clone())
        };
        reach.extend(id.map(|id| format!("network {name} ({id})")));
    }
    Ok(Reach(reach))
}

fn outside(container: &Container, scratch: &Path) -> Vec<String> {
    let mut why = Vec::new();
    for mount in container.mounts.iter().filter(|mount| mount.kind == "bind" && !Path::new(&mount.source).starts_with(scratch)) {
        why.push(format!("{} binds {}", container.name, mount.source));
    }
    if matches!(container.network_mode.as_str(), "host" | "bridge" | "default") {
        why.push(format!("{} is in the network {}", container.name, container.network_mode));
    }
    if !container.published.is_empty() {
        why.push(format!("{} publishes {}", container.name, container.published.join(", ")));
    }
    why
}
