//! What an engine needs to make a container once more, taken from the container itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bollard::models::{
    ContainerConfig, ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HostConfig, Mount, MountPoint, MountType,
    NetworkingConfig,
};
use serde::{Deserialize, Serialize};

use super::types;
use crate::error::{Error, Result};

pub(super) const SHORT_ID: usize = 12;

/// A container as it can be made again: the same configuration, labels, networks with their aliases, and
/// its anonymous volumes by name. It holds the environment, so it has no `Debug`, and is only ever
/// stored where nobody else reads.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The container that it was taken from.
    pub id: String,
    pub name: String,
    /// What it ran, by id; the body holds the name by which it was created.
    pub image_id: String,
    /// The names of the containers whose namespaces or volumes it uses, by the ids that it was made with.
    pub owners: BTreeMap<String, String>,
    pub(super) body: ContainerCreateBody,
}

impl Spec {
    /// The same specification gives the same bytes.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let value = serde_json::to_value(self).map(|mut value| {
            value.sort_all_objects();
            value.to_string().into_bytes()
        });
        value.map_err(|_| Error::failed(format!("write down how {} is made", self.name)))
    }

    /// The volumes that it mounts by name, anonymous ones among them.
    pub fn volumes(&self) -> BTreeSet<String> {
        let Some(host) = &self.body.host_config else { return BTreeSet::new() };
        let bound = host.binds.iter().flatten().filter_map(|bind| bind.split(':').next()).filter(|source| !source.starts_with('/'));
        let mounted = host.mounts.iter().flatten().filter(|mount| mount.typ == Some(MountType::VOLUME));
        bound.map(String::from).chain(mounted.filter_map(|mount| mount.source.clone())).collect()
    }

    /// The paths of the engine's machine that it mounts.
    pub fn binds(&self) -> impl Iterator<Item = PathBuf> {
        let host = self.body.host_config.clone().unwrap_or_default();
        let bound = host.binds.unwrap_or_default().into_iter().filter_map(|bind| bind.split(':').next().map(String::from));
        let mounted = host.mounts.unwrap_or_default().into_iter().filter(|mount| mount.typ == Some(MountType::BIND));
        bound.chain(mounted.filter_map(|mount| mount.source)).filter(|source| source.starts_with('/')).map(PathBuf::from)
    }

    /// What it mounts, as far as a specification says it.
    pub fn mounts(&self) -> Vec<types::Mount> {
        let host = self.body.host_config.clone().unwrap_or_default();
        let told = |source: String, destination: String, writable: bool| {
            let volume = !source.starts_with('/');
            let (kind, name) = if volume { ("volume", source.clone()) } else { ("bind", String::new()) };
            types::Mount { kind: kind.to_string(), name, source, destination, writable }
        };
        let bound = host.binds.unwrap_or_default().into_iter().filter_map(|bind| {
            let mut parts = bind.split(':').map(String::from);
            let (source, destination) = (parts.next()?, parts.next()?);
            let read_only = parts.next().is_some_and(|how| how.split(',').any(|one| one == "ro"));
            Some(told(source, destination, !read_only))
        });
        let lasting = |mount: &Mount| matches!(mount.typ, Some(MountType::BIND | MountType::VOLUME));
        let mounted = host.mounts.unwrap_or_default().into_iter().filter(lasting);
        bound.chain(mounted.filter_map(|mount| Some(told(mount.source?, mount.target?, mount.read_only != Some(true))))).collect()
    }

    /// # Errors
    /// `Unusable`: these are not the bytes of a specification; only the place is said.
    pub fn from_bytes(bytes: &[u8]) -> Result<Spec> {
        serde_json::from_slice(bytes).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            Error::unusable("read how a container is made").why(place)
        })
    }

    /// Names and values; an entry without a value has none to tell.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.body.env.iter().flatten().filter_map(|entry| entry.split_once('='))
    }

    /// Whether it has ports of the host.
    pub fn publishes(&self) -> bool {
        self.body.host_config.as_ref().and_then(|host| host.port_bindings.as_ref()).is_some_and(|ports| !ports.is_empty())
    }

    pub fn label(&self, name: &str) -> &str {
        self.body.labels.as_ref().and_then(|labels| labels.get(name)).map_or("", String::as_str)
    }

    /// Whether both give the same container: the same image, labels and so configuration hash, and the
    /// same volumes. What the engine fills in by itself is not compared.
    pub fn is_like(&self, other: &Spec) -> bool {
        let volumes = |spec: &Spec| -> BTreeSet<(String, String)> {
            let host = spec.body.host_config.clone().unwrap_or_default();
            let mounts = host.mounts.unwrap_or_default().into_iter();
            mounts.map(|mount| (mount.target.unwrap_or_default(), mount.source.unwrap_or_default())).collect()
        };
        self.image_id == other.image_id && self.body.labels == other.body.labels && volumes(self) == volumes(other)
    }

    /// The networks that it is in.
    pub fn networks(&self) -> Vec<String> {
        let mut names: Vec<String> = self.endpoints().into_keys().collect();
        names.sort();
        names
    }

    pub(super) fn endpoints(&self) -> std::collections::HashMap<String, EndpointSettings> {
        self.body.networking_config.as_ref().and_then(|config| config.endpoints_config.clone()).unwrap_or_default()
    }

    /// As an inspection shows it.
    pub(super) fn of(inspected: ContainerInspectResponse) -> Spec {
        let id = inspected.id.unwrap_or_default();
        let (config, mut host) = (inspected.config.unwrap_or_default(), inspected.host_config.unwrap_or_default());
        let mounts = inspected.mounts.unwrap_or_default();
        name_anonymous_volumes(&mut host, &mounts);
        let found = inspected.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let mode = host.network_mode.clone().unwrap_or_default();
        // The engine joins these by the mode alone, and refuses settings for them.
        let endpoints = if matches!(mode.as_str(), "host" | "none") || mode.starts_with(CONTAINER) {
            None
        } else {
            Some(NetworkingConfig {
                endpoints_config: Some(found.into_iter().map(|(name, settings)| (name, endpoint(settings, &id))).collect()),
            })
        };
        Spec {
            name: inspected.name.unwrap_or_default().trim_start_matches('/').to_string(),
            image_id: inspected.image.unwrap_or_default(),
            owners: BTreeMap::new(),
            body: ContainerCreateBody { networking_config: endpoints, ..body(config, host, &id) },
            id,
        }
    }

    /// The ids of the containers whose namespaces or volumes it uses.
    pub(super) fn owner_ids(&self) -> Vec<String> {
        let Some(host) = &self.body.host_config else { return Vec::new() };
        let modes = [&host.network_mode, &host.pid_mode, &host.ipc_mode, &host.uts_mode];
        let namespaces = modes.into_iter().flatten().filter_map(|mode| mode.strip_prefix(CONTAINER)).map(String::from);
        let volumes = host.volumes_from.iter().flatten().map(|from| from.split(':').next().unwrap_or_default().to_string());
        namespaces.chain(volumes).collect()
    }

    /// The body to create it by, where its owners are other containers now.
    pub(super) fn body_with(&self, image: &str, owners: &BTreeMap<String, String>) -> ContainerCreateBody {
        let mut body = self.body.clone();
        body.image = Some(image.to_string());
        let Some(host) = &mut body.host_config else { return body };
        for (old, new) in owners {
            for mode in [&mut host.network_mode, &mut host.pid_mode, &mut host.ipc_mode, &mut host.uts_mode].into_iter().flatten() {
                if mode.strip_prefix(CONTAINER) == Some(old) {
                    *mode = format!("{CONTAINER}{new}");
                }
            }
            for from in host.volumes_from.iter_mut().flatten() {
                if let Some(rest) = from.strip_prefix(old.as_str()) {
                    *from = format!("{new}{rest}");
                }
            }
        }
        body
    }
}

