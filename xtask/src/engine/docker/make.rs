//! Containers made from a specification, and what ties them to names, networks and images.

use std::collections::BTreeMap;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, NetworkConnectRequest, NetworkDisconnectRequest, NetworkingConfig,
};
use bollard::query_parameters as query;

use super::Docker;
use crate::engine::{Engine, HELD_AT, Spec};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Since this version of its API an engine takes all networks of a container when it creates it.
const MANY_ENDPOINTS: (u32, u32) = (1, 44);

/// A container that nobody misses: of this image, as the image says it is run, in no network.
pub struct Scratch<'s> {
    pub image: &'s str,
    pub label: (&'s str, &'s str),
    /// Names, and where they are mounted, writable. Into one at [`HELD_AT`] nothing of the image is copied.
    pub volumes: &'s [(&'s str, &'s str)],
    /// A shell's script that runs in place of the image's own program.
    pub program: Option<&'s str>,
    pub env: Vec<(String, Secret)>,
}

impl Docker {
    pub(super) fn make_scratch(&self, name: &str, scratch: &Scratch<'_>) -> Result<String> {
        let host = HostConfig {
            binds: Some(scratch.volumes.iter().map(|(volume, at)| format!("{volume}:{at}{}", copied(at))).collect()),
            network_mode: Some("none".to_string()),
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(scratch.image.to_string()),
            env: Some(scratch.env.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()),
            labels: Some([(scratch.label.0.to_string(), scratch.label.1.to_string())].into()),
            host_config: Some(host),
            entrypoint: scratch.program.map(|script| ["sh", "-c", script].map(String::from).to_vec()),
            ..ContainerCreateBody::default()
        };
        let options = query::CreateContainerOptionsBuilder::default().name(name).build();
        Ok(self.ask(&format!("create the container {name}"), self.client.create_container(Some(options), body))?.id)
    }

    pub(super) fn look_at_spec(&self, id: &str) -> Result<Option<Spec>> {
        let asked = self.client.inspect_container(id, None);
        let Some(inspected) = self.look(&format!("inspect the container {id}"), asked)? else { return Ok(None) };
        let mut spec = Spec::of(inspected);
        for owner in spec.owner_ids() {
            let asked = self.client.inspect_container(&owner, None);
            let found = self.look(&format!("inspect the container {owner}"), asked)?;
            if let Some(name) = found.and_then(|found| found.name) {
                spec.owners.insert(owner, name.trim_start_matches('/').to_string());
            }
        }
        Ok(Some(spec))
    }

    pub(super) fn make(&self, name: &str, spec: &Spec) -> Result<String> {
        let what = format!("create the container {name}");
        let mut body = spec.body_with(&self.image_of(spec)?, &self.owners_now(spec)?);
        let later = match &mut body.networking_config {
            Some(config) if !self.takes_many_endpoints()? => {
                let mode = body.host_config.as_ref().and_then(|host| host.network_mode.clone());
                keep_one(config, mode.as_deref().unwrap_or_default())
            }
            _ => BTreeMap::new(),
        };
        let options = query::CreateContainerOptionsBuilder::default().name(name).build();
        let id = self.ask(&what, self.client.create_container(Some(options), body))?.id;
        for (network, settings) in later {
            self.join(&network, &id, settings)?;
        }
        Ok(id)
    }

