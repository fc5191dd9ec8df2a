//! A stack tried beside the live one, in a throwaway project that can touch nothing of it.
//!
//! Created, looked at, and only then started: nothing of it runs before it is known to share nothing.
//! Everything carries the run's label and is removed by it, through the API, never by `down -v`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Verdict;
use super::health;
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::engine::compose::Compose;
use crate::engine::remove::{RUN_LABEL, remove_run};
use crate::engine::wait::budget::longest_paths;
use crate::engine::wait::{Unwell, Waited, Well, until_tried};
use crate::error::{Error, Kind, Result};
use crate::secret::Masker;

pub mod copy;
pub mod isolation;
mod outside;
pub mod rewrite;

pub use rewrite::LeftOut;
use rewrite::{Facts, Rewritten};

/// For what compose and the engine do besides waiting for healthchecks.
const STARTING: Duration = Duration::from_secs(120);
/// What a job may take on real data.
const AT_WORK: Duration = Duration::from_secs(60 * 60);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

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
    /// Throwaway volumes of the run that are there and hold data already.
    pub filled: BTreeSet<String>,
    /// By project and service, those that must come to their end, however long they take on real data.
    pub jobs: BTreeSet<(String, String)>,
    pub masker: &'a Masker,
    pub cancel: &'a Cancel,
}

/// A stack to rehearse: its rendered model, as `docker compose config` prints it.
#[derive(Clone, Copy)]
pub struct Stack<'a> {
    pub name: &'a str,
    pub model: &'a Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    pub verdict: Verdict,
    /// Not rehearsed, by stack, and why: to be said beside the verdict, whatever it is.
    pub left_out: Vec<(String, LeftOut)>,
}

/// What one container of a rehearsal is in its stack.
struct Part {
    id: String,
    needs: Option<String>,
    never_ends: bool,
    is_job: bool,
}