const CONTAINER: &str = "container:";

fn body(config: ContainerConfig, host: HostConfig, id: &str) -> ContainerCreateBody {
    // Who lives in another one's network has its names and ports from there, and must not ask for any.
    let inside = host.network_mode.as_deref().is_some_and(|mode| mode.starts_with(CONTAINER));
    let own = |text: Option<String>| text.filter(|text| !inside && !is_short_id(text, id));
    ContainerCreateBody {
        hostname: own(config.hostname),
        domainname: own(config.domainname),
        user: config.user,
        attach_stdin: config.attach_stdin,
        attach_stdout: config.attach_stdout,
        attach_stderr: config.attach_stderr,
        exposed_ports: config.exposed_ports.filter(|_| !inside),
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        env: config.env,
        cmd: config.cmd,
        healthcheck: config.healthcheck,
        args_escaped: config.args_escaped,
        image: config.image,
        volumes: config.volumes,
        working_dir: config.working_dir,
        entrypoint: config.entrypoint,
        network_disabled: config.network_disabled,
        on_build: config.on_build,
        labels: config.labels,
        stop_signal: config.stop_signal,
        stop_timeout: config.stop_timeout,
        shell: config.shell,
        host_config: Some(host),
        networking_config: None,
    }
}

/// What was configured of an endpoint, without what the engine chose.
fn endpoint(settings: EndpointSettings, id: &str) -> EndpointSettings {
    let chosen = settings.ip_address.as_deref().and_then(mac_of);
    let aliases = settings.aliases.map(|aliases| aliases.into_iter().filter(|alias| !is_short_id(alias, id)).collect::<Vec<_>>());
    EndpointSettings {
        ipam_config: settings.ipam_config,
        links: settings.links,
        mac_address: settings.mac_address.filter(|mac| !mac.is_empty() && Some(mac) != chosen.as_ref()),
        aliases: aliases.filter(|aliases| !aliases.is_empty()),
        driver_opts: settings.driver_opts,
        gw_priority: settings.gw_priority.filter(|priority| *priority != 0),
        ..EndpointSettings::default()
    }
}

