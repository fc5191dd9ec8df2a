//! A rendered model, rewritten into one that can touch nothing live: pure.
//!
//! An allowlist: every key is kept, rewritten or dropped by name, and one that is not known refuses.
//! Volumes and networks become fresh ones, bound files become copies, and what ties a service to the
//! machine or to the outside goes; a service that cannot do without is left out, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::engine::Healthcheck;
use crate::engine::remove::RUN_LABEL;
use crate::error::{Error, Result};

mod healthcheck;
mod leave_out;
mod mounts;
mod service;
#[cfg(test)]
mod tests;

pub use healthcheck::bound;
pub use leave_out::is_of_the_machine;

/// A path of the live tree, and where its copy is.
pub type Copies = BTreeMap<PathBuf, PathBuf>;

/// What the model itself does not tell, looked up before.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub run: String,
    /// The throwaway project's name, see [`project`].
    pub project: String,
    /// Throwaway networks and volumes that are there: a stack before this one has made them, or they were filled.
    pub made: BTreeSet<String>,
    /// By the real names of external networks: what is in them and is not rehearsed.
    pub outside: BTreeMap<String, String>,
    /// Where each bound path of the live tree is copied to.
    pub copies: Copies,
    /// Bound paths that are not copied, and why.
    pub not_copied: BTreeMap<PathBuf, String>,
    /// By project and service, those that came to their end in production.
    pub jobs: BTreeSet<(String, String)>,
    /// Whether a service is started again as in production; else an end is an end.
    pub keep_restart: bool,
    /// The images that are there, with the healthcheck they bring along.
    pub images: BTreeMap<String, Option<Healthcheck>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub service: String,
    pub why: String,
}

/// The model to start, and what it does not stand for.
#[derive(Clone)]
pub struct Rewritten {
    pub model: Value,
    pub services: Vec<String>,
    pub left_out: Vec<LeftOut>,
    /// Services that need something outside of their stack, themselves or by what they depend on,
    /// and the name of it.
    pub needs: BTreeMap<String, String>,
    /// Services that are always started again in production: here one end is enough to know a loop.
    pub never_end: BTreeSet<String>,
    /// Services that are well only when they are done.
    pub jobs: BTreeSet<String>,
    /// The throwaway networks and volumes that its containers use.
    pub made: BTreeSet<String>,
}

impl Rewritten {
    pub fn project(&self) -> &str {
        self.model.get("name").and_then(Value::as_str).unwrap_or_default()
    }
}

/// The name of a rehearsed stack's compose project; the first stack's number is 0.
pub fn project(run: &str, number: usize) -> String {
    let name: String = run.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
    if number == 0 { format!("xtask-{name}") } else { format!("xtask-{name}-{number}") }
}

/// The real names of the networks that others made, which a service of the model is in.
pub fn external_networks(model: &Value) -> BTreeSet<String> {
    let used = |key: &str| services(model).any(|(_, service)| entries(service, "networks").any(|(name, _)| name == key));
    let external = entries(model, "networks").filter(|(key, network)| network.get("external") == Some(&Value::Bool(true)) && used(key));
    external.map(|(key, definition)| real_name(model, key, definition)).collect()
}

/// The real names of all networks of the model.
pub fn networks(model: &Value) -> BTreeSet<String> {
    entries(model, "networks").map(|(key, definition)| real_name(model, key, definition)).collect()
}

/// A stack's project and its services, as their live containers' labels name them.
pub fn live_services(model: &Value) -> impl Iterator<Item = (&str, &str)> {
    let project = model.get("name").and_then(Value::as_str).unwrap_or_default();
    services(model).map(move |(service, _)| (project, service))
}

/// Every path of the live tree that the model's containers would see.
pub fn bound_paths(model: &Value) -> BTreeSet<PathBuf> {
    let mut paths: BTreeSet<PathBuf> = services(model).flat_map(|(_, service)| mounts::bound(service)).collect();
    for kind in ["secrets", "configs"] {
        let files = entries(model, kind).filter_map(|(_, definition)| definition.get("file")?.as_str());
        paths.extend(files.map(PathBuf::from));
    }
    paths
}

