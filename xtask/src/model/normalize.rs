//! What Compose adds by itself: defaults of short forms, the default network, implied
//! dependencies, names of resources.

use crate::yaml::{Data, Field, Fields, Origin, Value};

use super::gopath;
use super::merge::LISTED;
use super::text::scalar_text;
use super::variables::Variables;

/// Defaults that stand before paths are resolved.
pub fn defaults(root: &mut Value) {
    for (_, field) in root.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        let service = &mut field.value;
        if let Some(build) = service.get_mut("build") {
            set_default(build, "context", ".");
        }
        for port in service.get_mut("ports").and_then(Value::as_seq_mut).into_iter().flatten() {
            set_default(port, "mode", "ingress");
            set_default(port, "protocol", "tcp");
        }
        for secret in service.get_mut("secrets").and_then(Value::as_seq_mut).into_iter().flatten() {
            let target = secret.get("source").and_then(Value::as_str).map(|source| format!("/run/secrets/{source}"));
            if let Some(target) = target {
                set_default(secret, "target", &target);
            }
        }
        for device in service.get_mut("gpus").and_then(Value::as_seq_mut).into_iter().flatten() {
            all_devices(device);
        }
        let reserved = service.get_mut("deploy").and_then(|d| d.get_mut("resources")?.get_mut("reservations")?.get_mut("devices"));
        for device in reserved.and_then(Value::as_seq_mut).into_iter().flatten() {
            all_devices(device);
        }
    }
}

/// Neither a number nor ids of devices: all of them.
fn all_devices(device: &mut Value) {
    if device.get("device_ids").is_none() {
        set_default(device, "count", "all");
    }
}

fn set_default(value: &mut Value, key: &str, default: &str) {
    let at = value.at;
    if let Some(fields) = value.as_map_mut()
        && !fields.contains_key(key)
    {
        fields.insert(key.into(), Field { key: at, value: Value { at, tag: None, data: Data::Str(default.into()) } });
    }
}

/// Everything that Compose infers, on a canonical document with resolved paths.
pub fn normalize(root: &mut Value, project: &str, variables: &Variables) {
    networks(root);
    for (_, field) in root.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        service(&mut field.value, variables);
    }
    for name in ["networks", "volumes", "configs", "secrets"] {
        for (key, field) in root.get_mut(name).and_then(Value::as_map_mut).into_iter().flatten() {
            resource_name(key, &mut field.value, project);
        }
    }
}

/// A service without networks is in the default one, which exists only then.
fn networks(root: &mut Value) {
    let mut used = None;
    for (_, field) in root.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        let at = field.value.at;
        if field.value.get("provider").is_some() || field.value.get("network_mode").is_some() {
            continue;
        }
        let joined = field.value.get("networks").and_then(Value::as_map).is_some_and(|networks| !networks.is_empty());
        if !joined && let Some(fields) = field.value.as_map_mut() {
            let default = Fields::from_iter([("default".to_string(), Field { key: at, value: Value { at, ..Value::default() } })]);
            fields.insert("networks".into(), Field { key: at, value: Value { at, tag: None, data: Data::Map(default) } });
        }
        if field.value.get("networks").is_some_and(|networks| networks.get("default").is_some()) {
            used = used.or(Some(at));
        }
    }
    let at = root.at;
    if let (Some(by), Some(fields)) = (used, root.as_map_mut()) {
        let empty = || Field { key: at, value: Value { at, tag: None, data: Data::Map(Fields::default()) } };
        let networks = fields.entry("networks".into()).or_insert_with(empty);
        if let Some(networks) = networks.value.as_map_mut() {
            networks.entry("default".into()).or_insert(Field { key: by, value: Value { at: by, ..Value::default() } });
        }
    }
}

