//! A development stack started and well, or its containers there to look at.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::addresses::addresses;
use super::chosen::{Chosen, Unnamed, choose};
use super::{DEADLINE, SETTLE, live, order, ready};
use crate::actions::Live;
use crate::engine::compose::Up as UpCall;
use crate::engine::wait::{Waited, Well, is_ill, until_well};
use crate::engine::{Container, Listed};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::project::Role;
use crate::proof::health;
use crate::secret::{Masker, Secret};
use crate::tasks::elsewhere::elsewhere;
use crate::tasks::guarded::refuse_open_run;
use crate::tasks::project_lock::lock_projects;
use crate::tasks::{Context, hidden};

const LOG_LINES: usize = 20;

/// What `dev-up` came to.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Up {
    /// The plan is all that was asked for.
    pub planned: bool,
    /// External networks that were created.
    pub networks: Vec<String>,
    /// Up to the one that failed.
    pub stacks: Vec<UpStack>,
    pub not_started: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub struct UpStack {
    pub stack: String,
    pub seconds: f64,
    pub services: Vec<Answering>,
    pub ill: Vec<Ill>,
    /// What Compose said where it could not start everything.
    pub failed: Option<String>,
}

/// A container that is well.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answering {
    pub service: String,
    pub container: String,
    /// `healthy`, `running` or `done`.
    pub state: &'static str,
    /// Where it answers: `http://localhost:8080`, `localhost:5432`.
    pub addresses: Vec<String>,
}

/// A container that is not; it is left as it is.
#[derive(Debug, PartialEq, Serialize)]
pub struct Ill {
    pub service: String,
    pub container: String,
    pub why: String,
    /// The end of its log, masked.
    pub log: String,
}

impl Up {
    pub fn is_well(&self) -> bool {
        self.stacks.iter().all(UpStack::is_well)
    }
}

impl UpStack {
    fn is_well(&self) -> bool {
        self.failed.is_none() && self.ill.is_empty()
    }
}

/// Builds, creates missing networks, starts, and waits until everything is well. Never asks.
pub fn dev_up(cx: &Context<'_>, words: &[String]) -> Result<Up> {
    let live = live(cx)?;
    let wanted = |chosen: &Chosen<'_>| Ok(chosen.stack.role != Some(Role::Prod));
    let chosen = choose(cx, words, &Unnamed { wanted: &wanted, strict: true })?;
    refuse_prod(&chosen)?;
    let networks = ready::check(&cx.project, &chosen, live.engine.as_ref())?;
    refuse_others(cx, &live, &chosen)?;
    let secrets = hidden::of_project(cx, chosen.iter().map(|chosen| &chosen.model));
    cx.masker.replace(hidden::masker(&secrets));
    cx.events.emit(Event::Planned { files: Vec::new(), other: plan(&chosen, &networks) });
    if cx.dry_run {
        return Ok(Up { planned: true, ..Up::default() });
    }
    let projects: Vec<String> = chosen.iter().map(|chosen| chosen.project().to_string()).collect();
    let _locks = lock_projects(cx, &projects, "dev-up")?;
    refuse_open_run(cx)?;
    for network in &networks {
        live.engine.create_network(network)?;
    }
    let mut up = Up { networks, ..Up::default() };
    for chosen in &chosen {
        if !up.is_well() {
            up.not_started.push(chosen.stack.id.clone());
            continue;
        }
        up.stacks.push(start(cx, &live, chosen, &secrets)?);
    }
    Ok(up)
}

