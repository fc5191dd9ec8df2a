//! The proof of a deploy: read from what runs, never from what the plan believed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::look::{Standing, containers};
use super::probe;
use crate::actions::{Said, World};
use crate::engine::wait::{Waited, Well, until_well};
use crate::engine::{Container, Health};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::proof::{self, health};
use crate::release::{ServiceRecord, Target};
use crate::saga::{Proof, Verdict};
use crate::tasks::Context;

/// Events only shorten the wait.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What must run, and what is there besides it and does not count.
pub struct Expected<'e> {
    pub targets: &'e BTreeMap<String, Target>,
    /// Only these services; empty: all.
    pub services: &'e [String],
    /// Ids of replaced containers, which stay until the run is committed.
    pub replaced: &'e [String],
}

/// Every service is what the plan promised, well, answering, and undisturbed for a while. What runs is noted
/// for the release's record.
pub fn prove(cx: &Context<'_>, world: &World, standing: &Standing<'_>, expected: &Expected<'_>) -> Result<Verdict> {
    let mut proof = Proof::default();
    for said in world.said.borrow().iter() {
        match said {
            Said::Proven { label, detail } => proof.proven.push(format!("{label}: {detail}")),
            Said::NotProven { label, needs } => {
                cx.events.emit(Event::NotProven { label: label.clone(), needs: needs.clone() });
                proof.not_proven.push(format!("{label} (needs {needs})"));
            }
        }
    }
    let running: Vec<Container> =
        containers(standing.live.engine.as_ref(), &standing.call)?.into_iter().filter(|one| !expected.replaced.contains(&one.id)).collect();
    let mut why = Vec::new();
    check(cx, "what runs is what was planned", &mut proof, &mut why, || as_planned(standing, expected, &running))?;
    let ids: Vec<String> = running.iter().filter(|one| expected.concerns(one.service())).map(|one| one.id.clone()).collect();
    check(cx, "every service is well", &mut proof, &mut why, || {
        let settle = Duration::from_secs(standing.settings.settle);
        let waited = until_well(standing.live.engine.as_ref(), &ids, settle, &world.masker, cx.cancel)?;
        let ended = ended(&running, &waited);
        if !ended.is_empty() {
            return Ok(Err(ended));
        }
        Ok(match health::verdict(waited) {
            proof::Verdict::Holds { detail } => Ok(detail),
            proof::Verdict::Fails { why } => Err(why),
            proof::Verdict::NotProven { needs } => Err(vec![format!("needs {needs}")]),
        })
    })?;
    if standing.settings.settle > 0 {
        check(cx, "nothing restarts", &mut proof, &mut why, || settled(cx, standing, &ids))?;
    }
    if why.is_empty() && !standing.settings.probes.is_empty() {
        check(cx, "the probes answer", &mut proof, &mut why, || Ok(probe::all(standing, world, &running)))?;
    }
    if !why.is_empty() {
        return Ok(Verdict::Bad(why));
    }
    *world.running.borrow_mut() = records(world, standing, &running)?;
    Ok(Verdict::Holds(proof))
}

impl Expected<'_> {
    fn concerns(&self, service: &str) -> bool {
        self.targets.contains_key(service) && (self.services.is_empty() || self.services.iter().any(|name| name == service))
    }
}

/// Carries one question out, unless an earlier one was answered badly, and says how it came out.
fn check(
    cx: &Context<'_>,
    label: &str,
    proof: &mut Proof,
    bad: &mut Vec<String>,
    ask: impl FnOnce() -> Result<std::result::Result<String, Vec<String>>>,
) -> Result<()> {
    if !bad.is_empty() {
        return Ok(());
    }
    let (label, started) = (label.to_string(), Instant::now());
    cx.events.emit(Event::ProofStarted { label: label.clone() });
    match ask()? {
        Ok(detail) => {
            proof.proven.push(format!("{label}: {detail}"));
            cx.events.emit(Event::ProofHolds { label, detail, took: started.elapsed() });
        }
        Err(why) => {
            cx.events.emit(Event::ProofFails { label, why: why.clone() });
            bad.extend(why);
        }
    }
    Ok(())
}

type Answer = std::result::Result<String, Vec<String>>;

/// Number, image and configuration of every container.
fn as_planned(standing: &Standing<'_>, expected: &Expected<'_>, running: &[Container]) -> Result<Answer> {
    let mut why = Vec::new();
    let mut services = BTreeSet::new();
    for (service, target) in expected.targets.iter().filter(|(service, _)| expected.concerns(service)) {
        let here: Vec<&Container> = running.iter().filter(|container| container.service() == service).collect();
        if here.len() != target.replicas {
            why.push(format!("{service} has {} containers instead of {}", here.len(), target.replicas));
        }
        let image = standing.live.engine.image(&target.image)?.map(|image| image.id);
        for container in here {
            if image.as_ref() != Some(&container.image_id) {
                why.push(format!("{} runs another image than {}", container.name, target.image));
            }
            let hash = container.labels.get("com.docker.compose.config-hash");
            if target.inside.is_empty() && hash != Some(&target.config_hash) {
                why.push(format!("{} has another configuration than the files say", container.name));
            }
            // Stopped with code 0 it would look like a job that is done.
            let ran = standing.containers.iter().any(|before| before.id == container.id && before.is_up());
            if ran && !container.is_up() && !is_job(service, running) {
                why.push(format!("{} ran when the plan was made, and does not any more", container.name));
            }
        }
        services.insert(service.as_str());
    }
    let detail = format!("image and configuration of {}", services.into_iter().collect::<Vec<_>>().join(", "));
    Ok(if why.is_empty() { Ok(detail) } else { Err(why) })
}

