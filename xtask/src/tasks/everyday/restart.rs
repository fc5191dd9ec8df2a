//! Services started anew one after the other, each well before the next.

use std::time::Instant;

use serde::Serialize;

use super::chosen::{Chosen, Unnamed, choose};
use super::up::Ill;
use super::{SETTLE, engine, order};
use crate::engine::wait::{Waited, until_well};
use crate::engine::{Container, Engine};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::project::Role;
use crate::proof::health;
use crate::secret::{Masker, Secret};
use crate::tasks::guarded::refuse_open_run;
use crate::tasks::project_lock::lock_projects;
use crate::tasks::{Context, hidden};

/// What `restart` came to.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Restarted {
    /// The plan is all that was asked for.
    pub planned: bool,
    pub stacks: Vec<RestartedStack>,
    /// The container that did not become well again; nothing after it was touched.
    pub ill: Vec<Ill>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct RestartedStack {
    pub stack: String,
    /// In the order in which they were restarted.
    pub containers: Vec<String>,
}

struct Part<'p> {
    chosen: Chosen<'p>,
    /// In the order in which they are restarted.
    containers: Vec<Container>,
}

pub fn restart(cx: &Context<'_>, words: &[String]) -> Result<Restarted> {
    let engine = engine(cx)?;
    let runs = |chosen: &Chosen<'_>| Ok(!health::containers(engine.as_ref(), &chosen.running())?.is_empty());
    let chosen = choose(cx, words, &Unnamed { wanted: &runs, strict: false })?;
    let secrets = hidden::of_project(cx, chosen.iter().map(|chosen| &chosen.model));
    let mut parts = Vec::new();
    for chosen in chosen {
        let containers = in_order(engine.as_ref(), &chosen)?;
        parts.push(Part { chosen, containers });
    }
    let given = parts.iter().flat_map(|part| &part.containers).flat_map(hidden::of_container);
    let masker = hidden::masker(&secrets.into_iter().chain(given).collect::<Vec<Secret>>());
    let line = |part: &Part<'_>| part.containers.iter().map(|container| format!("restart {}", container.name)).collect::<Vec<_>>();
    let other: Vec<String> = parts.iter().flat_map(line).collect();
    if other.is_empty() {
        return Err(Error::refused("restart")
            .why("nothing of that runs")
            .help("`cargo xtask ps` shows what does; dev-up and prod-up start a stack"));
    }
    cx.events.emit(Event::Planned { files: Vec::new(), other });
    if cx.dry_run {
        return Ok(Restarted { planned: true, ..Restarted::default() });
    }
    let projects: Vec<String> = parts.iter().map(|part| part.chosen.project().to_string()).collect();
    let _locks = lock_projects(cx, &projects, "restart")?;
    refuse_open_run(cx)?;
    let prod: Vec<&str> =
        parts.iter().filter(|part| part.chosen.stack.role == Some(Role::Prod)).map(|part| part.chosen.stack.id.as_str()).collect();
    if !prod.is_empty() && !(cx.confirm)(&format!("Restart {} of production?", prod.join(", ")))? {
        return Err(Error::refused("restart").why("the answer was no; nothing was touched"));
    }
    carry_out(cx, engine.as_ref(), &parts, &masker)
}

/// Those that run, or should; of the named services all.
fn in_order(engine: &dyn Engine, chosen: &Chosen<'_>) -> Result<Vec<Container>> {
    let mut containers = Vec::new();
    for listed in health::containers(engine, &chosen.running())? {
        containers.extend(engine.container(&listed.id)?);
    }
    let wanted = order::with_followers(&chosen.model, &chosen.named);
    containers.retain(|container| {
        let named = chosen.named.iter().any(|name| name == container.service());
        let follows = wanted.iter().any(|name| name == container.service());
        named || (chosen.named.is_empty() || follows) && !container.is_asleep()
    });
    if let Some(absent) = chosen.named.iter().find(|name| !containers.iter().any(|container| container.service() == *name)) {
        return Err(Error::refused(format!("restart {absent} of {}", chosen.stack.id))
            .why("it has no container")
            .help("dev-up and prod-up start it"));
    }
    let order = order::services(&chosen.model);
    containers.sort_by_key(|container| order.iter().position(|service| service == container.service()));
    Ok(containers)
}

fn carry_out(cx: &Context<'_>, engine: &dyn Engine, parts: &[Part<'_>], masker: &Masker) -> Result<Restarted> {
    let mut restarted = Restarted::default();
    let of = parts.iter().map(|part| part.containers.len()).sum();
    let mut number = 0;
    for part in parts {
        let mut done = RestartedStack { stack: part.chosen.stack.id.clone(), containers: Vec::new() };
        for container in &part.containers {
            number += 1;
            let (label, began) = (format!("restart {}", container.name), Instant::now());
            cx.events.emit(Event::StepStarted { number, of, label: label.clone() });
            engine.restart(&container.id, container.stop_grace)?;
            if let Waited::Unwell(unwell) = until_well(engine, std::slice::from_ref(&container.id), SETTLE, masker, cx.cancel)? {
                cx.events.emit(Event::StepFailed { number, of, label, why: "nothing after it was touched".into() });
                let ill =
                    |one: crate::engine::wait::Unwell| Ill { service: one.service, container: one.container, why: one.why, log: one.log };
                restarted.ill = unwell.into_iter().map(ill).collect();
                restarted.stacks.push(done);
                return Ok(restarted);
            }
            cx.events.emit(Event::StepDone { number, of, label, took: began.elapsed() });
            done.containers.push(container.name.clone());
        }
        restarted.stacks.push(done);
    }
    Ok(restarted)
}
