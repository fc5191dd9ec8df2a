//! What runs of the stacks, and whether it is well.

use std::collections::BTreeMap;

use serde::Serialize;

use super::chosen::{Chosen, Unnamed, choose};
use super::{SETTLE, engine, order};
use crate::engine::observe::{Declared, Port, Usage};
use crate::engine::wait::clock;
use crate::engine::{Container, Engine, Health, Status};
use crate::error::Result;
use crate::proof::health;
use crate::tasks::Context;
use crate::yaml::{Data, Value};

/// What `ps` shows.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Services {
    /// By stack, then in the order in which they start.
    pub services: Vec<State>,
    /// Stacks that were not named, and have no container.
    pub not_running: Vec<String>,
}

/// One container, or a service without one.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct State {
    pub stack: String,
    pub project: String,
    pub service: String,
    pub container: Option<String>,
    /// `healthy`, `running`, `starting`, `unhealthy`, `restarting`, `done`, `exited`, `stopped`,
    /// `created`, `paused`, `removing`, `missing`.
    pub state: &'static str,
    pub well: bool,
    pub exit_code: Option<i64>,
    pub out_of_memory: bool,
    pub uptime_secs: Option<u64>,
    pub restarts: i64,
    pub image: Option<String>,
    /// `127.0.0.1:8080->80/tcp`.
    pub ports: Vec<String>,
    pub memory_bytes: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    /// In processors: 0.25 is a quarter of one.
    pub cpus: Option<f64>,
    pub cpu_limit: Option<f64>,
}

impl Services {
    /// Whether something runs, and everything that should is well.
    pub fn is_well(&self) -> bool {
        !self.services.is_empty() && self.services.iter().all(|service| service.well)
    }
}

pub fn services(cx: &Context<'_>, words: &[String]) -> Result<Services> {
    let engine = engine(cx)?;
    let engine = engine.as_ref();
    let mut shown = Services::default();
    let mut found: Vec<(Chosen<'_>, Vec<Container>)> = Vec::new();
    for chosen in choose(cx, words, &Unnamed { wanted: &|_| Ok(true), strict: false })? {
        let mut containers = Vec::new();
        for listed in health::containers(engine, &chosen.running())? {
            containers.extend(engine.container(&listed.id)?);
        }
        if containers.is_empty() && words.is_empty() {
            shown.not_running.push(chosen.stack.id.clone());
        } else {
            found.push((chosen, containers));
        }
    }
    let figures = Figures::of(engine, found.iter().flat_map(|(_, containers)| containers))?;
    for (chosen, containers) in &found {
        shown.services.extend(of_stack(chosen, containers, &figures));
    }
    Ok(shown)
}

struct Figures {
    /// On the engine's clock.
    now: String,
    declared: BTreeMap<String, Declared>,
    usage: BTreeMap<String, Usage>,
}

impl Figures {
    fn of<'c>(engine: &dyn Engine, containers: impl Iterator<Item = &'c Container>) -> Result<Figures> {
        let (mut all, mut running) = (Vec::new(), Vec::new());
        for container in containers {
            all.push(container.id.clone());
            if container.state.status == Status::Running {
                running.push(container.id.clone());
            }
        }
        let observer = engine.observer();
        let (declared, usage) = (observer.declared(&all), observer.usage(&running));
        Ok(Figures { now: engine.info()?.system_time, declared, usage })
    }
}

fn of_stack(chosen: &Chosen<'_>, containers: &[Container], figures: &Figures) -> Vec<State> {
    let mut order = order::services(&chosen.model);
    // A container of a service that the files do not name any more is shown all the same.
    for container in containers {
        if !order.iter().any(|service| service == container.service()) {
            order.push(container.service().to_string());
        }
    }
    order.retain(|service| chosen.named.is_empty() || chosen.named.contains(service));
    let mut states = Vec::new();
    for service in &order {
        let own: Vec<&Container> = containers.iter().filter(|container| container.service() == service).collect();
        let wanted = chosen.active.contains(service) || chosen.named.contains(service);
        if own.is_empty() && wanted && replicas(chosen.model.service(service)) > 0 {
            states.push(missing(chosen, service));
        }
        states.extend(own.into_iter().map(|container| of_container(chosen, container, figures)));
    }
    states
}

