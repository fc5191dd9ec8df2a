//! What shall run, read from a rendered model. Pure.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::{Replacing, Target};

/// What is known of an image on the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageFacts {
    pub id: String,
    /// Folders that become anonymous volumes where nothing is mounted.
    pub volumes: Vec<String>,
}

/// The services of a rendered model. `hashes`: the `config-hash` label that each would get; `images`: by
/// the name in the model, those that are on the engine; `asked`: the strategies that the settings name.
pub fn targets(
    model: &Value,
    hashes: &BTreeMap<String, String>,
    images: &BTreeMap<String, ImageFacts>,
    asked: &IndexMap<String, Replacing>,
) -> BTreeMap<String, Target> {
    let services: BTreeMap<&String, &Value> = model.get("services").and_then(Value::as_object).into_iter().flatten().collect();
    let mut found = BTreeMap::new();
    for (name, service) in &services {
        let image = image_of(model, name, service);
        let facts = images.get(&image);
        let target = Target {
            image_id: facts.map(|facts| facts.id.clone()),
            image,
            config_hash: hashes.get(*name).cloned().unwrap_or_default(),
            replicas: replicas(service),
            needs: needs(service),
            inside: inside(service),
            alone: alone(name, service, &services, facts),
            no_host_port: list(service, "ports").iter().all(is_dynamic),
            files_changed: false,
            asked: asked.get(*name).copied(),
        };
        found.insert((*name).clone(), target);
    }
    found
}

/// The image that a service runs: one that is only built is called `<project>-<service>`.
pub fn image_of(model: &Value, name: &str, service: &Value) -> String {
    let project = model.get("name").and_then(Value::as_str).unwrap_or_default();
    service.get("image").and_then(Value::as_str).map_or_else(|| format!("{project}-{name}"), |image| image.replace("$$", "$"))
}

fn list<'v>(service: &'v Value, key: &str) -> &'v [Value] {
    service.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn replicas(service: &Value) -> usize {
    let deploy = service.get("deploy").and_then(|deploy| deploy.get("replicas"));
    let said = service.get("scale").or(deploy).and_then(Value::as_u64);
    said.map_or(1, |count| usize::try_from(count).unwrap_or(usize::MAX))
}

fn needs(service: &Value) -> BTreeSet<String> {
    service.get("depends_on").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The services whose network, processes or memory it shares.
fn inside(service: &Value) -> BTreeSet<String> {
    let modes = ["network_mode", "pid", "ipc"].iter().filter_map(|key| service.get(*key).and_then(Value::as_str));
    modes.filter_map(|mode| mode.strip_prefix("service:")).map(String::from).collect()
}

fn alone(name: &str, service: &Value, services: &BTreeMap<&String, &Value>, image: Option<&ImageFacts>) -> Vec<String> {
    let mut why = Vec::new();
    if service.get("container_name").is_some() {
        why.push("it has a container_name".to_string());
    }
    let networks = service.get("networks").and_then(Value::as_object).into_iter().flatten();
    if networks.map(|(_, network)| network).any(|network| network.get("ipv4_address").or(network.get("ipv6_address")).is_some()) {
        why.push("it has an address of its own".to_string());
    }
    let mounted: BTreeSet<&str> =
        list(service, "volumes").iter().filter_map(|mount| mount.get("target").and_then(Value::as_str)).chain(tmpfs(service)).collect();
    let unnamed = |mount: &&Value| mount.get("type").and_then(Value::as_str) == Some("volume") && mount.get("source").is_none();
    let anonymous = list(service, "volumes").iter().any(|mount| unnamed(&mount));
    if anonymous || image.is_some_and(|image| image.volumes.iter().any(|folder| !mounted.contains(folder.trim_end_matches('/')))) {
        why.push("it keeps data in a volume without a name".to_string());
    }
    let dependants: Vec<&str> =
        services.iter().filter(|(_, other)| inside(other).contains(name)).map(|(other, _)| other.as_str()).collect();
    if !dependants.is_empty() {
        why.push(format!("{} shares its namespaces", dependants.join(", ")));
    }
    if !inside(service).is_empty() {
        why.push("it shares the namespaces of another service".to_string());
    }
    why
}

fn tmpfs(service: &Value) -> impl Iterator<Item = &str> {
    let folders = service.get("tmpfs");
    let listed = folders.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    listed.chain(folders.and_then(Value::as_str)).map(|text| text.split(':').next().unwrap_or_default())
}

/// Whether the engine chooses the host port.
fn is_dynamic(port: &Value) -> bool {
    match port.get("published") {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty() || text == "0",
        Some(other) => other.as_u64() == Some(0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(service: &Value, image: &ImageFacts) -> Target {
        let model = json!({"name": "p", "services": {"web": service, "side": {"image": "s", "pid": "service:db"}}});
        let images = BTreeMap::from([("app:1".to_string(), image.clone())]);
        let hashes = BTreeMap::from([("web".to_string(), "hash".to_string())]);
        targets(&model, &hashes, &images, &IndexMap::from([("web".to_string(), Replacing::Rolling)])).remove("web").unwrap()
    }

    #[test]
    fn a_plain_service_can_stand_beside_itself() {
        let facts = ImageFacts { id: "sha256:1".into(), volumes: vec!["/data".into()] };
        let service = json!({
            "image": "app:1", "depends_on": {"db": {}}, "deploy": {"replicas": 2},
            "ports": [{"target": 80}, {"target": 81, "published": "0"}],
            "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
        });
        let target = of(&service, &facts);
        assert_eq!((target.image_id.as_deref(), target.config_hash.as_str(), target.replicas), (Some("sha256:1"), "hash", 2));
        assert!(target.alone.is_empty() && target.no_host_port && target.needs.contains("db"));
        assert_eq!(target.asked, Some(Replacing::Rolling));
    }

    #[test]
    fn everything_that_stands_alone_is_known() {
        let none = ImageFacts::default();
        for service in [
            json!({"image": "app:1", "container_name": "web"}),
            json!({"image": "app:1", "networks": {"n": {"ipv4_address": "10.0.0.2"}}}),
            json!({"image": "app:1", "volumes": [{"type": "volume", "target": "/x"}]}),
            json!({"image": "app:1", "network_mode": "service:side"}),
        ] {
            assert_eq!(of(&service, &none).alone.len(), 1, "{service}");
        }
        let data = ImageFacts { volumes: vec!["/data".into()], ..none.clone() };
        assert_eq!(of(&json!({"image": "app:1"}), &data).alone.len(), 1);
        assert!(of(&json!({"image": "app:1", "tmpfs": ["/data:size=1m"]}), &data).alone.is_empty());
        assert!(of(&json!({"image": "app:1", "tmpfs": "/data"}), &data).alone.is_empty());
        assert!(!of(&json!({"image": "app:1", "ports": [{"target": 1, "published": "80"}]}), &none).no_host_port);
        let model = json!({"name": "p", "services": {"db": {"build": {}}, "side": {"image": "s", "pid": "service:db"}}});
        let found = targets(&model, &BTreeMap::new(), &BTreeMap::new(), &IndexMap::new());
        assert_eq!((found["db"].image.as_str(), found["db"].alone.len()), ("p-db", 1));
        assert_eq!(found["side"].inside, BTreeSet::from(["db".to_string()]));
    }
}
