//! The real data that a rehearsal starts on: a copy, restored from the last verified backup of each stack in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::backed_up::BackedUp;
use super::look::Looked;
use crate::actions::{Laid, LaidServer, LayBeside};
use crate::backup::{LABEL, Place, Stored};
use crate::engine::{Container, Engine};
use crate::error::Result;
use crate::guards::Checked;
use crate::guards::deploy::{Room, newest_verified, room_for_data};
use crate::proof::rehearsal::rewrite::{made, throwaway_name, volumes};
use crate::saga::{RunId, now_ms};
use crate::tasks::Context;
use crate::tasks::backup::{newest, place};
use crate::tasks::history::readable;
use crate::tasks::restore::room::{free, room};
use crate::tasks::restore::servers::{Tenant, dumped, laid};
use crate::text::age;

/// What the rehearsal's volumes are filled with.
pub struct RealData {
    pub lay: Vec<LayBeside>,
    /// By project and service, jobs that came to their end when they last ran.
    pub jobs: BTreeSet<(String, String)>,
    pub guards: Vec<Checked>,
    /// For people, before anybody is asked.
    pub lines: Vec<String>,
}

/// What a backup holds, made already or by this run.
struct Source {
    name: String,
    at_ms: u64,
    /// Service, adapter, and the image's name and id.
    dumps: Vec<[String; 4]>,
    volumes: Vec<String>,
    /// Bytes that a copy takes.
    needed: u64,
}

/// `models`: what may be rehearsed, by stack, with only those services.
///
/// # Errors
/// The engine does not answer, or the repository cannot be read.
pub fn look(cx: &Context<'_>, looked: &Looked<'_>, backups: &BackedUp, models: &[(String, Value)], run: &RunId) -> Result<RealData> {
    let engine = looked.standing.live.engine.as_ref();
    let place = place::of(cx, None)?;
    let all = newest::all(cx)?.unwrap_or_default();
    let key = newest::engine_key(&engine.known()?.id);
    let (mut lay, mut why, mut help, mut lines, mut needed) = (Vec::new(), Vec::new(), String::new(), Vec::new(), 0);
    for ((stack, model), live) in models.iter().zip(shared_out(cx, engine, models)?) {
        if live.is_empty() {
            continue;
        }
        let project = model.get("name").and_then(Value::as_str).unwrap_or_default();
        let of_stack: Vec<Stored> = newest::of_stack(&all, stack, project, Some(&key)).cloned().collect();
        let first = backups.planned().filter(|_| *stack == looked.standing.stack.id);
        let source = match (first, newest_verified(&of_stack)) {
            (Some(take), _) => Source {
                name: take.summary.name.clone(),
                at_ms: take.summary.at_ms,
                dumps: take
                    .dumps
                    .iter()
                    .map(|dump| [&dump.service, &dump.adapter, &dump.image, &dump.image_id].map(String::clone))
                    .collect(),
                volumes: take.summary.volumes.clone(),
                needed: of_stack.last().map_or(0, |last| last.summary.bytes),
            },
            (None, Some(stored)) => stored_one(cx, engine, &place, stored, &live)?,
            (None, None) => {
                why.push(format!("{stack} keeps data ({}), and no backup of it was ever verified", names(&live)));
                help = format!("make one: `cargo xtask backup {stack} --verify`");
                continue;
            }
        };
        let (one, missing) = fill(engine, &place, project, &source, &live, run)?;
        if !missing.is_empty() {
            why.push(format!("{} does not have {} of {stack}", source.name, names(&missing)));
            help = format!("make a new one: `cargo xtask backup {stack} --verify`; a volume that needs none says `{LABEL}: off`");
        }
        lines.push(format!(
            "rehearse {stack} on a copy of its data from {}, {} ({} ago)",
            source.name,
            readable(source.at_ms),
            age(now_ms().saturating_sub(source.at_ms))
        ));
        needed += source.needed;
        lay.push(one);
    }
    let room = free(engine).filter(|_| !lay.is_empty()).map(|free| Room { free, needed });
    let done = looked.standing.now().into_iter().filter(|container| container.done);
    let jobs = done.map(|container| (looked.standing.call.project.clone(), container.service)).collect();
    Ok(RealData { lay, jobs, guards: vec![Checked::new("rehearsal-data", why, help), room_for_data(room)], lines })
}