/// Every image that the model's services name.
pub fn images(model: &Value) -> BTreeSet<String> {
    services(model).filter_map(|(_, service)| service.get("image")?.as_str()).map(String::from).collect()
}

/// # Errors
/// `Refused`: a key that is not known here, named with its service.
pub fn rewrite(model: &Value, facts: &Facts) -> Result<Rewritten> {
    let left_out = leave_out::decide(model, facts);
    let needs = leave_out::needs(model, facts);
    let mut rewritten = Map::from_iter([("name".to_string(), json!(facts.project))]);
    let mut kept = Map::new();
    for (name, service) in services(model).filter(|(name, _)| !left_out.contains_key(*name)) {
        kept.insert(name.to_string(), service::rewrite(name, service, &left_out, needs.contains_key(name), facts)?);
    }
    let names: Vec<String> = kept.keys().cloned().collect();
    rewritten.insert("services".into(), Value::Object(kept));
    for (key, definitions) in model.as_object().into_iter().flatten() {
        match key.as_str() {
            "name" | "services" | "version" | "models" => {}
            "networks" => drop(rewritten.insert(key.clone(), each(definitions, |name, value| network(model, name, value, facts))?)),
            "volumes" => drop(rewritten.insert(key.clone(), each(definitions, |name, value| volume(model, name, value, facts))?)),
            "secrets" | "configs" => drop(rewritten.insert(key.clone(), each(definitions, |name, value| file(name, value, facts))?)),
            key if key.starts_with("x-") => {}
            key => return Err(unknown("the model", key)),
        }
    }
    let networks = rewritten.entry("networks").or_insert_with(|| json!({}));
    if let Some(networks) = networks.as_object_mut() {
        networks.entry("default").or_insert_with(|| fresh_network(throwaway(model, "default", &Value::Null, facts), facts));
    }
    let made = used(&rewritten);
    let left_out = left_out.into_iter().map(|(service, why)| LeftOut { service, why }).collect();
    let always = |service: &Value| matches!(service.get("restart").and_then(Value::as_str), Some("always" | "unless-stopped"));
    let never_end = services(model).filter(|(_, service)| always(service)).map(|(name, _)| name.to_string()).collect();
    let is_job = |live: &(&str, &str)| facts.jobs.contains(&(live.0.to_string(), live.1.to_string()));
    let jobs = live_services(model).filter(is_job).map(|(_, service)| service.to_string()).collect();
    Ok(Rewritten { model: Value::Object(rewritten), services: names, left_out, needs, never_end, jobs, made })
}

fn each(definitions: &Value, rewrite: impl Fn(&str, &Value) -> Result<Value>) -> Result<Value> {
    let mut rewritten = Map::new();
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        rewritten.insert(name.clone(), rewrite(name, definition)?);
    }
    Ok(Value::Object(rewritten))
}

fn network(model: &Value, name: &str, definition: &Value, facts: &Facts) -> Result<Value> {
    let known = ["name", "driver", "driver_opts", "ipam", "external", "internal", "attachable", "enable_ipv4", "enable_ipv6", "labels"];
    only(&format!("network {name}"), definition, &known)?;
    let throwaway = throwaway(model, name, definition, facts);
    if facts.made.contains(&throwaway) {
        return Ok(json!({"external": true, "name": throwaway}));
    }
    Ok(fresh_network(throwaway, facts))
}

/// No way out, and without an address of its bridge on the host none to what listens there either.
fn fresh_network(throwaway: String, facts: &Facts) -> Value {
    json!({
        "name": throwaway,
        "internal": true,
        "driver": "bridge",
        "driver_opts": {"com.docker.network.bridge.inhibit_ipv4": "true"},
        "labels": {RUN_LABEL: facts.run},
    })
}

