//! The proof: what was on the list is gone, nothing that was kept is, and whoever ran runs undisturbed.

use std::collections::BTreeSet;
use std::time::Instant;

use super::engine;
use super::gather::gather;
use super::look::Found;
use super::stock::{Kind, Thing};
use crate::actions::{World, removal_was_begun};
use crate::engine::{Container, Engine, Health, Status};
use crate::error::Result;
use crate::event::Event;
use crate::saga::{Proof, Verdict};
use crate::tasks::Context;
use crate::tasks::phase::prove::on_the_way;
use crate::tasks::phase::validate::validated;

pub fn prove(cx: &Context<'_>, world: &World, found: &Found) -> Result<Verdict> {
    let mut proof = on_the_way(cx, world);
    let engine = engine(cx)?;
    let now = gather(engine.as_ref())?;
    let there: BTreeSet<(Kind, &str)> = now.things.iter().map(|thing| (thing.kind, thing.id.as_str())).collect();
    let is_there = |thing: &Thing| there.contains(&(thing.kind, thing.id.as_str()));
    let is_used =
        |thing: &Thing| now.things.iter().any(|other| other.kind == thing.kind && other.id == thing.id && !other.used_by.is_empty());

    // What cannot come back goes after the proof.
    let removed: Vec<&Thing> = found.unused.iter().map(|(thing, _)| thing).filter(|thing| thing.comes_back()).collect();
    let (stays, gone): (Vec<&Thing>, Vec<&Thing>) = removed.into_iter().partition(|thing| is_there(thing));
    // What its step has left alone was said.
    let remains = |thing: &&Thing| !is_used(thing) && removal_was_begun(world, thing.kind.word(), &thing.id);
    let why = stays.iter().filter(|thing| remains(thing)).map(|thing| format!("the {} {} is still there", thing.kind.word(), thing.name));
    let detail = format!("{} of {}", gone.len(), gone.len() + stays.len());
    if !holds(cx, &mut proof, "what was on the list is gone", detail, why.collect()) {
        return Ok(Verdict::Bad(vec!["not everything on the list could be removed".into()]));
    }

    // Others may remove what is theirs meanwhile; what is ours must be there.
    let ours = |thing: &Thing| thing.project().is_some_and(|project| found.projects.contains(project));
    let kept: Vec<&Thing> = found.kept.iter().map(|(thing, _)| thing).filter(|thing| ours(thing)).collect();
    let lost = kept.iter().filter(|thing| !is_there(thing) && thing.kind != Kind::Container);
    let why: Vec<String> = lost.map(|thing| format!("the {} {} is gone", thing.kind.word(), thing.name)).collect();
    if !holds(cx, &mut proof, "what is kept is there", format!("{} of this project", kept.len()), why.clone()) {
        return Ok(Verdict::Bad(why));
    }

    let (count, why) = undisturbed(engine.as_ref(), found)?;
    if !holds(cx, &mut proof, "whoever was well is well", format!("{count} containers, undisturbed"), why.clone()) {
        return Ok(Verdict::Bad(why));
    }
    validated(cx, &cx.project.settings.validate.cleanup, Verdict::Holds(proof))
}

fn holds(cx: &Context<'_>, proof: &mut Proof, label: &str, detail: String, why: Vec<String>) -> bool {
    let (label, began) = (label.to_string(), Instant::now());
    if !why.is_empty() {
        cx.events.emit(Event::ProofFails { label, why });
        return false;
    }
    proof.proven.push(format!("{label}: {detail}"));
    cx.events.emit(Event::ProofHolds { label, detail, took: began.elapsed() });
    true
}

/// The containers of the project that ran and were not ill: the same ones run, and were not started again.
fn undisturbed(engine: &dyn Engine, found: &Found) -> Result<(usize, Vec<String>)> {
    let ours =
        |container: &&Container| container.labels.get("com.docker.compose.project").is_some_and(|project| found.projects.contains(project));
    let well = |container: &&Container| {
        container.state.status == Status::Running && !matches!(container.state.health, Some(Health::Unhealthy | Health::Starting))
    };
    let (mut count, mut why) = (0, Vec::new());
    for before in found.containers.iter().filter(ours).filter(well) {
        count += 1;
        let now = engine.container(&before.id)?;
        let same = now.is_some_and(|now| {
            let lives = now.state.status == Status::Running && now.state.started_at == before.state.started_at;
            lives && now.restart_count == before.restart_count && now.state.health != Some(Health::Unhealthy)
        });
        if !same {
            why.push(format!("{} is not as well as before", before.name));
        }
    }
    Ok((count, why))
}