fn replicas(service: Option<&Value>) -> i64 {
    let deployed = || service?.get("deploy")?.get("replicas").or_else(|| service?.get("scale"));
    match deployed().map(|count| &count.data) {
        Some(Data::Int(count)) => *count,
        _ => 1,
    }
}

fn missing(chosen: &Chosen<'_>, service: &str) -> State {
    let image = chosen.model.service(service).and_then(|service| service.get("image")?.as_str()).map(String::from);
    State {
        stack: chosen.stack.id.clone(),
        project: chosen.project().to_string(),
        service: service.to_string(),
        state: "missing",
        image,
        ..State::default()
    }
}

fn of_container(chosen: &Chosen<'_>, container: &Container, figures: &Figures) -> State {
    let running = container.state.status == Status::Running;
    let uptime = clock::between(&container.state.started_at, &figures.now).filter(|_| running);
    let (state, well) = judge(container, uptime.is_some_and(|uptime| uptime < SETTLE * 5));
    let declared = figures.declared.get(&container.id).cloned().unwrap_or_default();
    let usage = figures.usage.get(&container.id).copied().unwrap_or_default();
    State {
        stack: chosen.stack.id.clone(),
        project: chosen.project().to_string(),
        service: container.service().to_string(),
        container: Some(container.name.clone()),
        state,
        well,
        exit_code: matches!(state, "done" | "exited" | "stopped" | "restarting").then_some(container.state.exit_code),
        out_of_memory: container.state.oom_killed,
        uptime_secs: uptime.map(|uptime| uptime.as_secs()),
        restarts: container.restart_count,
        image: Some(container.image.clone()),
        ports: ports(&declared.ports),
        memory_bytes: usage.memory_bytes,
        memory_limit_bytes: declared.memory_limit_bytes,
        cpus: usage.cpus,
        cpu_limit: declared.cpu_limit,
    }
}

/// A loop says `running` in between: one that was restarted and is young is not trusted yet.
fn judge(container: &Container, young: bool) -> (&'static str, bool) {
    let state = &container.state;
    match (state.status, state.health) {
        (Status::Running, Some(Health::Healthy)) => ("healthy", true),
        (Status::Running, Some(Health::Unhealthy)) => ("unhealthy", false),
        (Status::Running, Some(Health::Starting)) => ("starting", false),
        (Status::Running, None) if container.healthcheck.is_some() => ("starting", false),
        (Status::Running, None) if container.restart_count > 0 && young => ("restarting", false),
        (Status::Running, None) => ("running", true),
        (Status::Restarting, _) => ("restarting", false),
        (Status::Exited, _) if container.may_end() && state.exit_code == 0 && state.error.is_empty() => ("done", true),
        (Status::Exited, _) if container.is_asleep() => ("stopped", false),
        (Status::Exited | Status::Dead, _) => ("exited", false),
        (Status::Created, _) => ("created", false),
        (Status::Paused, _) => ("paused", false),
        (Status::Removing, _) => ("removing", false),
    }
}

/// IPv4 and IPv6 of the same port are one where both mean every address.
fn ports(ports: &[Port]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for port in ports {
        let at = match port.address.as_str() {
            "" | "0.0.0.0" | "::" => String::new(),
            address if address.contains(':') => format!("[{address}]:"),
            address => format!("{address}:"),
        };
        let text = format!("{at}{}->{}/{}", port.published, port.target, port.protocol);
        if !shown.contains(&text) {
            shown.push(text);
        }
    }
    shown
}
