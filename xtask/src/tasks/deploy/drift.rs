//! What runs, against the files of today and against the last release. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::files;
use super::look::{Looked, Rendered, Standing, read, rendered};
use super::records::{self, Recorded};
use crate::actions::StackCall;
use crate::backup::BUILT;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::model::Model;
use crate::project::Stack;
use crate::release::{ContainerNow, Drift, Release, Releases, Seen, Target, drift, targets};
use crate::saga::now_ms;
use crate::source::Disk;
use crate::tasks::backup::{self, newest};
use crate::tasks::elsewhere::elsewhere;
use crate::tasks::history::readable;
use crate::tasks::{Context, call, hidden};

/// What `status` answers.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    /// A run that did not come to its end, or one that is being carried out now.
    pub open_run: Option<String>,
    pub stacks: Vec<StackStatus>,
    /// Why what runs could not be looked at, where no engine answers.
    pub no_engine: Option<String>,
    /// Why the backups could not be looked at, where there is a repository.
    pub no_backups: Option<String>,
}

#[derive(Debug, Default, Serialize)]
pub struct StackStatus {
    pub stack: String,
    pub project: String,
    /// The release that is recorded as running.
    pub release: Option<String>,
    pub tag: Option<String>,
    /// UTC.
    pub deployed: Option<String>,
    pub running: usize,
    /// With what is different; empty: nothing is.
    pub services: BTreeMap<String, BTreeSet<Drift>>,
    /// Containers of the project that were made from files of no stack here.
    pub unknown: Vec<String>,
    /// What could not be compared, and why.
    pub not_compared: Vec<String>,
    /// `None` where there is no repository, and none is named.
    pub backup: Option<backup::Standing>,
}

impl Status {
    pub fn drifts(&self) -> bool {
        self.stacks.iter().any(|stack| !stack.unknown.is_empty() || stack.services.values().any(|drift| !drift.is_empty()))
    }

    /// Whether everything was there to be compared.
    pub fn is_whole(&self) -> bool {
        self.no_engine.is_none() && self.stacks.iter().all(|stack| stack.not_compared.is_empty())
    }
}

/// # Errors
/// A stack is named that there is not (`Unusable`), or the engine stops answering.
pub fn status(cx: &Context<'_>, named: &[String]) -> Result<Status> {
    let live = cx.live().is_some();
    let no_engine = (!live).then(|| match &cx.doors.engine {
        None => cx.doors.no_engine.clone(),
        Some(_) => "Docker Compose is not installed, or too old".to_string(),
    });
    // What runs is told all the same.
    let open_run = cx.store.open_run().unwrap_or_else(|error| {
        cx.events.emit(Event::Warning(format!("whether a run is open is not known: {error}")));
        None
    });
    let open_run = open_run.map(|open| open.id.to_string());
    let mut status = Status { open_run, no_engine, ..Status::default() };
    for stack in cx.project.select(named)? {
        if cx.cancel.requested() {
            return Err(Error::new(Kind::Interrupted, "compare what runs").why("interrupted"));
        }
        let looked = if live { with_engine(cx, stack) } else { without_engine(cx, stack) };
        status.stacks.push(looked.unwrap_or_else(|error| StackStatus {
            stack: stack.id.clone(),
            not_compared: vec![error.to_string()],
            ..StackStatus::default()
        }));
    }
    if let Err(error) = backups(cx, &mut status) {
        status.no_backups = Some(error.to_string());
    }
    Ok(status)
}

/// The repository is opened once for all of them: that takes longer than to look at what is in it.
fn backups(cx: &Context<'_>, status: &mut Status) -> Result<()> {
    let named = cx.project.settings.backup.to.is_some();
    let Some(stored) = newest::all(cx)?.or_else(|| (BUILT && named).then(Vec::new)) else { return Ok(()) };
    let engine = cx.doors.engine.as_ref().map(|engine| engine.known()).transpose()?.map(|info| newest::engine_key(&info.id));
    for stack in status.stacks.iter_mut().filter(|stack| !stack.project.is_empty()) {
        stack.backup = Some(backup::Standing::of(&stored, &stack.stack, &stack.project, engine.as_deref(), now_ms()));
    }
    Ok(())
}

fn with_engine(cx: &Context<'_>, stack: &Stack) -> Result<StackStatus> {
    let looked = match Looked::look(cx, stack, None) {
        Ok(looked) => looked,
        // What runs is held against the release all the same.
        Err(unread) => {
            let standing = Standing::recorded(cx, stack)?;
            let recorded = Recorded::look(cx, &standing)?;
            let mut found = compared(&standing.now(), None, recorded.current.as_ref(), &BTreeSet::new(), &BTreeSet::new(), &standing);
            found.not_compared.push(unread.to_string());
            return Ok(found);
        }
    };
    let recorded = Recorded::look(cx, &looked.standing)?;
    let last = recorded.current.as_ref();
    if last.is_none() && looked.standing.containers.is_empty() {
        let project = looked.standing.call.project.clone();
        return Ok(StackStatus { stack: stack.id.clone(), project, unknown: unknown(cx, &looked)?, ..StackStatus::default() });
    }
    // Nobody says which release the files shall be, so it is the one that is there.
    let tag = last.and_then(|release| release.tag.clone()).filter(|_| unset(&looked.model, &looked.standing.settings.tag));
    let looked = if tag.is_some() { Looked::look(cx, stack, tag.as_deref())? } else { looked };
    let standing = &looked.standing;
    let (targets, changed, unrendered) = match &looked.rendered {
        Ok(rendered) => (Some(looked.targets()?), readers(cx, &looked.model, rendered, last)?, None),
        Err(why) => (None, BTreeSet::new(), Some(why.clone())),
    };
    let mut found = compared(&standing.now(), targets.as_ref(), last, &changed, &looked.declared, standing);
    found.not_compared.extend(unrendered);
    found.unknown = unknown(cx, &looked)?;
    Ok(found)
}

