//! The servers that dumps belong to, as they are there now. Reads only.

use crate::actions::Reload;
use crate::backup::adapters::{lodging, revive};
use crate::backup::{Dump, Manifest};
use crate::catalogue::server_kind;
use crate::engine::{Container, Engine, Mount};
use crate::error::Result;
use crate::saga::RunId;

use super::look::refill;

/// What is wrong, as a sentence.
pub type Or<T> = std::result::Result<T, String>;

/// The services that have dumps of a server, each with the first of them. A file that no server keeps comes back with
/// the volume that it is in.
pub fn dumped<'m>(manifest: &'m Manifest, services: &[String]) -> Vec<&'m Dump> {
    let mut found: Vec<&Dump> = Vec::new();
    for dump in &manifest.dumps {
        let wanted = services.is_empty() || services.contains(&dump.service);
        let is_server = revive(&dump.adapter).is_none_or(|revive| revive.program.is_none());
        if wanted && is_server && !found.iter().any(|one| one.service == dump.service) {
            found.push(dump);
        }
    }
    found
}

/// How the server is loaded anew, and why its version does not fit.
pub fn reload(engine: &dyn Engine, stack: &[Container], running: &[Container], dump: &Dump, run: &RunId) -> Result<Or<Reload>> {
    let service = &dump.service;
    let its: Vec<&Container> = stack.iter().filter(|container| container.service() == service).collect();
    let container = match its.as_slice() {
        _ if revive(&dump.adapter).is_none() => return Ok(Err(format!("there is no way to restore dumps of {} servers", dump.adapter))),
        _ if dump.adapter == "command" && !dump.options.contains_key("restore") => {
            return Ok(Err(format!("{service} was dumped by a command, and nothing says by which it is restored")));
        }
        [one] => *one,
        [] => return Ok(Err(format!("there is no container of {service}: create it by starting the stack"))),
        _ => return Ok(Err(format!("{service} has several containers"))),
    };
    let mount = match data(container, &dump.adapter) {
        Ok(mount) => mount,
        Err(why) => return Ok(Err(why)),
    };
    Ok(refill(engine, &mount.name, run)?.map(|refill| Reload {
        service: service.clone(),
        container: container.id.clone(),
        at: mount.destination.clone(),
        alone: is_alone(container, running),
        refill,
    }))
}

/// Why dumps that were made by another version do not fit the server that is there.
pub fn other_version(stack: &[Container], dump: &Dump) -> Option<String> {
    let container = stack.iter().find(|container| container.service() == dump.service)?;
    if container.image_id == dump.image_id {
        return None;
    }
    let known = lodging(&dump.adapter);
    let said = known.version.and_then(|name| container.env.get(name));
    let now = said.and_then(|version| known.major(version));
    let dumped = known.major(&dump.server);
    let of = |version: &Option<String>| version.clone().unwrap_or_else(|| "an unknown version".to_string());
    let service = &dump.service;
    (now.is_none() || now != dumped).then(|| format!("{service} was dumped by version {} and its image now has {}", of(&dumped), of(&now)))
}

/// The volume that the server has its data in.
fn data<'c>(container: &'c Container, kind: &str) -> Or<&'c Mount> {
    let service = container.service();
    let named = lodging(kind).folder.and_then(|name| container.env.get(name)).filter(|folder| folder.starts_with('/'));
    let known = server_kind(&container.image).and_then(|kind| kind.container(&container.image));
    let folders: Vec<&String> = named.into_iter().chain(known.iter().flat_map(|known| &known.data)).collect();
    let has = |mount: &&Mount| {
        folders.iter().any(|folder| **folder == mount.destination || folder.starts_with(&format!("{}/", mount.destination)))
    };
    match container.mounts.iter().filter(has).max_by_key(|mount| mount.destination.len()) {
        Some(mount) if mount.kind == "volume" => Ok(mount),
        Some(mount) => Err(format!("{service} has its data in {}, which is no volume", mount.source)),
        None => Err(format!("it is not known where {service} has its data")),
    }
}

/// Whether no other container and no port of the host leads to it.
fn is_alone(container: &Container, running: &[Container]) -> bool {
    let meets = |other: &&Container| other.id != container.id && other.networks.keys().any(|name| container.networks.contains_key(name));
    let own = !matches!(container.network_mode.as_str(), "host") && !container.network_mode.starts_with("container:");
    own && container.published.is_empty() && !running.iter().any(|other| meets(&other))
}

/// Where a server of the dump's own image has its data.
pub fn usual_place(dump: &Dump) -> Or<String> {
    let known = server_kind(&dump.image).and_then(|kind| kind.container(&dump.image));
    let first = known.and_then(|known| known.data.first().cloned());
    first.ok_or_else(|| format!("it is not known where {} has its data", dump.image))
}

/// The container that another server can be like: the image is the one that the dumps came from.
pub fn alike<'c>(stack: &'c [Container], dump: &Dump) -> Option<(&'c Container, &'c Mount)> {
    let container = stack.iter().find(|container| container.service() == dump.service && container.image_id == dump.image_id)?;
    Some((container, data(container, &dump.adapter).ok()?))
}