/// The MAC address that engines before 28 derive from an IPv4 address. Later ones choose freely; there an
/// address that nobody configured is kept too, which does no harm once its first owner is gone.
fn mac_of(address: &str) -> Option<String> {
    let address: std::net::Ipv4Addr = address.parse().ok()?;
    let [a, b, c, d] = address.octets();
    Some(format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"))
}

fn is_short_id(text: &str, id: &str) -> bool {
    text.len() == SHORT_ID && id.starts_with(text)
}

/// Says every volume by name, so that the new container gets the same ones.
fn name_anonymous_volumes(host: &mut HostConfig, mounts: &[MountPoint]) {
    for point in mounts.iter().filter(|point| point.typ.as_deref() == Some("volume")) {
        let (Some(name), Some(destination)) = (&point.name, &point.destination) else { continue };
        if let Some(asked) = host.mounts.iter_mut().flatten().find(|mount| mount.target.as_ref() == Some(destination)) {
            if asked.typ == Some(MountType::VOLUME) && asked.source.as_deref().unwrap_or_default().is_empty() {
                asked.source = Some(name.clone());
            }
            continue;
        }
        let binds = host.binds.get_or_insert_default();
        binds.retain(|bind| bind != destination);
        if binds.iter().any(|bind| bind.split(':').nth(1) == Some(destination)) {
            continue;
        }
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(name.clone()),
            target: Some(destination.clone()),
            read_only: point.rw.map(|writable| !writable),
            ..Mount::default()
        };
        // What comes by `volumes_from` comes that way again.
        if host.volumes_from.as_ref().is_none_or(Vec::is_empty) {
            host.mounts.get_or_insert_default().push(mount);
        }
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
