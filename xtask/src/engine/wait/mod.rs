//! Waiting until containers are well, each within its own budget.
//!
//! The events of the engine only shorten the wait: the verdict is what an inspection says, asked at
//! every event, at every reconnection and at least every two seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Container, Engine, Health, Status};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::secret::Masker;

pub mod budget;
pub mod clock;
#[cfg(test)]
pub(crate) mod tests;
use budget::Budgets;

/// For how long a container without a healthcheck must run undisturbed.
pub const SETTLE: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// From so many bytes on the engine keeps only the beginning of what a check printed.
const CHECK_OUTPUT_CUT: usize = 4096;
const CANCEL_POLL: Duration = Duration::from_millis(200);
/// Started anew so often while it is waited for, it is in a loop, whatever it says in between.
const LOOP_AFTER_STARTS: u32 = 3;
const LOG_LINES: usize = 20;

/// In which way a container is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Well {
    Healthy,
    /// It has no healthcheck, and ran undisturbed.
    Running,
    /// It was meant to end, and did with exit code 0.
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwell {
    pub service: String,
    pub container: String,
    pub why: String,
    /// The end of its log, masked.
    pub log: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// Every container was well at the same moment; by the container's name.
    Well(BTreeMap<String, Well>),
    Unwell(Vec<Unwell>),
}

/// What was seen of a container over time: what one inspection cannot tell.
#[derive(Debug, Clone)]
struct Seen {
    started_at: String,
    restart_count: i64,
    /// How long it ran undisturbed up to `since`.
    stable_before: Duration,
    since: Instant,
    starts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Judgement {
    Well(Well),
    /// What it is at the moment, should the time be over.
    NotYet(String),
    Unwell(String),
}

/// Waits until all of them are well at once, or one cannot become so any more.
///
/// # Errors
/// The engine does not answer (`Failed`), or somebody wants to stop (`Interrupted`).
pub fn until_well(engine: &dyn Engine, ids: &[String], settle: Duration, masker: &Masker, cancel: &Cancel) -> Result<Waited> {
    wait(engine, ids, settle, false, masker, cancel)
}

/// The same for containers whose healthchecks count failures only after all the time that they may take, as
/// those of a rehearsal: there the engine's `unhealthy` is the end.
///
/// # Errors
/// As [`until_well`].
pub fn until_tried(engine: &dyn Engine, ids: &[String], settle: Duration, masker: &Masker, cancel: &Cancel) -> Result<Waited> {
    wait(engine, ids, settle, true, masker, cancel)
}

fn wait(engine: &dyn Engine, ids: &[String], settle: Duration, final_check: bool, masker: &Masker, cancel: &Cancel) -> Result<Waited> {
    let watch = engine.watch(ids);
    let began = Instant::now();
    let engine_now = engine.info()?.system_time;
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let mut budgets = None;
    loop {
        let containers = inspect(engine, ids)?;
        if containers.len() < ids.len() {
            return Ok(Waited::Unwell(removed(ids, &containers)));
        }
        let now = if budgets.is_none() { began } else { Instant::now() };
        let budgets = budgets.get_or_insert_with(|| Budgets::of(&containers, settle, began));
        let judged: Vec<(&Container, Judgement)> = containers
            .iter()
            .map(|container| {
                let seen = seen.entry(container.id.clone()).or_insert_with(|| Seen::first(container, &engine_now));
                seen.look(container);
                (container, judge(container, seen, settle))
            })
            .collect();
        budgets.look(&containers, &well_services(&judged), now);
        let (mut well, mut unwell) = (BTreeMap::new(), Vec::new());
        for (container, judgement) in judged {
            match judgement {
                Judgement::Well(how) => drop(well.insert(container.name.clone(), how)),
                Judgement::Unwell(why) => unwell.push((container, why)),
                Judgement::NotYet(why) => {
                    if let Some(spent) = budgets.over(container.service(), now) {
                        unwell.push((container, format!("{why} after {} s", spent.as_secs())));
                    } else if let Some(time) = failed_for_good(container).filter(|_| final_check)
                        && budgets.had(container.service(), time, now)
                    {
                        unwell.push((container, format!("{why} after {} s", time.as_secs())));
                    }
                }
            }
        }
        if !unwell.is_empty() {
            return Ok(Waited::Unwell(unwell.into_iter().map(|(container, why)| told(engine, container, why, masker)).collect()));
        }
        if well.len() == containers.len() {
            return Ok(Waited::Well(well));
        }
        pause(&watch, cancel)?;
    }
}

/// The services of which every container is well.
fn well_services<'c>(judged: &[(&'c Container, Judgement)]) -> BTreeSet<&'c str> {
    let all: BTreeSet<&str> = judged.iter().map(|(container, _)| container.service()).collect();
    let not = judged.iter().filter(|(_, judgement)| !matches!(judgement, Judgement::Well(_))).map(|(container, _)| container.service());
    let not: BTreeSet<&str> = not.collect();
    all.difference(&not).copied().collect()
}

/// How long an unhealthy container had until its failures began to count.
fn failed_for_good(container: &Container) -> Option<Duration> {
    let check = container.healthcheck.as_ref()?;
    let unhealthy = container.state.status == Status::Running && container.state.health == Some(Health::Unhealthy);
    unhealthy.then_some(check.start_period)
}