fn refuse_prod(chosen: &[Chosen<'_>]) -> Result<()> {
    if chosen.is_empty() {
        return Err(Error::unusable("there is no stack for development").help("every stack here has the role prod; `prod-up` deploys one"));
    }
    match chosen.iter().find(|chosen| chosen.stack.role == Some(Role::Prod)) {
        Some(prod) => Err(Error::refused(format!("start {} for development", prod.stack.id))
            .why("its role is prod")
            .help("`cargo xtask prod-up` deploys it; `role: dev` in xtask.yaml says otherwise")),
        None => Ok(()),
    }
}

/// Containers of these services that another stack of the project has made: Compose would replace them.
fn refuse_others(cx: &Context<'_>, live: &Live, chosen: &[Chosen<'_>]) -> Result<()> {
    for chosen in chosen {
        let engine = live.engine.as_ref();
        let own = health::containers(engine, &chosen.running())?;
        let all = engine.containers(&[("com.docker.compose.project", chosen.project()), ("com.docker.compose.oneoff", "False")])?;
        let foreign = |listed: &&Listed| !own.contains(listed) && chosen.model.service(service(listed)).is_some();
        for container in all.iter().filter(foreign) {
            let made_by = cx.project.stacks.iter().filter(|stack| stack.id != chosen.stack.id).find(|stack| {
                let elsewhere = elsewhere(cx, stack, chosen.project()).unwrap_or_default();
                let running = health::Running { project: chosen.project().to_string(), config_files: stack.files.clone(), elsewhere };
                health::containers(engine, &running).is_ok_and(|made| made.contains(container))
            });
            if let Some(other) = made_by {
                return Err(Error::refused(format!("start {}", chosen.stack.id))
                    .why(format!(
                        "the container {} belongs to the stack {}, which has the same compose project {}",
                        container.name,
                        other.id,
                        chosen.project()
                    ))
                    .help("stop that stack first, or give each file a `name:` of its own"));
            }
        }
    }
    Ok(())
}

fn service(listed: &Listed) -> &str {
    listed.labels.get("com.docker.compose.service").map_or("", String::as_str)
}

