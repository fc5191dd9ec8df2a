//! The servers that dumps belong to, as they are there now. Reads only.

use std::collections::BTreeMap;

use crate::actions::{LaidServer, Like, Reload, Revived};
use crate::backup::adapters::{COMMAND, lodging, revive};
use crate::backup::{Dump, Manifest};
use crate::catalogue::server_kind;
use crate::engine::{Container, Engine, Mount, Spec};
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

/// Whoever has data: a container as it is, or as it was made once.
pub struct Tenant<'t> {
    pub service: &'t str,
    pub image: &'t str,
    pub image_id: &'t str,
    env: BTreeMap<&'t str, &'t str>,
    mounts: Vec<Mount>,
}

impl<'t> Tenant<'t> {
    pub fn of(container: &'t Container) -> Tenant<'t> {
        Tenant {
            service: container.service(),
            image: &container.image,
            image_id: &container.image_id,
            env: container.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            mounts: container.mounts.clone(),
        }
    }

    /// `image`: the name by which it was made.
    pub fn was(service: &'t str, image: &'t str, spec: &'t Spec) -> Tenant<'t> {
        Tenant { service, image, image_id: &spec.image_id, env: spec.environment().collect(), mounts: spec.mounts() }
    }

    /// The volume that it has its data in, as a server of this kind.
    pub fn data(&self, kind: &str) -> Or<&Mount> {
        let service = self.service;
        let named = lodging(kind).folder.and_then(|name| self.env.get(name)).filter(|folder| folder.starts_with('/'));
        let known = server_kind(self.image).and_then(|kind| kind.container(self.image));
        let usual = known.iter().flat_map(|known| &known.data).map(String::as_str);
        let folders: Vec<&str> = named.into_iter().copied().chain(usual).collect();
        let has = |mount: &&Mount| {
            folders.iter().any(|folder| *folder == mount.destination || folder.starts_with(&format!("{}/", mount.destination)))
        };
        match self.mounts.iter().filter(has).max_by_key(|mount| mount.destination.len()) {
            Some(mount) if mount.kind == "volume" => Ok(mount),
            Some(mount) => Err(format!("{service} has its data in {}, which is no volume", mount.source)),
            None => Err(format!("it is not known where {service} has its data")),
        }
    }

    /// Why dumps that were made by another version do not fit it.
    pub fn other_version(&self, dump: &Dump) -> Option<String> {
        if self.image_id == dump.image_id {
            return None;
        }
        let known = lodging(&dump.adapter);
        let said = known.version.and_then(|name| self.env.get(name));
        let own = said.and_then(|version| known.major(version));
        let dumped = known.major(&dump.server);
        let of = |version: &Option<String>| version.clone().unwrap_or_else(|| "an unknown version".to_string());
        let service = self.service;
        (own.is_none() || own != dumped).then(|| format!("{service} was dumped by version {} and its image has {}", of(&dumped), of(&own)))
    }
}

/// Why dumps like this one can be restored into no server.
pub fn not_restorable(dump: &Dump) -> Option<String> {
    let service = &dump.service;
    if revive(&dump.adapter).is_none() {
        return Some(format!("there is no way to restore dumps of {} servers", dump.adapter));
    }
    let silent = dump.adapter == COMMAND && !dump.options.contains_key("restore");
    silent.then(|| format!("{service} was dumped by a command, and nothing says by which it is restored"))
}

/// How the server is loaded anew, and what to count in afterwards; or why it cannot be.
pub fn reload(engine: &dyn Engine, stack: &[Container], running: &[Container], dump: &Dump, run: &RunId) -> Result<Or<(Reload, Revived)>> {
    let service = &dump.service;
    if let Some(why) = not_restorable(dump) {
        return Ok(Err(why));
    }
    let its: Vec<&Container> = stack.iter().filter(|container| container.service() == service).collect();
    let container = match its.as_slice() {
        [one] => *one,
        [] => return Ok(Err(format!("there is no container of {service}: create it by starting the stack"))),
        _ => return Ok(Err(format!("{service} has several containers"))),
    };
    let tenant = Tenant::of(container);
    let mount = match tenant.data(&dump.adapter) {
        Ok(mount) => mount,
        Err(why) => return Ok(Err(why)),
    };
    let id = container.id.clone();
    let revived = Revived { service: service.clone(), container: id.clone(), alone: is_alone(container, running) };
    let made = |refill| Reload { service: service.clone(), like: Like::Container(id), at: mount.destination.clone(), refill };
    Ok(refill(engine, &mount.name, run)?.map(|refill| (made(refill), revived)))
}

/// Why dumps that were made by another version do not fit the server that is there.
pub fn other_version(stack: &[Container], dump: &Dump) -> Option<String> {
    let container = stack.iter().find(|container| container.service() == dump.service)?;
    Tenant::of(container).other_version(dump)
}

/// Whether no other container and no port of the host leads to it.
pub fn is_alone(container: &Container, running: &[Container]) -> bool {
    let meets = |other: &&Container| other.id != container.id && other.networks.keys().any(|name| container.networks.contains_key(name));
    let own = !matches!(container.network_mode.as_str(), "host") && !container.network_mode.starts_with("container:");
    own && container.published.is_empty() && !running.iter().any(|other| meets(&other))
}

/// The server that loads the dumps of a service into a new volume: like the container that is there, where its image is
/// the one that the dumps came from, else of that image. `of`: the service, the adapter, and the image's name and id.
pub fn laid(stack: &[Container], of: (&str, &str, &str, &str), fresh: String) -> Or<LaidServer> {
    let (service, adapter, image, image_id) = of;
    let alike = stack.iter().find(|container| container.service() == service && container.image_id == image_id);
    let found = alike.and_then(|container| Some((Tenant::of(container).data(adapter).ok()?.destination.clone(), container.id.clone())));
    let (at, like) = match found {
        Some((at, container)) => (at, Some(container)),
        None => {
            let known = server_kind(image).and_then(|kind| kind.container(image));
            let first = known.and_then(|known| known.data.first().cloned());
            (first.ok_or_else(|| format!("it is not known where {image} has its data"))?, None)
        }
    };
    Ok(LaidServer { service: service.to_string(), fresh, at, like })
}