    pub(super) fn make_holder(&self, name: &str, image: &str, label: (&str, &str), volume: &str) -> Result<String> {
        let host = HostConfig {
            binds: Some(vec![format!("{volume}:{HELD_AT}:ro,nocopy")]),
            network_mode: Some("none".to_string()),
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(image.to_string()),
            // Some images name no program; it is never started.
            cmd: Some(vec!["/".to_string()]),
            labels: Some([(label.0.to_string(), label.1.to_string())].into()),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        let options = query::CreateContainerOptionsBuilder::default().name(name).build();
        Ok(self.ask(&format!("create the container {name}"), self.client.create_container(Some(options), body))?.id)
    }

    pub(super) fn join(&self, network: &str, id: &str, settings: EndpointSettings) -> Result<()> {
        let request = NetworkConnectRequest { container: id.to_string(), endpoint_config: Some(settings) };
        self.ask(&format!("connect {id} to the network {network}"), self.client.connect_network(network, request))
    }

    pub(super) fn part(&self, network: &str, id: &str) -> Result<()> {
        let request = NetworkDisconnectRequest { container: id.to_string(), force: Some(false) };
        self.take_away(&format!("disconnect {id} from the network {network}"), self.client.disconnect_network(network, request))
    }

    /// The name by which it was made, where that still leads to the same image: it is what people and
    /// Compose compare with.
    fn image_of(&self, spec: &Spec) -> Result<String> {
        let name = spec.body.image.clone().unwrap_or_default();
        let found = if name.is_empty() { None } else { self.image(&name)? };
        let same = found.is_some_and(|image| image.id == spec.image_id);
        Ok(if same { name } else { spec.image_id.clone() })
    }

    /// The ids that the owners' names have now, by the ids that they had.
    fn owners_now(&self, spec: &Spec) -> Result<BTreeMap<String, String>> {
        let mut now = BTreeMap::new();
        for (old, name) in &spec.owners {
            let asked = self.client.inspect_container(name, None);
            if let Some(id) = self.look(&format!("inspect the container {name}"), asked)?.and_then(|found| found.id) {
                now.insert(old.clone(), id);
            }
        }
        Ok(now)
    }

    fn takes_many_endpoints(&self) -> Result<bool> {
        let version = self.ask("ask the engine for its version", self.client.version())?.api_version.unwrap_or_default();
        Ok(takes_many(&version))
    }
}

fn copied(at: &str) -> &'static str {
    if at == HELD_AT { ":nocopy" } else { "" }
}

fn takes_many(api_version: &str) -> bool {
    let mut numbers = api_version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= MANY_ENDPOINTS,
        _ => false,
    }
}

/// Leaves the endpoint that the network mode names, or any; the others are returned.
fn keep_one(config: &mut NetworkingConfig, mode: &str) -> BTreeMap<String, EndpointSettings> {
    let Some(endpoints) = &mut config.endpoints_config else { return BTreeMap::new() };
    let mut all: BTreeMap<String, EndpointSettings> = endpoints.drain().collect();
    let first = if all.contains_key(mode) { Some(mode.to_string()) } else { all.keys().next().cloned() };
    if let Some((name, settings)) = first.and_then(|name| all.remove_entry(&name)) {
        endpoints.insert(name, settings);
    }
    all
}

/// A specification that was read back may name what is no container name.
pub(super) fn checked(name: &str) -> Result<&str> {
    let first = |c: char| c.is_ascii_alphanumeric();
    let other = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.starts_with(first) && name.chars().all(other) {
        Ok(name)
    } else {
        Err(Error::unusable(format!("name a container {name:?}")).why("engines accept letters, digits, `_`, `.` and `-`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_engines_get_the_endpoint_of_the_mode_first() {
        assert!(takes_many("1.44") && takes_many("1.53") && !takes_many("1.41") && !takes_many("1.9") && !takes_many(""));
        let names = ["back", "front"].map(|name| (name.to_string(), EndpointSettings::default()));
        let mut config = NetworkingConfig { endpoints_config: Some(names.clone().into_iter().collect()) };
        let later = keep_one(&mut config, "front");
        assert_eq!(later.into_keys().collect::<Vec<_>>(), ["back"]);
        assert!(config.endpoints_config.unwrap().contains_key("front"));
        let mut config = NetworkingConfig { endpoints_config: Some(names.into_iter().collect()) };
        assert_eq!(keep_one(&mut config, "elsewhere").into_keys().collect::<Vec<_>>(), ["front"]);
    }

    #[test]
    fn a_name_that_engines_refuse_is_not_asked_for() {
        assert!(checked("shop-web-1").is_ok());
        assert!(checked("").is_err() && checked("../x").is_err() && checked("-a").is_err());
    }
}