fn service(service: &mut Value, variables: &Variables) {
    let depends_on = implied(service);
    let Some(fields) = service.as_map_mut() else { return };
    if let Some(policy) = fields.get_mut("pull_policy").filter(|field| field.value.as_str() == Some("if_not_present")) {
        policy.value.data = Data::Str("missing".into());
    }
    if let Some(build) = fields.get_mut("build") {
        if build.value.get("dockerfile_inline").is_none() {
            set_default(&mut build.value, "dockerfile", "Dockerfile");
        }
        if let Some(args) = build.value.get_mut("args") {
            resolve(args, variables);
            if let Some(args) = args.as_map_mut() {
                args.retain(|_, field| field.value.data != Data::Null);
            }
        }
    }
    if let Some(environment) = fields.get_mut("environment") {
        resolve(&mut environment.value, variables);
    }
    for volume in fields.get_mut("volumes").and_then(|field| field.value.as_seq_mut()).into_iter().flatten() {
        if let Some(Value { data: Data::Str(target), .. }) = volume.get_mut("target") {
            *target = gopath::clean(target);
        }
    }
    if !depends_on.is_empty() {
        let at = depends_on[0].1;
        let empty = Field { key: at, value: Value { at, tag: None, data: Data::Map(Fields::default()) } };
        let known = fields.entry("depends_on".into()).or_insert(empty);
        if let Some(known) = known.value.as_map_mut() {
            for (name, at, restart) in depends_on {
                known.entry(name).or_insert_with(|| dependency(at, restart));
            }
        }
    }
}

/// Services that links, shared namespaces and volumes depend on, and whether they restart together.
fn implied(service: &Value) -> Vec<(String, Origin, bool)> {
    let list = |key: &str| service.get(key).and_then(Value::as_seq).into_iter().flatten();
    let mut found = Vec::new();
    for link in list("links") {
        let text = link.as_str().unwrap_or_default();
        let parts: Vec<&str> = text.split(':').collect();
        found.push((if parts.len() == 2 { parts[0] } else { text }.to_string(), link.at, true));
    }
    for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        if let Some(shared) = service.get(key)
            && let Some(name) = shared.as_str().and_then(|text| text.strip_prefix("service:"))
        {
            found.push((name.to_string(), shared.at, true));
        }
    }
    for source in list("volumes_from") {
        let text = source.as_str().unwrap_or_default();
        if !text.starts_with("container:") {
            found.push((text.split(':').next().unwrap_or_default().to_string(), source.at, false));
        }
    }
    found
}

fn dependency(at: Origin, restart: bool) -> Field {
    let keys = [
        ("condition", Some(Data::Str("service_started".into()))),
        ("restart", Some(Data::Bool(restart))),
        ("required", Some(Data::Bool(true))),
    ];
    Field { key: at, value: super::short::mapping(at, keys) }
}

/// What an included file finds among its own variables: names without a value in lists, or in what was
/// merged and so became a list to Compose, and the content of a config.
pub fn listed_environment(root: &mut Value, variables: &Variables) {
    for (_, field) in root.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        if let Some(environment) = field.value.get_mut("environment")
            && (environment.tag.as_deref() == Some(LISTED) || environment.as_seq().is_some())
        {
            resolve(environment, variables);
            environment.tag = Some(LISTED.to_string());
        }
    }
    for (_, field) in root.get_mut("configs").and_then(Value::as_map_mut).into_iter().flatten() {
        let named = field.value.get("environment").and_then(|name| Some((name.at, variables.get(name.as_str()?)?.to_string())));
        if let (Some((at, content)), Some(fields)) = (named, field.value.as_map_mut()) {
            fields.insert("content".into(), Field { key: at, value: Value { at, tag: None, data: Data::Str(content) } });
        }
    }
}

/// Names without a value take the variable's, if it is set.
fn resolve(value: &mut Value, variables: &Variables) {
    let at = value.at;
    let mut fields = super::merge::dict(std::mem::take(value));
    for (name, field) in &mut fields {
        if scalar_text(&field.value.data).is_none()
            && let Some(found) = variables.get(name)
        {
            field.value.data = Data::Str(found.to_string());
        }
    }
    *value = Value { at, tag: None, data: Data::Map(fields) };
}

fn resource_name(key: &str, value: &mut Value, project: &str) {
    if value.data == Data::Null {
        value.data = Data::Map(Fields::default());
    }
    let external = value.get("external").and_then(|external| scalar_text(&external.data));
    let is_external = matches!(external.as_deref(), Some("1" | "t" | "T" | "true" | "TRUE" | "True"));
    let name = if is_external { key.to_string() } else { format!("{project}_{key}") };
    if value.get("name").is_some_and(|name| name.data == Data::Null) {
        return;
    }
    set_default(value, "name", &name);
}
