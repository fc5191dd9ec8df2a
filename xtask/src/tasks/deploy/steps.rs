//! From what has to happen to the steps of a run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::around::around;
use super::images::Images;
use super::look::{Looked, Standing};
use crate::actions::{
    Action, Hook, KeepStack, Proxy, Recreate, Rehearse, RemoveContainers, Replace, Source, StartService, StopService, When,
};
use crate::engine::Container;
use crate::error::Result;
use crate::registry::From;
use crate::release::{Change, Replacing, ServicePlan, Target};
use crate::saga::Sha;
use crate::tasks::Context;

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

/// A step that rehearses.
pub struct Rehearsal {
    pub rehearse: Rehearse,
    pub contents: Vec<Vec<u8>>,
    /// All that it may start, by stack.
    pub models: Vec<(String, Value)>,
}

/// The new release beside the live one: what changes, and what is around it.
///
/// # Errors
/// The engine does not answer.
pub fn rehearse(cx: &Context<'_>, looked: &Looked<'_>, plans: &[ServicePlan], model: &Value) -> Result<Option<Rehearsal>> {
    let changes = |plan: &&ServicePlan| matches!(plan.change, Change::Start | Change::Replace { .. });
    let changed: BTreeSet<String> = plans.iter().filter(changes).map(|plan| plan.service.clone()).collect();
    if changed.is_empty() {
        return Ok(None);
    }
    let mut contents = Vec::new();
    let mut kept = |stacks: Vec<(String, Value)>| -> Vec<(String, Sha)> {
        let keep = |(stack, model): (String, Value)| {
            let content = model.to_string().into_bytes();
            let sha = Sha::of(&content);
            contents.push(content);
            (stack, sha)
        };
        stacks.into_iter().map(keep).collect()
    };
    let around = around(cx, looked, model, &changed)?;
    let models = around.all.clone().unwrap_or_else(|| around.named.clone());
    let (stacks, wider) = (kept(around.named), kept(around.all.unwrap_or_default()));
    let settle_secs = looked.standing.settings.settle;
    Ok(Some(Rehearsal { rehearse: Rehearse { stacks, wider, settle_secs, ..Rehearse::default() }, contents, models }))
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
            (Change::Start, Some(source)) => Action::StartService(StartService { call, service, source, surplus: Vec::new(), settle_secs }),
            (Change::Fewer, Some(source)) => {
                let surplus = surplus(&standing.containers, &service, targets[&service].replicas);
                made.replaced.extend(surplus.iter().cloned());
                Action::StartService(StartService { call, service, source, surplus, settle_secs })
            }
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

/// The containers of a service that are too many: first those that do not run, then the last ones.
fn surplus(containers: &[Container], service: &str, replicas: usize) -> Vec<String> {
    let number = |one: &Container| one.labels.get("com.docker.compose.container-number").and_then(|number| number.parse::<u64>().ok());
    let mut all: Vec<&Container> = containers.iter().filter(|container| container.service() == service).collect();
    all.sort_by_key(|one| (!one.is_up(), number(one)));
    all.into_iter().skip(replicas).map(|one| one.id.clone()).collect()
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
