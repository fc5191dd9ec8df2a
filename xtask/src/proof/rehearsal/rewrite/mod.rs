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
    /// The run's name; also in the project's.
    pub run: String,
    /// Where each bound path of the live tree is copied to.
    pub copies: Copies,
    /// Bound paths that are not copied, and why.
    pub not_copied: BTreeMap<PathBuf, String>,
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
}

/// The name of a rehearsal's compose project.
pub fn project(run: &str) -> String {
    let name: String = run.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
    format!("xtask-{name}")
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
    let mut rewritten = Map::from_iter([("name".to_string(), json!(project(&facts.run)))]);
    let mut kept = Map::new();
    for (name, service) in services(model).filter(|(name, _)| !left_out.contains_key(*name)) {
        kept.insert(name.to_string(), service::rewrite(name, service, &left_out, facts)?);
    }
    let names: Vec<String> = kept.keys().cloned().collect();
    rewritten.insert("services".into(), Value::Object(kept));
    for (key, definitions) in model.as_object().into_iter().flatten() {
        match key.as_str() {
            "name" | "services" | "version" | "models" => {}
            "networks" => drop(rewritten.insert(key.clone(), each(definitions, |name, value| network(name, value, facts))?)),
            "volumes" => drop(rewritten.insert(key.clone(), each(definitions, |name, value| volume(name, value, facts))?)),
            "secrets" | "configs" => drop(rewritten.insert(key.clone(), each(definitions, |name, value| file(name, value, facts))?)),
            key if key.starts_with("x-") => {}
            key => return Err(unknown("the model", key)),
        }
    }
    let networks = rewritten.entry("networks").or_insert_with(|| json!({}));
    if let Some(networks) = networks.as_object_mut() {
        networks.entry("default").or_insert(fresh_network(facts));
    }
    let needs = leave_out::needs(model, &names);
    let left_out = left_out.into_iter().map(|(service, why)| LeftOut { service, why }).collect();
    let always = |service: &Value| matches!(service.get("restart").and_then(Value::as_str), Some("always" | "unless-stopped"));
    let never_end = services(model).filter(|(_, service)| always(service)).map(|(name, _)| name.to_string()).collect();
    Ok(Rewritten { model: Value::Object(rewritten), services: names, left_out, needs, never_end })
}

fn each(definitions: &Value, rewrite: impl Fn(&str, &Value) -> Result<Value>) -> Result<Value> {
    let mut rewritten = Map::new();
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        rewritten.insert(name.clone(), rewrite(name, definition)?);
    }
    Ok(Value::Object(rewritten))
}

fn network(name: &str, definition: &Value, facts: &Facts) -> Result<Value> {
    let known = ["name", "driver", "driver_opts", "ipam", "external", "internal", "attachable", "enable_ipv4", "enable_ipv6", "labels"];
    only(&format!("network {name}"), definition, &known)?;
    Ok(fresh_network(facts))
}

/// No way out, and without an address of its bridge on the host none to what listens there either.
fn fresh_network(facts: &Facts) -> Value {
    json!({
        "internal": true,
        "driver": "bridge",
        "driver_opts": {"com.docker.network.bridge.inhibit_ipv4": "true"},
        "labels": {RUN_LABEL: facts.run},
    })
}

fn volume(name: &str, definition: &Value, facts: &Facts) -> Result<Value> {
    only(&format!("volume {name}"), definition, &["name", "driver", "driver_opts", "external", "labels"])?;
    Ok(json!({"labels": {RUN_LABEL: facts.run}}))
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