fn inspect(engine: &dyn Engine, ids: &[String]) -> Result<Vec<Container>> {
    ids.iter().filter_map(|id| engine.container(id).transpose()).collect()
}

fn pause(watch: &super::Watch, cancel: &Cancel) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < LOOK_AGAIN {
        if cancel.requested() {
            return Err(Error::new(Kind::Interrupted, "wait for containers").why("interrupted"));
        }
        if watch.wait(CANCEL_POLL) {
            break;
        }
    }
    Ok(())
}

impl Seen {
    fn first(container: &Container, engine_now: &str) -> Self {
        let running = container.state.status == Status::Running;
        let ran = clock::between(&container.state.started_at, engine_now).filter(|_| running);
        Seen {
            started_at: container.state.started_at.clone(),
            restart_count: container.restart_count,
            stable_before: ran.unwrap_or_default(),
            since: Instant::now(),
            starts: 0,
        }
    }

    fn look(&mut self, container: &Container) {
        if self.started_at != container.state.started_at || self.restart_count != container.restart_count {
            *self = Seen {
                started_at: container.state.started_at.clone(),
                restart_count: container.restart_count,
                stable_before: Duration::ZERO,
                since: Instant::now(),
                starts: self.starts + 1,
            };
        }
    }

    fn stable(&self) -> Duration {
        self.stable_before + self.since.elapsed()
    }
}

fn judge(container: &Container, seen: &Seen, settle: Duration) -> Judgement {
    let state = &container.state;
    let killed = if state.oom_killed { ", out of memory" } else { "" };
    let ended = format!("exited with code {}{killed}", state.exit_code);
    if seen.starts >= LOOP_AFTER_STARTS {
        // Of one that runs again at this moment the engine knows no last code: it says 0.
        let last = if state.status == Status::Running { String::new() } else { format!("; it last {ended}") };
        return Judgement::Unwell(format!("is started again and again{last}"));
    }
    match state.status {
        Status::Running => judge_running(container, seen, settle),
        Status::Exited if container.may_end() && state.exit_code == 0 && state.error.is_empty() => Judgement::Well(Well::Done),
        Status::Exited | Status::Created if !state.error.is_empty() => Judgement::Unwell(format!("cannot be started: {}", state.error)),
        Status::Exited if container.restart == super::Restart::No => Judgement::Unwell(ended),
        Status::Exited | Status::Restarting => Judgement::NotYet(ended),
        Status::Created => Judgement::NotYet("not started".to_string()),
        Status::Paused => Judgement::NotYet("paused".to_string()),
        Status::Removing | Status::Dead => Judgement::Unwell("is being removed".to_string()),
    }
}

/// Whether it is not well at this moment, having been started.
pub fn is_ill(container: &Container) -> bool {
    match container.state.status {
        Status::Running => container.state.health == Some(Health::Unhealthy),
        Status::Created => !container.state.error.is_empty(),
        Status::Exited => !container.may_end() || container.state.exit_code != 0,
        Status::Paused | Status::Restarting | Status::Removing | Status::Dead => true,
    }
}

fn judge_running(container: &Container, seen: &Seen, settle: Duration) -> Judgement {
    match (container.healthcheck, container.state.health) {
        (_, Some(Health::Healthy)) => Judgement::Well(Well::Healthy),
        // Unhealthy is not the end: a slow server becomes healthy later, within its budget.
        (_, Some(Health::Unhealthy)) => Judgement::NotYet("unhealthy".to_string()),
        (_, Some(Health::Starting)) | (Some(_), None) => Judgement::NotYet("still starting".to_string()),
        (None, None) if seen.stable() >= settle => Judgement::Well(Well::Running),
        (None, None) => Judgement::NotYet("not running undisturbed".to_string()),
    }
}

fn told(engine: &dyn Engine, container: &Container, why: String, masker: &Masker) -> Unwell {
    let log = engine.logs(&container.id, LOG_LINES).unwrap_or_else(|error| format!("({error})"));
    Unwell {
        service: container.service().to_string(),
        container: container.name.clone(),
        why: masker.mask(&why).into_owned() + &check_said(container, masker),
        log: masker.mask(log.trim_end()).into_owned(),
    }
}

/// What the check of an unhealthy container printed last, in one line: its log often does not tell.
fn check_said(container: &Container, masker: &Masker) -> String {
    let printed = container.state.checked.expose();
    // The engine cuts the output, maybe in the middle of a secret, which is not recognized then.
    if container.state.health != Some(Health::Unhealthy) || printed.len() >= CHECK_OUTPUT_CUT {
        return String::new();
    }
    let masked = masker.mask(printed);
    let last = masked.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.map_or(String::new(), |line| format!("; its health check said: {line}"))
}

fn removed(ids: &[String], found: &[Container]) -> Vec<Unwell> {
    let gone = ids.iter().filter(|id| !found.iter().any(|container| &container.id == *id));
    gone.map(|id| Unwell { service: id.clone(), container: id.clone(), why: "was removed".to_string(), log: String::new() }).collect()
}
