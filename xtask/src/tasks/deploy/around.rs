//! What is rehearsed with the services that change: what they need, and what they address in the networks
//! that they share, also where another stack of the project runs it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::look::{Looked, containers, read};
use crate::engine::Container;
use crate::error::Result;
use crate::source::{Disk, Files, walk};
use crate::tasks::elsewhere::elsewhere;
use crate::tasks::{Context, call};

/// A larger file is no configuration that a person wrote.
const LARGEST: usize = 256 << 10;
const MOST_FILES: usize = 200;

/// A stack that may be rehearsed in part.
pub struct Part {
    pub stack: String,
    /// As Compose renders it.
    pub model: Value,
    /// The services that run, so that their images are there.
    pub runs: BTreeSet<String>,
    pub wanted: BTreeSet<String>,
}

/// The stacks that a rehearsal starts, in order, the deployed one last.
pub struct Around {
    /// What changes, and what it addresses by name.
    pub named: Vec<(String, Value)>,
    /// All that runs in their networks, where that is more: a program may know a name that no file tells.
    pub all: Option<Vec<(String, Value)>>,
}

/// # Errors
/// The engine does not answer.
pub fn around(cx: &Context<'_>, looked: &Looked<'_>, model: &Value, changed: &BTreeSet<String>) -> Result<Around> {
    let running = |containers: &[Container]| -> BTreeSet<String> {
        containers.iter().filter(|one| one.is_up()).map(|one| one.service().to_string()).collect()
    };
    let engine = looked.standing.live.engine.as_ref();
    let own = &looked.standing;
    let mut parts = Vec::new();
    let shares = networks_of(model, changed).iter().any(|name| !is_own(model, name));
    for stack in cx.project.in_order()?.into_iter().filter(|stack| shares && stack.id != own.stack.id) {
        let Ok(read) = read(stack, &cx.environment) else { continue };
        let mut call = call::for_compose(stack, &read);
        // What cannot be rendered cannot be started either; whoever leans on it is then not proven.
        let Ok(model) = own.live.compose.config_json(&call.call(), &cx.masker.borrow(), cx.cancel) else { continue };
        call.elsewhere = elsewhere(cx, stack, &call.project)?;
        let runs = running(&containers(engine, &call)?);
        parts.push(Part { stack: call.stack, model, runs, wanted: BTreeSet::new() });
    }
    let runs = running(&own.containers);
    parts.push(Part { stack: own.stack.id.clone(), model: model.clone(), runs, wanted: changed.clone() });
    spread(&mut parts, false);
    let named = taken(&parts);
    spread(&mut parts, true);
    let all = taken(&parts);
    Ok(Around { all: (all != named).then_some(all), named })
}

/// Takes in what the wanted services need and address, to the end of every chain; `all`: also what they do
/// not name.
pub fn spread(parts: &mut [Part], all: bool) {
    loop {
        let before: usize = parts.iter().map(|part| part.wanted.len()).sum();
        for part in parts.iter_mut() {
            let needed: BTreeSet<String> =
                part.wanted.iter().filter_map(|name| part.model.get("services")?.get(name)).flat_map(needs).collect();
            part.wanted.extend(needed);
        }
        let networks: BTreeSet<String> = parts.iter().flat_map(|part| networks_of(&part.model, &part.wanted)).collect();
        let said: BTreeSet<String> = if all { BTreeSet::new() } else { parts.iter().flat_map(words_of).collect() };
        for part in parts.iter_mut() {
            let model = &part.model;
            let joins = |name: &&String| {
                let one = BTreeSet::from([(*name).clone()]);
                let meets = networks_of(model, &one).iter().any(|network| networks.contains(network));
                meets && (all || names(model, name).iter().any(|name| said.contains(name)))
            };
            let more: Vec<String> = part.runs.difference(&part.wanted).filter(joins).cloned().collect();
            part.wanted.extend(more);
        }
        if parts.iter().map(|part| part.wanted.len()).sum::<usize>() == before {
            return;
        }
    }
}

/// Each stack with its wanted services and no others.
pub fn taken(parts: &[Part]) -> Vec<(String, Value)> {
    let some = parts.iter().filter(|part| !part.wanted.is_empty());
    some.map(|part| {
        let mut model = part.model.clone();
        if let Some(services) = model.get_mut("services").and_then(Value::as_object_mut) {
            services.retain(|name, _| part.wanted.contains(name));
        }
        (part.stack.clone(), model)
    })
    .collect()
}

fn needs(service: &Value) -> Vec<String> {
    let depends = service.get("depends_on").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone());
    let modes = ["network_mode", "pid", "ipc"].iter().filter_map(|key| service.get(*key)?.as_str()?.strip_prefix("service:"));
    depends.chain(modes.map(String::from)).collect()
}

/// The real names of the networks that these services are in.
fn networks_of(model: &Value, services: &BTreeSet<String>) -> BTreeSet<String> {
    let keys = services.iter().filter_map(|name| model.get("services")?.get(name)?.get("networks")?.as_object());
    let real = |key: &String| model.get("networks")?.get(key)?.get("name")?.as_str().map(String::from);
    keys.flat_map(serde_json::Map::keys).filter_map(real).collect()
}