fn names(volumes: &BTreeSet<String>) -> String {
    volumes.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The volumes that are filled for each stack: what several have is filled once, for the one that makes it.
fn shared_out(cx: &Context<'_>, engine: &dyn Engine, models: &[(String, Value)]) -> Result<Vec<BTreeSet<String>>> {
    let makes: Vec<BTreeSet<String>> = models.iter().map(|(_, model)| made(model)).collect();
    let mut whose: BTreeMap<String, usize> = BTreeMap::new();
    for (number, (_, model)) in models.iter().enumerate() {
        for volume in kept(cx, engine, model)? {
            let made_here = makes[number].contains(&volume);
            let first = whose.entry(volume.clone()).or_insert(number);
            if made_here && !makes[*first].contains(&volume) {
                *first = number;
            }
        }
    }
    let of = |number| whose.iter().filter(|(_, of)| **of == number).map(|(volume, _)| volume.clone()).collect();
    Ok((0..models.len()).map(of).collect())
}

/// The volumes of the model that are there, and that a backup shall have.
fn kept(cx: &Context<'_>, engine: &dyn Engine, model: &Value) -> Result<BTreeSet<String>> {
    let off = |service: &str| {
        let label = model.pointer("/services").and_then(|all| all.get(service)?.get("labels")?.get(LABEL)?.as_str());
        let settings = cx.project.settings.backup.services.get(service).and_then(|service| service.how.as_deref());
        label.or(settings) == Some("off")
    };
    let mut kept = BTreeSet::new();
    for (service, volume) in volumes(model) {
        if !off(&service) && engine.volume(&volume)?.is_some() {
            kept.insert(volume);
        }
    }
    Ok(kept)
}

fn stored_one(cx: &Context<'_>, engine: &dyn Engine, place: &Place, stored: &Stored, live: &BTreeSet<String>) -> Result<Source> {
    let manifest = place::open(cx, place)?.content(&stored.summary.name, false)?.manifest()?;
    let dumps = dumped(&manifest, &[]);
    let services: Vec<&str> = dumps.iter().map(|dump| dump.service.as_str()).collect();
    let copied: Vec<&str> = manifest.volumes.iter().map(|copied| copied.volume.as_str()).filter(|name| live.contains(*name)).collect();
    Ok(Source {
        name: stored.summary.name.clone(),
        at_ms: stored.summary.at_ms,
        needed: room(engine, &manifest, &copied, &services).map_or(0, |room| room.needed),
        volumes: manifest.volumes.iter().map(|copied| copied.volume.clone()).collect(),
        dumps: dumps.iter().map(|dump| [&dump.service, &dump.adapter, &dump.image, &dump.image_id].map(String::clone)).collect(),
    })
}

/// What is laid into the throwaway volumes, and what of the live ones nothing is laid for.
fn fill(
    engine: &dyn Engine,
    place: &Place,
    project: &str,
    source: &Source,
    live: &BTreeSet<String>,
    run: &RunId,
) -> Result<(LayBeside, BTreeSet<String>)> {
    let mut containers: Vec<Container> = Vec::new();
    for listed in engine.containers(&[("com.docker.compose.project", project), ("com.docker.compose.oneoff", "False")])? {
        containers.extend(engine.container(&listed.id)?);
    }
    let fresh = |volume: &str| throwaway_name(run.as_str(), volume);
    let mut missing = live.clone();
    let mut lay = LayBeside { place: place.clone(), name: source.name.clone(), volumes: Vec::new(), servers: Vec::<LaidServer>::new() };
    for [service, adapter, image, image_id] in &source.dumps {
        let Some(container) = containers.iter().find(|container| container.service() == service) else { continue };
        let tenant = Tenant::of(container);
        let Ok(mount) = tenant.data(adapter) else { continue };
        if let Ok(server) = laid(&containers, (service, adapter, image, image_id), fresh(&mount.name))
            && missing.remove(&mount.name)
        {
            lay.servers.push(server);
        }
    }
    for volume in &source.volumes {
        if missing.remove(volume) {
            lay.volumes.push(Laid { volume: volume.clone(), fresh: fresh(volume) });
        }
    }
    Ok((lay, missing))
}