/// Who served when the proof began, and has ended since with code 0, as a job does: the engine was stopped, or
/// somebody did it by hand.
fn ended(before: &[Container], waited: &Waited) -> Vec<String> {
    let Waited::Well(well) = waited else { return Vec::new() };
    let served = |one: &&Container| one.is_up() && (one.state.health == Some(Health::Healthy) || !one.published.is_empty());
    let done = before.iter().filter(served).filter(|one| well.get(&one.name) == Some(&Well::Done));
    done.map(|one| format!("{}: served, and has ended with code 0", one.name)).collect()
}

/// Whether others wait for its end.
fn is_job(service: &str, running: &[Container]) -> bool {
    let ends = format!("{service}:service_completed_successfully:");
    running
        .iter()
        .filter_map(|one| one.labels.get("com.docker.compose.depends_on"))
        .any(|needs| needs.split(',').any(|need| need.starts_with(&ends)))
}

/// Looks again after a while: nothing of it has been started again or become ill. Ctrl-C ends the wait.
fn settled(cx: &Context<'_>, standing: &Standing<'_>, ids: &[String]) -> Result<Answer> {
    let engine = standing.live.engine.as_ref();
    let before: BTreeMap<String, Container> = ids.iter().filter_map(|id| Some((id.clone(), engine.container(id).ok()??))).collect();
    let until = Instant::now() + Duration::from_secs(standing.settings.settle);
    let watch = engine.watch(ids);
    loop {
        let mut why = Vec::new();
        for (id, old) in &before {
            match engine.container(id)? {
                None => why.push(format!("{}: somebody has removed it", old.name)),
                Some(now) if now.restart_count != old.restart_count || now.state.started_at != old.state.started_at => {
                    why.push(format!("{}: was started again", old.name));
                }
                Some(now) if old.is_up() && !now.is_up() => why.push(format!("{}: exited with code {}", old.name, now.state.exit_code)),
                Some(now) if crate::engine::wait::is_ill(&now) => why.push(format!("{}: is not well any more", old.name)),
                Some(_) => {}
            }
        }
        if !why.is_empty() {
            return Ok(Err(why));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Ok(format!("{} s without a restart", standing.settings.settle)));
        }
        if cx.cancel.requested() {
            return Err(Error::new(Kind::Interrupted, "prove a deploy").why("interrupted"));
        }
        watch.wait(left.min(LOOK_AGAIN));
    }
}

/// What runs, as a release records it; the specifications become blobs of the run.
pub fn records(world: &World, standing: &Standing<'_>, running: &[Container]) -> Result<BTreeMap<String, ServiceRecord>> {
    let engine = standing.live.engine.as_ref();
    let mut records: BTreeMap<String, ServiceRecord> = BTreeMap::new();
    for container in running {
        let Some(spec) = engine.spec(&container.id)? else { continue };
        let content = world.blobs.put(&spec.to_bytes()?)?;
        let record = record_of(engine, container, &mut records)?;
        record.containers.insert(container.name.clone(), content);
    }
    Ok(records)
}

/// The record of a container's service, without its containers when it is new.
pub fn record_of<'r>(
    engine: &dyn crate::engine::Engine,
    container: &Container,
    records: &'r mut BTreeMap<String, ServiceRecord>,
) -> Result<&'r mut ServiceRecord> {
    match records.entry(container.service().to_string()) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(new) => {
            let image = engine.image(&container.image_id)?;
            let now = super::look::now(container);
            Ok(new.insert(ServiceRecord {
                image: container.image.clone(),
                image_id: container.image_id.clone(),
                repo_digests: image.map(|image| image.digests).unwrap_or_default(),
                config_hash: now.config_hash,
                done: now.done,
                containers: BTreeMap::new(),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Status;
    use crate::engine::wait::tests::container;

    #[test]
    fn who_served_is_no_job_that_is_done() {
        let done = Waited::Well([("name".to_string(), Well::Done)].into());
        let mut one = container(Status::Running);
        // It may be a job.
        assert_eq!(ended(std::slice::from_ref(&one), &done), Vec::<String>::new());
        one.published = vec!["8080".into()];
        assert_eq!(ended(std::slice::from_ref(&one), &done), ["name: served, and has ended with code 0"]);
        one.published.clear();
        one.state.health = Some(Health::Healthy);
        assert_eq!(ended(std::slice::from_ref(&one), &done).len(), 1);
        let well = Waited::Well([("name".to_string(), Well::Healthy)].into());
        assert_eq!(ended(std::slice::from_ref(&one), &well), Vec::<String>::new());
        one.state.status = Status::Exited;
        assert_eq!(ended(&[one], &done), Vec::<String>::new());
    }
}
