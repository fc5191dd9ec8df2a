//! From what has to happen to the steps of a run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::images::Images;
use super::look::Standing;
use crate::actions::{
    Action, Hook, KeepStack, Proxy, Recreate, Rehearse, RemoveContainers, Replace, Source, StartService, StopService, When,
};
use crate::registry::From;
use crate::release::{Change, Replacing, ServicePlan, Target};
use crate::saga::Sha;

/// The part of a plan that is about containers.
#[derive(Default)]
pub struct Steps {
    pub steps: Vec<Action>,
    pub contents: Vec<Vec<u8>>,
    /// Containers that are replaced: they go once the release is committed.
    pub replaced: Vec<String>,
}

/// Facts for hooks.
pub type Facts = BTreeMap<String, String>;

/// The hooks of one moment.
pub fn hooks(standing: &Standing<'_>, when: When, facts: &Facts) -> Vec<Action> {
    let hooks = &standing.settings.hooks;
    let commands = match when {
        When::PreDeploy => &hooks.pre_deploy,
        When::PostDeploy => &hooks.post_deploy,
        When::OnRollback => &hooks.on_rollback,
    };
    let hook = |argv: &Vec<String>| Hook { when, argv: argv.clone(), facts: facts.clone(), deadline_secs: hooks.timeout };
    commands.iter().map(|argv| Action::Hook(hook(argv))).collect()
}

/// Notes what runs: the first step, so that its undo is the last.
pub fn keep(standing: &Standing<'_>) -> Action {
    Action::KeepStack(KeepStack { call: standing.call.clone(), settle_secs: standing.settings.settle })
}

/// The new release beside the live one: what changes, and what that needs.
pub fn rehearse(standing: &Standing<'_>, plans: &[ServicePlan], model: &Value) -> Option<(Action, Vec<u8>)> {
    let changes = |plan: &&ServicePlan| matches!(plan.change, Change::Start | Change::Replace { .. });
    let changed: BTreeSet<String> = plans.iter().filter(changes).map(|plan| plan.service.clone()).collect();
    if changed.is_empty() {
        return None;
    }
    let content = part_of(model, changed).to_string().into_bytes();
    let stacks = vec![(standing.stack.id.clone(), Sha::of(&content))];
    Some((Action::Rehearse(Rehearse { stacks, settle_secs: standing.settings.settle }), content))
}

/// A model of these services and of all that they need.
fn part_of(model: &Value, mut wanted: BTreeSet<String>) -> Value {
    let mut part = model.clone();
    loop {
        let needed: BTreeSet<String> = wanted.iter().filter_map(|name| model.get("services")?.get(name)).flat_map(needs).collect();
        let before = wanted.len();
        wanted.extend(needed);
        if wanted.len() == before {
            break;
        }
    }
    if let Some(services) = part.get_mut("services").and_then(Value::as_object_mut) {
        services.retain(|name, _| wanted.contains(name));
    }
    part
}

fn needs(service: &Value) -> Vec<String> {
    let depends = service.get("depends_on").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone());
    let modes = ["network_mode", "pid", "ipc"].iter().filter_map(|key| service.get(*key)?.as_str()?.strip_prefix("service:"));
    depends.chain(modes.map(String::from)).collect()
}

/// One step for each service that changes.
pub fn services(standing: &Standing<'_>, plans: &[ServicePlan], targets: &BTreeMap<String, Target>, images: &Images) -> Steps {
    let mut made = Steps::default();
    for plan in plans {
        let (call, service, settle_secs) = (standing.call.clone(), plan.service.clone(), 0);
        let source = targets.get(&service).map(|target| source(target, images));
        let step = match (&plan.change, source) {
            (Change::Unchanged, _) | (_, None) if plan.change != Change::Stop => continue,
            (Change::Stop, _) => Action::StopService(StopService { call, service }),
            (Change::Start, Some(source)) => Action::StartService(StartService { call, service, source, settle_secs }),
            (Change::Replace { how: Replacing::Recreate, .. }, _) => {
                Action::Recreate(Recreate { call, services: vec![service], settle_secs })
            }
            (Change::Replace { how, .. }, Some(source)) => {
                let old = standing.containers.iter().filter(|container| container.service() == service);
                made.replaced.extend(old.map(|container| container.id.clone()));
                let proxy = standing.settings.proxy.get(&service).map(|proxy| Proxy::nginx(proxy));
                Action::Replace(Replace { call, service, rolling: *how == Replacing::Rolling, source, settle_secs, proxy })
            }
            _ => continue,
        };
        made.steps.push(step);
    }
    made
}

fn source(target: &Target, images: &Images) -> Source {
    let fetched = images.resolved.get(&target.image).is_some_and(|resolved| resolved.from == From::Registry);
    let image_id = if fetched { None } else { target.image_id.clone() };
    let config_hash = target.inside.is_empty().then(|| target.config_hash.clone());
    Source::Compose { replicas: target.replicas, config_hash, image_id }
}

/// What is taken away once the release is committed.
pub fn remove(replaced: Vec<String>) -> Option<Action> {
    (!replaced.is_empty()).then_some(Action::RemoveContainers(RemoveContainers { ids: replaced }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_of_a_model_has_what_it_needs_and_nothing_else() {
        let model = json!({"name": "p", "services": {
            "web": {"depends_on": {"api": {}}}, "api": {"network_mode": "service:net", "depends_on": {"db": {}}},
            "net": {}, "db": {}, "other": {"depends_on": {"web": {}}},
        }});
        let part = part_of(&model, BTreeSet::from(["web".to_string()]));
        let names: BTreeSet<&str> = part["services"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["api", "db", "net", "web"]));
        assert_eq!(part["name"], "p");
    }
}