fn plan(chosen: &[Chosen<'_>], networks: &[String]) -> Vec<String> {
    let created = networks.iter().map(|network| format!("create the network {network}"));
    let started = chosen.iter().map(|chosen| format!("start {}: {}", chosen.stack.id, chosen.services().join(", ")));
    created.chain(started).collect()
}

fn start(cx: &Context<'_>, live: &Live, chosen: &Chosen<'_>, secrets: &[Secret]) -> Result<UpStack> {
    let began = Instant::now();
    let label = format!("start {}", chosen.stack.id);
    cx.events.emit(Event::StepStarted { number: 1, of: 1, label: label.clone() });
    cx.cancel.now(&label);
    let services = order::with_needs(&chosen.model, chosen.services(), &chosen.active);
    let masker = cx.masker.borrow().clone();
    let mut up = UpStack { stack: chosen.stack.id.clone(), ..UpStack::default() };
    if let Err(error) = compose(live, chosen, &services, &masker) {
        if error.kind == Kind::Interrupted {
            return Err(error);
        }
        up.failed = Some(error.to_string());
    }
    look(live, chosen, &services, secrets, &mut up)?;
    up.seconds = began.elapsed().as_secs_f64();
    let took = began.elapsed();
    cx.events.emit(match up.is_well() {
        true => Event::StepDone { number: 1, of: 1, label, took },
        false => Event::StepFailed { number: 1, of: 1, label, why: "its containers stay as they are, to look at".into() },
    });
    Ok(up)
}

/// Images first, so that nothing is started when one is not to be had.
fn compose(live: &Live, chosen: &Chosen<'_>, services: &[String], masker: &Masker) -> Result<()> {
    let call = chosen.call();
    let (mut built, mut pulled) = (Vec::new(), Vec::new());
    for name in services {
        let Some(service) = chosen.model.service(name) else { continue };
        let own = |key: &str| service.get(key).and_then(|value| value.as_str());
        match (service.get("build"), own("image")) {
            (Some(_), _) => built.push(name.clone()),
            (None, Some(image)) if own("pull_policy") != Some("never") && live.engine.image(image)?.is_none() => pulled.push(name.clone()),
            (None, _) => {}
        }
    }
    if !built.is_empty() {
        let what = format!("build {}", built.join(", "));
        live.compose.build_services(&call, &built, DEADLINE, masker, &live.cancel).map_err(|error| Error { what, ..error })?;
    }
    // Another service may just have built it.
    pulled.retain(|name| {
        let image = chosen.model.service(name).and_then(|service| service.get("image")?.as_str());
        image.is_some_and(|image| !matches!(live.engine.image(image), Ok(Some(_))))
    });
    if !pulled.is_empty() {
        let what = format!("pull the images of {}", pulled.join(", "));
        live.compose.pull_services(&call, &pulled, DEADLINE, masker, &live.cancel).map_err(|error| Error { what, ..error })?;
    }
    let up = UpCall { services: chosen.named.clone(), ..UpCall::default() };
    live.compose.up(&call, &up, DEADLINE, masker, &live.cancel)
}

/// Waits until all is well; where Compose gave up already, tells what is ill now.
fn look(live: &Live, chosen: &Chosen<'_>, services: &[String], secrets: &[Secret], up: &mut UpStack) -> Result<()> {
    let engine = live.engine.as_ref();
    let listed = health::containers(engine, &chosen.running())?;
    let ids: Vec<String> =
        listed.iter().filter(|listed| services.iter().any(|name| name == service(listed))).map(|listed| listed.id.clone()).collect();
    let mut containers: BTreeMap<String, Container> = BTreeMap::new();
    for id in &ids {
        containers.extend(engine.container(id)?.map(|container| (container.name.clone(), container)));
    }
    let given = containers.values().flat_map(hidden::of_container);
    let masker = hidden::masker(&secrets.iter().cloned().chain(given).collect::<Vec<_>>());
    if let Some(failed) = &mut up.failed {
        *failed = masker.mask(failed).into_owned();
        for container in containers.values().filter(|container| is_ill(container)) {
            up.ill.push(told(live, container, &masker));
        }
        return Ok(());
    }
    match until_well(engine, &ids, SETTLE, &masker, &live.cancel)? {
        Waited::Well(well) => up.services = answering(live, chosen, &containers, &well),
        Waited::Unwell(unwell) => {
            let ill = unwell.into_iter().map(|one| Ill { service: one.service, container: one.container, why: one.why, log: one.log });
            up.ill.extend(ill);
        }
    }
    Ok(())
}

fn told(live: &Live, container: &Container, masker: &Masker) -> Ill {
    let state = &container.state;
    let why = match (state.error.as_str(), state.health) {
        ("", Some(crate::engine::Health::Unhealthy)) => "unhealthy".to_string(),
        ("", _) => format!("exited with code {}", state.exit_code),
        (error, _) => format!("cannot be started: {error}"),
    };
    let log = live.engine.logs(&container.id, LOG_LINES).unwrap_or_else(|error| format!("({error})"));
    Ill {
        service: container.service().to_string(),
        container: container.name.clone(),
        why: masker.mask(&why).into_owned(),
        log: masker.mask(log.trim_end()).into_owned(),
    }
}

fn answering(live: &Live, chosen: &Chosen<'_>, containers: &BTreeMap<String, Container>, well: &BTreeMap<String, Well>) -> Vec<Answering> {
    let observer = live.engine.observer();
    let ids: Vec<String> = containers.values().map(|container| container.id.clone()).collect();
    let declared = observer.declared(&ids);
    let mut answering = Vec::new();
    for (name, how) in well {
        let Some(container) = containers.get(name) else { continue };
        let ports = declared.get(&container.id).map_or(&[][..], |declared| &declared.ports);
        answering.push(Answering {
            service: container.service().to_string(),
            container: name.clone(),
            state: match how {
                Well::Healthy => "healthy",
                Well::Running => "running",
                Well::Done => "done",
            },
            addresses: addresses(ports, observer.host(), chosen.model.service(container.service())),
        });
    }
    answering
}
