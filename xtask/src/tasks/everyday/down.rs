//! Stacks stopped and taken away; their data only when somebody types the project's name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::chosen::{Chosen, Unnamed, choose};
use super::{DEADLINE, live, order, ready};
use crate::actions::Live;
use crate::engine::Listed;
use crate::engine::observe::volume_sizes;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::project::Role;
use crate::proof::health;
use crate::tasks::guarded::refuse_open_run;
use crate::tasks::project_lock::lock_projects;
use crate::tasks::{Context, hidden};

/// What was taken away.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Down {
    /// The plan is all that was asked for.
    pub planned: bool,
    pub stacks: Vec<String>,
    pub containers: Vec<String>,
    pub volumes: Vec<String>,
}

/// One stack and what is there of it.
struct There<'p> {
    chosen: Chosen<'p>,
    containers: Vec<Listed>,
    /// Named volumes that Compose has made for it, and anonymous ones of its containers.
    volumes: BTreeSet<String>,
}

/// Stops development stacks; `volumes`: and deletes their data, which needs the project's name.
pub fn dev_down(cx: &Context<'_>, words: &[String], volumes: bool) -> Result<Down> {
    let wanted = |chosen: &Chosen<'_>| Ok(chosen.stack.role != Some(Role::Prod));
    let chosen = choose(cx, words, &Unnamed { wanted: &wanted, strict: true })?;
    if let Some(prod) = chosen.iter().find(|chosen| chosen.stack.role == Some(Role::Prod)) {
        return Err(Error::refused(format!("take down {}", prod.stack.id)).why("its role is prod").help("`cargo xtask prod-down` does it"));
    }
    let live = live(cx)?;
    let there = look(cx, &live, chosen, volumes)?;
    let _locks = begin(cx, &there, "dev-down")?;
    if cx.dry_run || is_nothing(&there) {
        return Ok(Down { planned: cx.dry_run, ..Down::default() });
    }
    let mut by_project: BTreeMap<&str, usize> = BTreeMap::new();
    for one in there.iter().filter(|one| !one.volumes.is_empty()) {
        *by_project.entry(one.chosen.project()).or_default() += one.volumes.len();
    }
    for (project, count) in by_project {
        let question = format!("{count} volumes of {project} are deleted with all their data. This cannot be undone.");
        if !(cx.confirm_by_name)(&question, project)? {
            return Err(Error::refused("take the stacks down").why("the name was not typed; nothing was touched"));
        }
    }
    take_down(cx, &live, &there)
}

/// Stops production stacks, after asking. Volumes stay.
pub fn prod_down(cx: &Context<'_>, words: &[String], all: bool) -> Result<Down> {
    let wanted = |chosen: &Chosen<'_>| Ok(chosen.stack.role == Some(Role::Prod));
    let chosen = choose(cx, words, &Unnamed { wanted: &wanted, strict: true })?;
    if let Some(dev) = chosen.iter().find(|chosen| chosen.stack.role == Some(Role::Dev)) {
        return Err(Error::refused(format!("take down {}", dev.stack.id)).why("its role is dev").help("`cargo xtask dev-down` does it"));
    }
    if chosen.is_empty() {
        return Err(Error::unusable("there is no stack of the role prod").help("name a stack, or give it `role: prod` in xtask.yaml"));
    }
    if words.is_empty() && chosen.len() > 1 && !all {
        let ids: Vec<&str> = chosen.iter().map(|chosen| chosen.stack.id.as_str()).collect();
        return Err(Error::refused("take down production")
            .why(format!("several stacks are meant: {}", ids.join(", ")))
            .help("name one, or add --all"));
    }
    let live = live(cx)?;
    let there = look(cx, &live, chosen, false)?;
    let _locks = begin(cx, &there, "prod-down")?;
    if cx.dry_run || is_nothing(&there) {
        return Ok(Down { planned: cx.dry_run, ..Down::default() });
    }
    let ids: Vec<&str> = there.iter().map(|one| one.chosen.stack.id.as_str()).collect();
    if !(cx.confirm)(&format!("Stop {} of production?", ids.join(", ")))? {
        return Err(Error::refused("take the stacks down").why("the answer was no; nothing was touched"));
    }
    take_down(cx, &live, &there)
}

