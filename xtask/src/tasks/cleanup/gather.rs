//! Asks the engine for everything that could be unused. Reads only.

use std::collections::BTreeMap;

use super::stock::{Kind, Thing};
use crate::engine::wait::clock::seconds;
use crate::engine::{Container, DiskUsage, Engine, Status};
use crate::error::Result;

/// What there is, in the order of kinds and names, and how much room it takes.
pub struct Stock {
    pub things: Vec<Thing>,
    /// Running or not.
    pub containers: Vec<Container>,
    pub usage: DiskUsage,
}

pub fn gather(engine: &dyn Engine) -> Result<Stock> {
    let mut containers = Vec::new();
    for listed in engine.containers(&[])? {
        containers.extend(engine.container(&listed.id)?);
    }
    let usage = engine.disk_usage()?;
    let users = |has: &dyn Fn(&Container) -> bool| -> Vec<String> {
        containers.iter().filter(|container| has(container)).map(|container| container.name.clone()).collect()
    };
    let mut things: Vec<Thing> = containers.iter().filter(|container| is_stopped(container)).map(container).collect();
    for network in engine.networks(&[])? {
        let has = |container: &Container| {
            let named = container.networks.contains_key(&network.name) || container.network_mode == network.name;
            named || container.networks.values().any(|one| one.network_id == network.id)
        };
        things.push(Thing {
            used_by: users(&has),
            bytes: None,
            labels: network.labels.clone(),
            ..thing(Kind::Network, &network.id, &network.name, &network.created)
        });
    }
    for volume in engine.volumes(&[])? {
        let has = |container: &Container| container.mounts.iter().any(|mount| mount.kind == "volume" && mount.name == volume.name);
        things.push(Thing {
            used_by: users(&has),
            bytes: usage.volumes.get(&volume.name).copied(),
            labels: volume.labels,
            ..thing(Kind::Volume, &volume.name, &volume.name, &volume.created)
        });
    }
    things.extend(images(engine, &containers)?);
    things.extend(usage.cache.iter().map(|record| Thing {
        used_by: record.in_use.then(|| "a build".to_string()).into_iter().collect(),
        bytes: Some(if record.shared { 0 } else { record.bytes }),
        ..thing(Kind::Cache, &record.id, &format!("{} {}", record.kind, record.id), &record.last_used)
    }));
    things.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    Ok(Stock { things, containers, usage })
}

fn thing(kind: Kind, id: &str, name: &str, made: &str) -> Thing {
    Thing {
        kind,
        id: id.to_string(),
        name: name.to_string(),
        tags: Vec::new(),
        labels: BTreeMap::new(),
        bytes: None,
        made_ms: seconds(made).and_then(|secs| u64::try_from(secs).ok()).map(|secs| secs * 1000),
        made: made.to_string(),
        used_by: Vec::new(),
        served: None,
    }
}

fn is_stopped(container: &Container) -> bool {
    matches!(container.state.status, Status::Created | Status::Exited | Status::Dead)
}

fn container(container: &Container) -> Thing {
    let made = thing(Kind::Container, &container.id, &container.name, &container.created);
    Thing { labels: container.labels.clone(), ..made }
}

/// An image is as old as its last name here, where the engine knows that: what was built long ago may be new here.
fn images(engine: &dyn Engine, containers: &[Container]) -> Result<Vec<Thing>> {
    let mut things = Vec::new();
    for image in engine.images("")? {
        let tagged = engine.image(&image.id)?.and_then(|image| seconds(&image.tagged)).and_then(|secs| u64::try_from(secs).ok());
        let name = image.tags.first().or(image.digests.first()).map_or_else(|| short(&image.id), String::clone);
        things.push(Thing {
            tags: image.tags,
            labels: image.labels,
            bytes: Some(image.size_bytes),
            made_ms: Some(image.built_ms.max(tagged.unwrap_or_default() * 1000)),
            used_by: containers.iter().filter(|one| one.image_id == image.id).map(|one| one.name.clone()).collect(),
            ..thing(Kind::Image, &image.id, &name, "")
        });
    }
    Ok(things)
}

/// As people tell them apart.
pub fn short(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}