fn volume(model: &Value, name: &str, definition: &Value, facts: &Facts) -> Result<Value> {
    only(&format!("volume {name}"), definition, &["name", "driver", "driver_opts", "external", "labels"])?;
    let throwaway = throwaway(model, name, definition, facts);
    if facts.made.contains(&throwaway) {
        return Ok(json!({"external": true, "name": throwaway}));
    }
    Ok(json!({"name": throwaway, "labels": {RUN_LABEL: facts.run}}))
}

/// Stacks that share a network or a volume by its real name share its throwaway one.
fn throwaway(model: &Value, key: &str, definition: &Value, facts: &Facts) -> String {
    throwaway_name(&facts.run, &real_name(model, key, definition))
}

/// What stands in for a network or a volume of this real name.
pub fn throwaway_name(run: &str, real: &str) -> String {
    format!("{}-{real}", project(run, 0))
}

/// The services that mount volumes, each with the real name of one.
pub fn volumes(model: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (name, service) in services(model) {
        for key in items(service, "volumes").filter_map(|mount| mount.get("source")?.as_str()) {
            if let Some(definition) = model.get("volumes").and_then(|all| all.get(key)) {
                found.insert((name.to_string(), real_name(model, key, definition)));
            }
        }
    }
    found
}

/// The real names of the volumes that the model makes itself.
pub fn made(model: &Value) -> BTreeSet<String> {
    let external = |definition: &Value| definition.get("external") == Some(&Value::Bool(true));
    entries(model, "volumes").filter(|(_, one)| !external(one)).map(|(key, one)| real_name(model, key, one)).collect()
}

fn real_name(model: &Value, key: &str, definition: &Value) -> String {
    let given = definition.get("name").and_then(Value::as_str);
    let project = || model.get("name").and_then(Value::as_str).unwrap_or_default();
    given.map_or_else(|| format!("{}_{key}", project()), String::from)
}

/// What no service uses, Compose does not make.
fn used(rewritten: &Map<String, Value>) -> BTreeSet<String> {
    let rewritten = Value::Object(rewritten.clone());
    let mut used = BTreeSet::new();
    for (_, service) in services(&rewritten) {
        let networks = entries(service, "networks").map(|(key, _)| ("networks", key));
        let volumes = items(service, "volumes").filter_map(|mount| Some(("volumes", mount.get("source")?.as_str()?)));
        for (kind, key) in networks.chain(volumes) {
            let definition = rewritten.get(kind).and_then(|all| all.get(key));
            used.extend(definition.and_then(|definition| definition.get("name")?.as_str()).map(String::from));
        }
    }
    used
}

/// A secret or a config: the copy of its file, or the content that stands in the model. What comes
/// from elsewhere has no user any more: `leave_out` saw to that.
fn file(name: &str, definition: &Value, facts: &Facts) -> Result<Value> {
    let known = ["name", "file", "content", "environment", "external", "labels", "driver", "driver_opts", "template_driver"];
    only(&format!("file {name}"), definition, &known)?;
    let path = definition.get("file").and_then(Value::as_str).map(Path::new);
    if let Some(copy) = path.and_then(|path| facts.copies.get(path)) {
        return Ok(json!({"file": copy}));
    }
    Ok(json!({"content": definition.get("content").cloned().unwrap_or_else(|| json!(""))}))
}

fn only(place: &str, definition: &Value, known: &[&str]) -> Result<()> {
    let keys = definition.as_object().into_iter().flat_map(Map::keys);
    match keys.into_iter().find(|key| !known.contains(&key.as_str()) && !key.starts_with("x-")) {
        Some(key) => Err(unknown(place, key)),
        None => Ok(()),
    }
}

fn unknown(place: &str, key: &str) -> Error {
    Error::refused("rewrite the stack for a rehearsal")
        .why(format!("{place} has the key {key}, and it is not known whether that touches anything live"))
        .help("leave its service out of rehearsals with the label xtask.rehearse=off")
}

fn services(model: &Value) -> impl Iterator<Item = (&str, &Value)> {
    entries(model, "services")
}

fn entries<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v str, &'v Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten().map(|(name, entry)| (name.as_str(), entry))
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}
