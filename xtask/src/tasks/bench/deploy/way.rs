//! The ways by which a release goes out.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Release;
use super::shop::{STARTING, Shop};
use crate::engine::compose::Up;
use crate::engine::{Health, Status};
use crate::error::{Error, Result};
use crate::process::Program;
use crate::secret::Masker;

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// `docker compose up --detach --wait`.
    Compose,
    /// As docker-rollout goes: scaled up, waited for, the old ones stopped and removed.
    Rollout,
    Swap,
    Recreate,
    Rolling,
}

/// How a way ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Went {
    pub code: Option<i32>,
    /// From the failure that was detected until the old release was proven; only where something was put back.
    pub back: Option<Duration>,
}

/// What docker-rollout gives the new containers.
const PATIENCE: Duration = Duration::from_secs(60);
/// And how often it looks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Way {
    pub const ALL: [Way; 5] = [Way::Compose, Way::Rollout, Way::Swap, Way::Recreate, Way::Rolling];

    pub fn name(self) -> &'static str {
        match self {
            Way::Compose => "compose",
            Way::Rollout => "rollout",
            Way::Swap => "swap",
            Way::Recreate => "recreate",
            Way::Rolling => "rolling",
        }
    }

    /// Whether it is ours, so that it can rehearse.
    pub fn is_ours(self) -> bool {
        matches!(self, Way::Swap | Way::Recreate | Way::Rolling)
    }

    /// What `strategy` of `xtask.yaml` says; of the others it is not read.
    pub fn strategy(self) -> &'static str {
        if self.is_ours() { self.name() } else { "swap" }
    }

    /// Brings the release out, to whatever end.
    pub fn go(self, shop: &Shop<'_>, release: Release, rehearse: bool) -> Result<Went> {
        match self {
            Way::Compose => Ok(Went { code: shop.up(release.tag())?, back: None }),
            Way::Rollout => roll_out(shop, release),
            Way::Swap | Way::Recreate | Way::Rolling => prod_up(shop, release, rehearse),
        }
    }
}

fn roll_out(shop: &Shop<'_>, release: Release) -> Result<Went> {
    let (engine, cancel) = (shop.yard.engine, shop.yard.cancel);
    let old: Vec<String> = shop.web()?.into_iter().map(|one| one.id).collect();
    let scale = Some(("web".to_string(), 2 * old.len()));
    let up = Up { services: vec!["web".into()], no_deps: true, no_recreate: true, scale, ..Up::default() };
    shop.yard.compose.up(&shop.at(release.tag()), &up, STARTING, &Masker::default(), cancel)?;
    let began = Instant::now();
    let well = loop {
        let new: Vec<_> = shop.web()?.into_iter().filter(|one| !old.contains(&one.id)).collect();
        let healthy = |one: &crate::engine::Container| one.state.status == Status::Running && one.state.health == Some(Health::Healthy);
        if !new.is_empty() && new.iter().all(healthy) {
            break true;
        }
        if began.elapsed() > PATIENCE {
            break false;
        }
        if cancel.requested() {
            return Err(Error::new(crate::error::Kind::Interrupted, "roll a release out").why("interrupted"));
        }
        std::thread::sleep(LOOK_AGAIN);
    };
    for one in shop.web()?.into_iter().filter(|one| old.contains(&one.id) == well) {
        engine.stop(&one.id, one.stop_grace)?;
        engine.remove_container(&one.id)?;
    }
    Ok(Went { code: Some(i32::from(!well)), back: None })
}

/// The program that is running, started anew.
fn prod_up(shop: &Shop<'_>, release: Release, rehearse: bool) -> Result<Went> {
    let own = std::env::current_exe().map_err(|error| Error::failed("find the own program").why(error.to_string()))?;
    let folder = shop.yard.scratch.root.join(&shop.project);
    let mut args = vec!["prod-up", "--tag", release.tag(), "--yes", "--format", "json"];
    if !rehearse {
        args.push("--no-rehearse");
    }
    let state = shop.yard.scratch.root.join("state");
    let mut program = Program::new(own).args(args).cwd(&folder).env("XTASK_STATE", state).deadline(STARTING * 3).interruptible();
    // The stack is the bench's own, whatever the caller works on.
    for name in ["COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_FILE", "COMPOSE_ENV_FILES"] {
        program = program.env_remove(name);
    }
    let output = program.run(&Masker::default(), shop.yard.cancel)?;
    let document: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
        let why = format!("{}{}", output.stderr, output.text());
        Error::failed("read what prod-up has said").why(why)
    })?;
    let events = document.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
    refused(&output.code, &document, &events)?;
    Ok(Went { code: output.code, back: back(&events) })
}

/// A guard that refuses, or a program that could not begin, measures nothing.
fn refused(code: &Option<i32>, document: &Value, events: &[Value]) -> Result<()> {
    let begun = events.iter().any(|event| event.get("run-begun").is_some());
    if begun || *code == Some(0) {
        return Ok(());
    }
    let why = document.get("error").map(ToString::to_string).unwrap_or_default();
    Err(Error::failed("measure a deploy").why(format!("it did not begin: {why}")))
}

/// The time of everything that was put back; the last of it ends when the old release is well.
fn back(events: &[Value]) -> Option<Duration> {
    let took = |event: &Value| {
        let took = event.get("undo-done")?.get("took")?;
        Some(Duration::new(took.get("secs")?.as_u64()?, u32::try_from(took.get("nanos")?.as_u64()?).ok()?))
    };
    let undone: Vec<Duration> = events.iter().filter_map(took).collect();
    (!undone.is_empty()).then(|| undone.into_iter().sum())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_put_back_is_summed_up() {
        let undone = |secs: u64| json!({"undo-done": {"label": "x", "took": {"secs": secs, "nanos": 500_000_000}}});
        assert_eq!(back(&[json!({"run-begun": {}}), undone(1), undone(2)]), Some(Duration::from_secs(4)));
        assert_eq!(back(&[json!({"run-begun": {}})]), None);
    }

    #[test]
    fn one_that_did_not_begin_is_an_error_with_its_reason() {
        let document = json!({"error": {"what": "nothing was touched"}});
        assert!(refused(&Some(3), &document, &[]).unwrap_err().to_string().contains("nothing was touched"));
        assert!(refused(&Some(3), &document, &[json!({"run-begun": {"run": "r"}})]).is_ok());
        assert!(refused(&Some(0), &document, &[]).is_ok());
    }
}
