//! What starts before what.

use std::collections::BTreeSet;

use super::chosen::Chosen;
use crate::error::Result;
use crate::model::Model;
use crate::project::Project;
use crate::yaml::{Data, Value};

/// Stacks in the order of `after:`; where none of them says it, those that define a network before those
/// that use it as an external one.
pub fn stacks<'p>(project: &Project, mut chosen: Vec<Chosen<'p>>) -> Result<Vec<Chosen<'p>>> {
    let order: Vec<String> = project.in_order()?.iter().map(|stack| stack.id.clone()).collect();
    chosen.sort_by_key(|chosen| order.iter().position(|id| *id == chosen.stack.id));
    if chosen.iter().any(|chosen| !chosen.stack.after.is_empty()) {
        return Ok(chosen);
    }
    let mut ordered: Vec<Chosen<'p>> = Vec::new();
    while !chosen.is_empty() {
        let waits = |one: &Chosen<'_>| {
            let needs = networks(&one.model, true);
            chosen.iter().any(|other| other.stack.id != one.stack.id && !networks(&other.model, false).is_disjoint(&needs))
        };
        // Where they wait for each other, their own order stands.
        let next = chosen.iter().position(|one| !waits(one)).unwrap_or(0);
        ordered.push(chosen.remove(next));
    }
    Ok(ordered)
}

/// The names of a stack's networks on the engine: its external ones, or those that Compose makes for it.
pub fn networks(model: &Model, external: bool) -> BTreeSet<String> {
    names(model, "networks", external)
}

/// The same for `networks` or `volumes`.
pub fn names(model: &Model, section: &str, external: bool) -> BTreeSet<String> {
    let entries = model.value.get(section).and_then(Value::as_map).into_iter().flatten();
    let is_external = |value: &Value| value.get("external").is_some_and(|value| value.data == Data::Bool(true));
    let named = entries.filter(|(_, field)| is_external(&field.value) == external);
    named.map(|(key, field)| field.value.get("name").and_then(Value::as_str).unwrap_or(key).to_string()).collect()
}

/// Services, each after what it depends on; else in the order of their names in the files.
pub fn services(model: &Model) -> Vec<String> {
    let mut ordered = Vec::new();
    for service in model.services() {
        place(model, service, &|_| true, &mut Vec::new(), &mut ordered);
    }
    ordered
}

/// These services and all that they depend on. What they need only where it is there (`required: false`)
/// comes along if it is one of the `active`.
pub fn with_needs(model: &Model, services: &[String], active: &[String]) -> Vec<String> {
    let mut ordered = Vec::new();
    for service in services {
        place(model, service, &|optional| active.iter().any(|name| name == optional), &mut Vec::new(), &mut ordered);
    }
    ordered
}

fn place(model: &Model, service: &str, optional: &dyn Fn(&str) -> bool, above: &mut Vec<String>, ordered: &mut Vec<String>) {
    if above.iter().chain(ordered.iter()).any(|known| known == service) || model.service(service).is_none() {
        return;
    }
    above.push(service.to_string());
    for need in needs(model, service, optional) {
        place(model, &need, optional, above, ordered);
    }
    above.pop();
    ordered.push(service.to_string());
}

fn needs(model: &Model, service: &str, optional: &dyn Fn(&str) -> bool) -> Vec<String> {
    let depends = model.service(service).and_then(|service| service.get("depends_on")).and_then(Value::as_map);
    let required = |value: &Value| value.get("required").is_none_or(|required| required.data != Data::Bool(false));
    let declared = depends.into_iter().flatten().filter(|(name, field)| required(&field.value) || optional(name));
    declared.map(|(name, _)| name.clone()).chain(owners(model, service)).collect()
}

/// The services whose namespaces a service lives in.
fn owners(model: &Model, service: &str) -> impl Iterator<Item = String> {
    let of = |key: &str| model.service(service).and_then(|service| service.get(key)?.as_str()?.strip_prefix("service:").map(String::from));
    ["network_mode", "ipc", "pid"].map(of).into_iter().flatten()
}

/// These services and those that do not survive their restart: who lives in their namespaces, and who
/// says `restart: true` in `depends_on`.
pub fn with_followers(model: &Model, services: &[String]) -> Vec<String> {
    let mut all: Vec<String> = services.to_vec();
    let mut next = 0;
    while next < all.len() {
        let restarted = all[next].clone();
        for service in model.services() {
            let follows = || model.service(service)?.get("depends_on")?.get(&restarted)?.get("restart").map(|value| value.data.clone());
            let lives_in = owners(model, service).any(|owner| owner == restarted);
            if (lives_in || follows() == Some(Data::Bool(true))) && !all.iter().any(|known| known == service) {
                all.push(service.to_string());
            }
        }
        next += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{Call, Environment, load};
    use crate::source::{Disk, Overlay};

    fn model(text: &str) -> Model {
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/p/compose.yaml", Some(text.as_bytes().to_vec()));
        let call = Call { files: vec![Path::new("/nowhere/p/compose.yaml").to_path_buf()], ..Call::default() };
        load(&files, &call, &Environment::new()).unwrap()
    }

    #[test]
    fn a_service_comes_after_what_it_needs() {
        let model = model(
            "services:\n  web: {image: x, depends_on: [api]}\n  api: {image: x, depends_on: {db: {condition: service_healthy}}}\n  \
             side: {image: x, network_mode: 'service:web'}\n  db: {image: x}\n",
        );
        assert_eq!(services(&model), ["db", "api", "web", "side"]);
        assert_eq!(with_needs(&model, &["api".into()], &[]), ["db", "api"]);
    }

    #[test]
    fn what_is_needed_only_where_it_is_there_does_not_come_along_unasked() {
        let model = model(
            "services:\n  api: {image: x, depends_on: {queue: {condition: service_started, required: false}}}\n  queue: {image: x}\n",
        );
        assert_eq!(with_needs(&model, &["api".into()], &[]), ["api"]);
        assert_eq!(with_needs(&model, &["api".into()], &["queue".into()]), ["queue", "api"]);
    }

    #[test]
    fn a_restart_takes_along_who_would_not_survive_it() {
        let model = model(
            "services:\n  db: {image: x}\n  api: {image: x, depends_on: {db: {condition: service_started, restart: true}}}\n  \
             web: {image: x, depends_on: [api]}\n  side: {image: x, network_mode: 'service:api'}\n",
        );
        assert_eq!(with_followers(&model, &["db".into()]), ["db", "api", "side"]);
        assert_eq!(with_followers(&model, &["web".into()]), ["web"]);
    }

    #[test]
    fn names_are_those_on_the_engine() {
        let model =
            model("services: {a: {image: x, networks: [own, there]}}\nnetworks: {own: {}, there: {external: true, name: shared_net}}\n");
        assert_eq!(networks(&model, true), BTreeSet::from(["shared_net".to_string()]));
        assert_eq!(networks(&model, false), BTreeSet::from(["p_own".to_string()]));
    }
}