fn is_nothing(there: &[There<'_>]) -> bool {
    there.iter().all(|one| one.containers.is_empty() && one.volumes.is_empty())
}

/// The last stack that started is the first.
fn look<'p>(cx: &Context<'_>, live: &Live, chosen: Vec<Chosen<'p>>, volumes: bool) -> Result<Vec<There<'p>>> {
    ready::check_variables(&cx.project, &chosen)?;
    if let Some(named) = chosen.iter().find_map(|chosen| chosen.named.first()) {
        return Err(Error::unusable(format!("`{named}` is a service, and a stack is taken down as a whole")));
    }
    cx.masker.replace(hidden::masker(&hidden::of_project(cx, chosen.iter().map(|chosen| &chosen.model))));
    let mut there = Vec::new();
    for chosen in chosen.into_iter().rev() {
        let containers = health::containers(live.engine.as_ref(), &chosen.running())?;
        refuse_foreign(live, &chosen, &containers)?;
        let volumes = if volumes { own_volumes(live, &chosen, &containers)? } else { BTreeSet::new() };
        there.push(There { chosen, containers, volumes });
    }
    Ok(there)
}

/// Compose goes by project and service: it would also remove what was made from other files.
fn refuse_foreign(live: &Live, chosen: &Chosen<'_>, own: &[Listed]) -> Result<()> {
    let all = live.engine.containers(&[("com.docker.compose.project", chosen.project()), ("com.docker.compose.oneoff", "False")])?;
    let same_service = |listed: &&Listed| {
        let service = listed.labels.get("com.docker.compose.service");
        service.is_some_and(|service| chosen.model.service(service).is_some())
    };
    match all.iter().filter(same_service).find(|listed| !own.contains(listed)) {
        None => Ok(()),
        Some(foreign) => Err(Error::refused(format!("take down {}", chosen.stack.id))
            .why(format!("the container {} was made from other compose files", foreign.name))
            .help("take it down with those files, or all of the project with `docker compose -p NAME down`")),
    }
}

fn own_volumes(live: &Live, chosen: &Chosen<'_>, containers: &[Listed]) -> Result<BTreeSet<String>> {
    let made = live.engine.volumes(&[("com.docker.compose.project", chosen.project())])?;
    let named = order::names(&chosen.model, "volumes", false);
    let mut own: BTreeSet<String> = made.into_iter().map(|volume| volume.name).filter(|name| named.contains(name)).collect();
    for listed in containers {
        let mounts = live.engine.container(&listed.id)?.map(|container| container.mounts).unwrap_or_default();
        let anonymous = |name: &String| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        own.extend(mounts.into_iter().filter(|mount| mount.kind == "volume").map(|mount| mount.name).filter(anonymous));
    }
    Ok(own)
}

/// Shows the plan; takes the locks when it is to be carried out.
fn begin(cx: &Context<'_>, there: &[There<'_>], task: &str) -> Result<Vec<crate::saga::Lock>> {
    let sizes = if there.iter().any(|one| !one.volumes.is_empty()) { volume_sizes(cx.cancel) } else { BTreeMap::new() };
    let mut other = Vec::new();
    for one in there {
        other.extend(one.containers.iter().map(|container| format!("stop and remove {}", container.name)));
        let size = |name: &String| sizes.get(name).map_or(String::new(), |size| format!(" ({size})"));
        other.extend(one.volumes.iter().map(|name| format!("delete the volume {name}{} and its data", size(name))));
    }
    cx.events.emit(Event::Planned { files: Vec::new(), other });
    if cx.dry_run {
        return Ok(Vec::new());
    }
    let projects: Vec<String> = there.iter().map(|one| one.chosen.project().to_string()).collect();
    let locks = lock_projects(cx, &projects, task)?;
    refuse_open_run(cx)?;
    Ok(locks)
}

/// Volumes are deleted by name, exactly those that were shown: what Compose would delete is not asked.
fn take_down(cx: &Context<'_>, live: &Live, there: &[There<'_>]) -> Result<Down> {
    let masker = cx.masker.borrow().clone();
    let mut down = Down::default();
    for one in there {
        let label = format!("take down {}", one.chosen.stack.id);
        cx.events.emit(Event::StepStarted { number: 1, of: 1, label: label.clone() });
        let began = std::time::Instant::now();
        live.compose
            .down(&one.chosen.whole_call(), DEADLINE, &masker, &live.cancel)
            .map_err(|error| Error { what: label.clone(), ..error })?;
        for volume in &one.volumes {
            live.engine.remove_volume(volume)?;
            down.volumes.push(volume.clone());
        }
        cx.events.emit(Event::StepDone { number: 1, of: 1, label, took: began.elapsed() });
        down.stacks.push(one.chosen.stack.id.clone());
        down.containers.extend(one.containers.iter().map(|container| container.name.clone()));
    }
    Ok(down)
}