/// Whether the model makes the network of this name itself.
fn is_own(model: &Value, name: &str) -> bool {
    let networks = model.get("networks").and_then(Value::as_object).into_iter().flatten();
    let external = |network: &Value| network.get("external") == Some(&Value::Bool(true));
    networks.filter(|(_, network)| network.get("name").and_then(Value::as_str) == Some(name)).all(|(_, network)| !external(network))
}

/// How others may address a service.
fn names(model: &Value, service: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::from([service.to_string()]);
    let Some(definition) = model.get("services").and_then(|services| services.get(service)) else { return names };
    let text = |key: &str| definition.get(key).and_then(Value::as_str).map(String::from);
    names.extend(text("container_name").into_iter().chain(text("hostname")));
    let networks = definition.get("networks").and_then(Value::as_object).into_iter().flatten();
    let aliases = networks.filter_map(|(_, network)| network.get("aliases")?.as_array()).flatten();
    names.extend(aliases.filter_map(Value::as_str).map(String::from));
    names
}

/// The words of what the wanted services are told: in the model, and in the files that they read.
fn words_of(part: &Part) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for service in part.wanted.iter().filter_map(|name| part.model.get("services")?.get(name)) {
        for (key, value) in service.as_object().into_iter().flatten() {
            if !["image", "build", "labels", "networks", "container_name", "hostname", "volumes"].contains(&key.as_str()) {
                words.extend(split(&value.to_string()));
            }
        }
        for path in files_of(&part.model, service) {
            if let Ok(Some(content)) = Disk.read(&path)
                && content.len() <= LARGEST
                && let Ok(text) = std::str::from_utf8(&content)
            {
                words.extend(split(text));
            }
        }
    }
    words
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let part = |c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c));
    text.split(part).filter(|word| !word.is_empty()).map(String::from)
}

fn files_of(model: &Value, service: &Value) -> Vec<PathBuf> {
    let items = |key: &str| service.get(key).and_then(Value::as_array).into_iter().flatten();
    let bound = items("volumes").filter(|mount| mount.get("type").and_then(Value::as_str) == Some("bind"));
    let mut paths: Vec<PathBuf> = bound.filter_map(|mount| mount.get("source")?.as_str()).map(PathBuf::from).collect();
    for item in items("configs") {
        let file = item.get("source").and_then(Value::as_str).and_then(|name| model.get("configs")?.get(name)?.get("file")?.as_str());
        paths.extend(file.map(PathBuf::from));
    }
    paths.into_iter().flat_map(|path| below(&path)).take(MOST_FILES).collect()
}

fn below(path: &Path) -> Vec<PathBuf> {
    if crate::proof::rehearsal::rewrite::is_of_the_machine(path) {
        return Vec::new();
    }
    if path.is_dir() { walk(path).unwrap_or_default() } else { vec![path.to_path_buf()] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(stack: &str, model: Value, runs: &[&str], wanted: &[&str]) -> Part {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Part { stack: stack.into(), model, runs: set(runs), wanted: set(wanted) }
    }

    fn wanted(parts: &[Part]) -> Vec<Vec<&str>> {
        parts.iter().map(|part| part.wanted.iter().map(String::as_str).collect()).collect()
    }

    fn parts() -> Vec<Part> {
        let data = json!({"name": "data", "networks": {"b": {"external": true, "name": "back"}, "d": {"name": "data_d"}}, "services": {
            "db": {"networks": {"b": {}}, "container_name": "the-db", "depends_on": {"disk": {}}}, "disk": {"networks": {"d": {}}},
            "cache": {"networks": {"b": {}}}, "away": {"networks": {"b": {}}}, "aside": {"networks": {"d": {}}},
        }});
        let apps = json!({"name": "apps", "networks": {"x": {"external": true, "name": "back"}}, "services": {
            "api": {"image": "cache:1", "networks": {"x": {}}, "environment": {"URL": "pg://u:p@the-db:5432/away?x"}},
            "job": {"networks": {"x": {}}}, "web": {"networks": {"x": {}}, "command": ["serve", "http://api/"]},
        }});
        vec![part("data", data, &["db", "disk", "cache", "aside"], &[]), part("apps", apps, &["api", "job", "web"], &["web"])]
    }

    #[test]
    fn what_is_addressed_by_name_is_taken_in_to_the_end_of_the_chain() {
        let mut parts = parts();
        spread(&mut parts, false);
        assert_eq!(wanted(&parts), [vec!["db", "disk"], vec!["api", "web"]]);
        let taken = taken(&parts);
        assert_eq!(taken[1].1["services"].as_object().unwrap().len(), 2);
        assert_eq!(taken[1].1["name"], "apps");
    }

    #[test]
    fn all_that_runs_in_a_shared_network_is_more() {
        let mut parts = parts();
        spread(&mut parts, true);
        assert_eq!(wanted(&parts), [vec!["aside", "cache", "db", "disk"], vec!["api", "job", "web"]]);
        assert!(is_own(&parts[0].model, "data_d") && !is_own(&parts[0].model, "back"));
    }
}