impl Rehearsal<'_> {
    /// Starts the stacks together, one after the other, and waits until all are well. They share what
    /// they share in production: networks and volumes of the same name. Whatever comes of it, nothing
    /// remains.
    ///
    /// # Errors
    /// A model cannot be rewritten (`Refused`), the engine does not answer or something cannot be
    /// removed (`Failed`), somebody wants to stop (`Interrupted`).
    pub fn rehearse(&self, stacks: &[Stack<'_>]) -> Result<Rehearsed> {
        let rehearsed = self.copied_and_tried(stacks, false);
        let removed = self.remove();
        let rehearsed = rehearsed?;
        removed?;
        Ok(rehearsed)
    }

    /// The same, with the restart policies that the services have in production; `look` is asked while
    /// everything still is there.
    ///
    /// # Errors
    /// As above, and those of `look`.
    pub fn rehearse_and<T>(&self, stacks: &[Stack<'_>], look: impl FnOnce(&Rehearsed) -> Result<T>) -> Result<(Rehearsed, T)> {
        let looked = self.copied_and_tried(stacks, true).and_then(|rehearsed| look(&rehearsed).map(|looked| (rehearsed, looked)));
        let removed = self.remove();
        let looked = looked?;
        removed?;
        Ok(looked)
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

    fn copied_and_tried(&self, stacks: &[Stack<'_>], keep_restart: bool) -> Result<Rehearsed> {
        let rewritten = self.rewritten(stacks, keep_restart)?;
        let mut left_out = Vec::new();
        for (stack, rewritten) in stacks.iter().zip(&rewritten) {
            left_out.extend(rewritten.left_out.iter().map(|left| (stack.name.to_string(), left.clone())));
        }
        let verdict = self.tried(&rewritten)?;
        Ok(Rehearsed { verdict, left_out })
    }

    fn rewritten(&self, stacks: &[Stack<'_>], keep_restart: bool) -> Result<Vec<Rewritten>> {
        let paths = stacks.iter().flat_map(|stack| rewrite::bound_paths(stack.model)).collect();
        let copied = copy::copy_all(&paths, self.scratch)?;
        let mut images = BTreeMap::new();
        for name in stacks.iter().flat_map(|stack| rewrite::images(stack.model)) {
            if let Some(image) = self.engine.image(&name)? {
                images.insert(name, image.healthcheck);
            }
        }
        let mut facts = Facts {
            run: self.run.to_string(),
            copies: copied.copies,
            not_copied: copied.not_copied,
            images,
            keep_restart,
            outside: outside::look(self.engine, stacks)?,
            made: self.filled.clone(),
            jobs: self.jobs.clone(),
            ..Facts::default()
        };
        let mut all = Vec::new();
        for (number, stack) in stacks.iter().enumerate() {
            facts.project = rewrite::project(self.run, number);
            let rewritten = rewrite::rewrite(stack.model, &facts)?;
            facts.made.extend(rewritten.made.iter().cloned());
            all.push(rewritten);
        }
        Ok(all)
    }

    fn tried(&self, stacks: &[Rewritten]) -> Result<Verdict> {
        let mut started = Ok(());
        for stack in stacks.iter().filter(|stack| !stack.services.is_empty()) {
            started = self.start(stack)?;
            if started.is_err() {
                break;
            }
        }
        let parts = self.parts(stacks)?;
        if parts.is_empty() && started.is_ok() {
            return Ok(Verdict::NotProven { needs: "at least one service that can be rehearsed".into() });
        }
        let ids: Vec<String> = parts.values().map(|part| part.id.clone()).collect();
        // Compose gives up when one that others wait for is ill: then who that is says more than it does.
        let waited = match &started {
            Ok(()) => match until_tried(self.engine, &ids, self.settle, self.masker, self.cancel)? {
                Waited::Well(_) if parts.values().any(|part| part.is_job) => {
                    if let Some(needs) = self.await_jobs(&parts)? {
                        return Ok(Verdict::NotProven { needs });
                    }
                    until_tried(self.engine, &ids, self.settle, self.masker, self.cancel)?
                }
                waited => waited,
            },
            Err(_) => self.ill(&ids)?,
        };
        match (ended_too_early(waited, &parts), started) {
            (Waited::Unwell(unwell), _) if !unwell.is_empty() => Ok(judge(unwell, &parts)),
            (_, Err(error)) => Ok(Verdict::Fails { why: vec![error.to_string()] }),
            (waited, Ok(())) => Ok(health::verdict(waited)),
        }
    }

    /// The inner result is how Compose came out of it; the outer one ends the rehearsal.
    fn start(&self, stack: &Rewritten) -> Result<Result<()>> {
        let (json, project) = (stack.model.to_string(), stack.project());
        self.compose.create_frozen(json.as_bytes(), project, STARTING, self.masker, self.cancel)?;
        self.on_its_own()?;
        let deadline = STARTING + longest_path(&stack.model);
        let started = if nobody_waits(&stack.model) {
            self.start_all(project)
        } else {
            self.compose.up_frozen(json.as_bytes(), project, deadline, self.masker, self.cancel)
        };
        match started {
            Err(error) if error.kind == Kind::Interrupted => Err(error),
            started => {
                self.on_its_own()?;
                Ok(started)
            }
        }
    }

    /// In no order: another call of Compose would only take its time.
    fn start_all(&self, project: &str) -> Result<()> {
        for container in self.engine.containers(&[(RUN_LABEL, self.run), ("com.docker.compose.project", project)])? {
            // What the engine says may quote the command.
            let masked = |error: Error| Error { why: error.why.as_ref().map(|why| self.masker.mask(why).into_owned()), ..error };
            self.engine.start(&container.id).map_err(masked)?;
        }
        Ok(())
    }

    /// Every container of the rehearsal, by its name.
    fn parts(&self, stacks: &[Rewritten]) -> Result<BTreeMap<String, Part>> {
        let mut parts = BTreeMap::new();
        for container in self.engine.containers(&[(RUN_LABEL, self.run)])? {
            let label = |name: &str| container.labels.get(&format!("com.docker.compose.{name}")).map_or("", String::as_str);
            let stack = stacks.iter().find(|stack| stack.project() == label("project"));
            let part = Part {
                id: container.id.clone(),
                needs: stack.and_then(|stack| stack.needs.get(label("service")).cloned()),
                never_ends: stack.is_some_and(|stack| stack.never_end.contains(label("service"))),
                is_job: stack.is_some_and(|stack| stack.jobs.contains(label("service"))),
            };
            parts.insert(container.name, part);
        }
        Ok(parts)
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

    /// Until none is at work any more; what is missing, when that takes too long.
    fn await_jobs(&self, parts: &BTreeMap<String, Part>) -> Result<Option<String>> {
        let until = Instant::now() + AT_WORK;
        for (name, part) in parts.iter().filter(|(_, part)| part.is_job) {
            while self.engine.container(&part.id)?.is_some_and(|container| container.is_up()) {
                if self.cancel.requested() {
                    return Err(Error::new(Kind::Interrupted, "rehearse the stack").why("interrupted"));
                }
                if Instant::now() > until {
                    return Ok(Some(format!("more time: {name} was at work for {} min", AT_WORK.as_secs() / 60)));
                }
                std::thread::sleep(LOOK_AGAIN);
            }
        }
        Ok(None)
    }

    /// Those that ran and are not well now, without waiting any longer.
    fn ill(&self, ids: &[String]) -> Result<Waited> {
        let mut ill = Vec::new();
        for id in ids {
            let Some(container) = self.engine.container(id)? else { continue };
            if crate::engine::wait::is_ill(&container) {
                match until_tried(self.engine, std::slice::from_ref(id), self.settle, self.masker, self.cancel)? {
                    Waited::Unwell(unwell) => ill.extend(unwell),
                    Waited::Well(_) => {}
                }
            }
        }
        Ok(Waited::Unwell(ill))
    }
}

/// Whether all services of a model can be started at once, and Compose has nothing to do after a start.
fn nobody_waits(model: &Value) -> bool {
    let empty = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty) && value.as_array().is_none_or(Vec::is_empty);
    let alone = |service: &Value| {
        let lists = ["depends_on", "links", "post_start"].iter().all(|key| service.get(*key).is_none_or(empty));
        let mode = |key: &str| service.get(key).and_then(Value::as_str).unwrap_or_default();
        lists && !["network_mode", "pid", "ipc"].iter().any(|key| mode(key).starts_with("service:"))
    };
    model.get("services").and_then(Value::as_object).into_iter().flatten().all(|(_, service)| alone(service))
}

/// A rehearsal starts nothing again, so what is a loop in production looks like a one-shot here.
fn ended_too_early(waited: Waited, parts: &BTreeMap<String, Part>) -> Waited {
    let Waited::Well(well) = &waited else { return waited };
    let looping = |(name, how): &(&String, &Well)| **how == Well::Done && parts.get(*name).is_some_and(|part| part.never_ends);
    let why = "exited with code 0, and would be started again and again";
    let ended = well.iter().filter(looping).map(|(name, _)| Unwell {
        service: String::new(),
        container: name.clone(),
        why: why.to_string(),
        log: String::new(),
    });
    let ended: Vec<Unwell> = ended.collect();
    if ended.is_empty() { waited } else { Waited::Unwell(ended) }
}

/// One that leans on something that is not rehearsed proves nothing by being ill.
fn judge(unwell: Vec<Unwell>, parts: &BTreeMap<String, Part>) -> Verdict {
    let needs = |unwell: &Unwell| parts.get(&unwell.container).and_then(|part| part.needs.clone());
    let outside: Option<BTreeSet<String>> = unwell.iter().map(needs).collect();
    if let Some(outside) = outside {
        let services: Vec<&str> = unwell.iter().map(|unwell| unwell.service.as_str()).collect();
        let outside: Vec<String> = outside.into_iter().collect();
        return Verdict::NotProven { needs: format!("{} (for {})", outside.join(", "), services.join(", ")) };
    }
    health::verdict(Waited::Unwell(unwell.into_iter().filter(|unwell| needs(unwell).is_none()).collect()))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_start_at_once_where_none_waits_for_another() {
        let waits = |service: Value| !nobody_waits(&json!({"services": {"db": {"image": "i"}, "web": service}}));
        assert!(!waits(json!({"image": "i", "depends_on": {}, "links": [], "network_mode": "none", "ipc": "private"})));
        for service in [
            json!({"depends_on": {"db": {"condition": "service_started"}}}),
            json!({"links": ["db"]}),
            json!({"network_mode": "service:db"}),
            json!({"pid": "service:db"}),
            json!({"post_start": [{"command": ["true"]}]}),
        ] {
            assert!(waits(service.clone()), "{service}");
        }
    }
}