fn compared(
    now: &[ContainerNow],
    targets: Option<&BTreeMap<String, Target>>,
    last: Option<&Release>,
    read_changed: &BTreeSet<String>,
    declared: &BTreeSet<String>,
    standing: &Standing<'_>,
) -> StackStatus {
    let compose_version = &standing.live.compose.version.to_string();
    let seen = Seen { now: Some(now), targets, last: last.map(|release| &release.services), read_changed, declared, compose_version };
    StackStatus {
        stack: standing.stack.id.clone(),
        project: standing.call.project.clone(),
        running: now.iter().filter(|one| one.running).count(),
        services: drift(&seen),
        ..of_release(last)
    }
}

fn of_release(last: Option<&Release>) -> StackStatus {
    StackStatus {
        release: last.map(|release| release.id.clone()),
        tag: last.and_then(|release| release.tag.clone()),
        deployed: last.map(|release| readable(release.at_ms)),
        ..StackStatus::default()
    }
}

fn unset(model: &Model, variable: &str) -> bool {
    model.lookup(variable).is_none_or(str::is_empty)
}

/// The services that read a file which is another one than in the release.
fn readers(cx: &Context<'_>, model: &Model, rendered: &Rendered, last: Option<&Release>) -> Result<BTreeSet<String>> {
    let Some(last) = last.filter(|release| !release.adopted) else { return Ok(BTreeSet::new()) };
    let now = records::kept(cx, model, &rendered.json, &mut Vec::new())?;
    Ok(files::readers(&rendered.json, &files::changed(&last.kept, &now)))
}

/// Containers under the project's name that no stack here has made.
fn unknown(cx: &Context<'_>, looked: &Looked<'_>) -> Result<Vec<String>> {
    let engine = looked.standing.live.engine.as_ref();
    let project = looked.standing.call.project.as_str();
    let mut known: BTreeSet<String> = looked.standing.containers.iter().map(|one| one.id.clone()).collect();
    let of_project = [("com.docker.compose.project", project), ("com.docker.compose.oneoff", "False")];
    let there = engine.containers(&of_project)?;
    if there.iter().all(|one| known.contains(&one.id)) {
        return Ok(Vec::new());
    }
    for stack in cx.project.stacks.iter().filter(|stack| stack.id != looked.standing.stack.id) {
        let elsewhere = elsewhere(cx, stack, project)?;
        let running = crate::proof::health::Running { project: project.to_string(), config_files: stack.files.clone(), elsewhere };
        known.extend(crate::proof::health::containers(engine, &running)?.into_iter().map(|one| one.id));
    }
    let mut unknown: Vec<String> = there.into_iter().filter(|one| !known.contains(&one.id)).map(|one| one.name).collect();
    unknown.sort();
    Ok(unknown)
}

/// The files against the release, which is all that can be said.
fn without_engine(cx: &Context<'_>, stack: &Stack) -> Result<StackStatus> {
    let model = read(stack, &cx.environment)?;
    let blank = StackStatus { stack: stack.id.clone(), project: model.name.clone(), ..StackStatus::default() };
    let mut last = None;
    let mut shelves = 0;
    for (_, releases) in Releases::of_stack(&cx.state_folder()?, &stack.id)? {
        shelves += 1;
        if let Some(current) = releases.current()? {
            last = Some(releases.get(&current)?);
        }
    }
    let Some(last) = last else { return Ok(blank) };
    let mut found = StackStatus { stack: blank.stack, project: blank.project, ..of_release(Some(&last)) };
    if shelves > 1 {
        found
            .not_compared
            .push("it has releases on several engines, or under several names; which of them is meant the engine says".into());
        return Ok(found);
    }
    let Some(compose) = &cx.doors.compose else {
        found.not_compared.push("Docker Compose is not installed, or too old; it renders the files".into());
        return Ok(found);
    };
    let settings = cx.project.deploy(&stack.id);
    let tag = last.tag.clone().filter(|_| unset(&model, &settings.tag));
    let env: Vec<(String, String)> = tag.map(|tag| (settings.tag.clone(), tag)).into_iter().collect();
    let call = StackCall { env, ..call::for_compose(stack, &model) };
    cx.masker.replace(hidden::masker(&hidden::of_project(cx, std::iter::once(&model))));
    let rendered = match rendered(cx, compose, &call) {
        Ok(rendered) => rendered,
        Err(why) => {
            found.not_compared.push(why);
            return Ok(found);
        }
    };
    let targets = targets(&rendered.json, &rendered.hashes, &BTreeMap::new(), &settings.strategy);
    let read_changed = &readers(cx, &model, &rendered, Some(&last))?;
    let declared = &call::services(stack, &Disk, &cx.environment)?;
    let seen = Seen { now: None, targets: Some(&targets), last: Some(&last.services), read_changed, declared, compose_version: "" };
    found.services = drift(&seen);
    Ok(found)
}
