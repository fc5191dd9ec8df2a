//! A stack tried beside the live one, in a throwaway project that can touch nothing of it.
//!
//! Created, looked at, and only then started: nothing of it runs before it is known to share nothing.
//! Everything carries the run's label and is removed by it, through the API, never by `down -v`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Verdict;
use super::health;
use crate::engine::compose::Compose;
use crate::engine::remove::{RUN_LABEL, remove_run};
use crate::engine::wait::budget::longest_paths;
use crate::engine::wait::{Unwell, Waited, Well, until_well};
use crate::engine::{Engine, Listed};
use crate::error::{Error, Kind, Result};
use crate::process::Cancel;
use crate::secret::Masker;

pub mod copy;
pub mod isolation;
pub mod rewrite;

pub use rewrite::LeftOut;
use rewrite::{Facts, Rewritten};

/// For what compose and the engine do besides waiting for healthchecks.
const STARTING: Duration = Duration::from_secs(120);

/// What a rehearsal works with.
pub struct Rehearsal<'a> {
    pub engine: &'a dyn Engine,
    pub compose: &'a Compose,
    /// Names and labels everything; two rehearsals of one run come one after the other.
    pub run: &'a str,
    /// Made for the copies of bound files, and removed at the end. A private place of the run's.
    pub scratch: &'a Path,
    /// How long a container without a healthcheck must run undisturbed.
    pub settle: Duration,
    pub masker: &'a Masker,
    pub cancel: &'a Cancel,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    pub verdict: Verdict,
    /// Not rehearsed, and why: to be said beside the verdict, whatever it is.
    pub left_out: Vec<LeftOut>,
}

impl Rehearsal<'_> {
    /// Starts the rendered model (as `docker compose config` prints it) and waits until it is well.
    /// Whatever comes of it, nothing remains.
    ///
    /// # Errors
    /// The model cannot be rewritten (`Refused`), the engine does not answer or something cannot be
    /// removed (`Failed`), somebody wants to stop (`Interrupted`).
    pub fn rehearse(&self, model: &Value) -> Result<Rehearsed> {
        let rehearsed = self.copied_and_tried(model);
        let removed = self.remove();
        let rehearsed = rehearsed?;
        removed?;
        Ok(rehearsed)
    }

    /// Also for recovery: takes away what is left of this run's rehearsals.
    ///
    /// # Errors
    /// `Failed`: something cannot be removed.
    pub fn remove(&self) -> Result<()> {
        let removed = remove_run(self.engine, self.run);
        copy::remove(self.scratch)?;
        removed.map(|_| ())
    }

    fn copied_and_tried(&self, model: &Value) -> Result<Rehearsed> {
        let copied = copy::copy_all(&rewrite::bound_paths(model), self.scratch)?;
        let mut images = BTreeMap::new();
        for name in rewrite::images(model) {
            if let Some(image) = self.engine.image(&name)? {
                images.insert(name, image.healthcheck);
            }
        }
        let facts = Facts { run: self.run.to_string(), copies: copied.copies, not_copied: copied.not_copied, images };
        let rewritten = rewrite::rewrite(model, &facts)?;
        let verdict = if rewritten.services.is_empty() {
            Verdict::NotProven { needs: "at least one service that can be rehearsed".into() }
        } else {
            self.tried(&rewritten)?
        };
        Ok(Rehearsed { verdict, left_out: rewritten.left_out })
    }

    fn tried(&self, rewritten: &Rewritten) -> Result<Verdict> {
        let (json, project) = (rewritten.model.to_string(), rewrite::project(self.run));
        self.compose.create_frozen(json.as_bytes(), &project, STARTING, self.masker, self.cancel)?;
        self.on_its_own()?;
        let deadline = STARTING + longest_path(&rewritten.model);
        let started = self.compose.up_frozen(json.as_bytes(), &project, deadline, self.masker, self.cancel);
        if let Err(error) = &started
            && error.kind == Kind::Interrupted
        {
            return Err(error.clone());
        }
        self.on_its_own()?;
        let listed = self.engine.containers(&[(RUN_LABEL, self.run)])?;
        let ids: Vec<String> = listed.iter().map(|container| container.id.clone()).collect();
        // Compose gives up when one that others wait for is ill: then who that is says more than it does.
        let waited = match &started {
            Ok(()) => until_well(self.engine, &ids, self.settle, self.masker, self.cancel)?,
            Err(_) => self.ill(&ids)?,
        };
        let waited = ended_too_early(waited, &listed, &rewritten.never_end);
        match (waited, started) {
            (Waited::Unwell(unwell), _) if !unwell.is_empty() => Ok(judge(unwell, &rewritten.needs)),
            (_, Err(error)) => Ok(Verdict::Fails { why: vec![error.to_string()] }),
            (waited, Ok(())) => Ok(health::verdict(waited)),
        }
    }

    /// # Errors
    /// A container of the rehearsal shares something with others. That is a fault of the rewrite, so
    /// it is not a verdict on the stack.
    fn on_its_own(&self) -> Result<()> {
        let shared = isolation::shared(self.engine, self.run, self.scratch)?;
        if shared.is_empty() {
            return Ok(());
        }
        Err(Error::refused("rehearse the stack beside the live one").why(shared.join("; ")))
    }

    /// Those that ran and are not well now, without waiting any longer.
    fn ill(&self, ids: &[String]) -> Result<Waited> {
        let mut ill = Vec::new();
        for id in ids {
            let Some(container) = self.engine.container(id)? else { continue };
            if crate::engine::wait::is_ill(&container) {
                match until_well(self.engine, std::slice::from_ref(id), self.settle, self.masker, self.cancel)? {
                    Waited::Unwell(unwell) => ill.extend(unwell),
                    Waited::Well(_) => {}
                }
            }
        }
        Ok(Waited::Unwell(ill))
    }
}

