//! The configuration hash of who lives in another container's namespaces: Compose takes it from a model that
//! names that container by its id.

use std::collections::BTreeSet;

use serde_json::Value;

use super::look::{Rendered, Standing};
use crate::engine::Container;
use crate::error::Error;
use crate::tasks::Context;

const MODES: [&str; 3] = ["network_mode", "pid", "ipc"];

/// The same, with the hashes that such services have while their owners stay. Of an owner without a container
/// nothing is known: the hash stays one that no container has.
///
/// # Errors
/// Why Compose does not take the model.
pub fn hashed(cx: &Context<'_>, standing: &Standing<'_>, mut rendered: Rendered) -> Result<Rendered, String> {
    let (model, services) = placed(&rendered.json, &standing.containers);
    if !services.is_empty() {
        let asked = standing.live.compose.config_hashes(model.to_string().as_bytes(), &cx.masker.borrow(), cx.cancel);
        let hashes = asked.map_err(|error: Error| error.to_string())?;
        rendered.hashes.extend(hashes.into_iter().filter(|(service, _)| services.contains(service)));
    }
    Ok(rendered)
}

/// The model with containers where it names services, and the services for which that was possible.
fn placed(model: &Value, containers: &[Container]) -> (Value, BTreeSet<String>) {
    let (mut model, mut found) = (model.clone(), BTreeSet::new());
    for (name, service) in model.get_mut("services").and_then(Value::as_object_mut).into_iter().flatten() {
        for mode in MODES {
            let Some(owner) = service.get(mode).and_then(Value::as_str).and_then(|mode| mode.strip_prefix("service:")) else { continue };
            if let Some(id) = owner_of(name, owner, containers) {
                service[mode] = Value::String(format!("container:{id}"));
                found.insert(name.clone());
            }
        }
    }
    (model, found)
}

/// The container of `owner` in which the service lives: of several, the one that it has joined.
fn owner_of<'c>(service: &str, owner: &str, containers: &'c [Container]) -> Option<&'c str> {
    let of = |name: &str| containers.iter().filter(move |one| one.service() == name).collect::<Vec<_>>();
    let joined: Vec<&str> = of(service).into_iter().filter_map(|one| one.network_mode.strip_prefix("container:")).collect();
    let mut owners = of(owner);
    owners.sort_by_key(|one| (!joined.contains(&one.id.as_str()), one.name.clone()));
    owners.first().map(|one| one.id.as_str())
}