/// A rehearsal starts nothing again, so what is a loop in production looks like a one-shot here.
fn ended_too_early(waited: Waited, listed: &[Listed], never_end: &BTreeSet<String>) -> Waited {
    let Waited::Well(well) = &waited else { return waited };
    let mut ended = Vec::new();
    for container in listed.iter().filter(|container| well.get(&container.name) == Some(&Well::Done)) {
        let service = container.labels.get("com.docker.compose.service").map_or("", String::as_str);
        if never_end.contains(service) {
            let why = "exited with code 0, and would be started again and again".to_string();
            ended.push(Unwell { service: service.to_string(), container: container.name.clone(), why, log: String::new() });
        }
    }
    if ended.is_empty() { waited } else { Waited::Unwell(ended) }
}

/// One that leans on something outside of the stack proves nothing by being ill.
fn judge(unwell: Vec<Unwell>, needs: &BTreeMap<String, String>) -> Verdict {
    let outside: BTreeSet<&String> = unwell.iter().filter_map(|unwell| needs.get(&unwell.service)).collect();
    if unwell.iter().all(|unwell| needs.contains_key(&unwell.service)) {
        let services: Vec<&str> = unwell.iter().map(|unwell| unwell.service.as_str()).collect();
        let outside: Vec<&str> = outside.into_iter().map(String::as_str).collect();
        return Verdict::NotProven { needs: format!("{} (for {})", outside.join(", "), services.join(", ")) };
    }
    health::verdict(Waited::Unwell(unwell.into_iter().filter(|unwell| !needs.contains_key(&unwell.service)).collect()))
}

/// How long `up` may wait for the services that others depend on.
fn longest_path(model: &Value) -> Duration {
    let services: Vec<(&String, &Value)> = model.get("services").and_then(Value::as_object).into_iter().flatten().collect();
    let own = services.iter().map(|(name, service)| {
        let bound = rewrite::bound(service.get("healthcheck"), None);
        (name.as_str(), bound.unwrap_or(Duration::from_secs(60)))
    });
    let needs = services.iter().map(|(name, service)| {
        let needs = service.get("depends_on").and_then(Value::as_object).into_iter().flatten();
        (name.as_str(), needs.map(|(needed, _)| needed.as_str()).collect())
    });
    longest_paths(&own.collect(), &needs.collect()).into_values().max().unwrap_or_default()
}
