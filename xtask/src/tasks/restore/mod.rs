//! Restores: single files of a backup, volumes and servers in their place or beside it.

mod beside;
pub(super) mod look;
pub(super) mod room;
pub(super) mod servers;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::actions::{Action, DropReplaced, PublishBackup, World, recount};
use crate::backup::Stored;
use crate::engine::wait::until_well;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::proof::{self, health};
use crate::saga::{Plan, Proof, RunId, Step, Verdict};
use crate::tasks::backup::{place, prove, read, verify};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out, deploy};

pub use beside::{Laying, to_scratch};
use look::Planned;

/// The name of the task that restores in place.
pub const TASK: &str = "restore";

/// What the caller wants to have back.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub backup: String,
    /// Only the dumps and volumes of these services.
    pub services: Vec<String>,
    /// Whoever uses the data may be stopped.
    pub stop: bool,
    /// What is there now is not backed up first.
    pub no_backup: bool,
    pub to: Option<String>,
}

/// Every path of a backup, with the sizes of files.
pub fn list(cx: &Context<'_>, name: &str, to: Option<&str>) -> Result<Vec<(PathBuf, Option<u64>)>> {
    let repository = place::open(cx, &place::of(cx, to)?)?;
    let backup = read::find(&repository, name)?;
    repository.content(&backup.summary.name, false)?.paths()
}

/// Writes one file of a backup.
pub fn file(cx: &Context<'_>, name: &str, path: &str, to: Option<&str>, into: &mut dyn Write) -> Result<()> {
    let repository = place::open(cx, &place::of(cx, to)?)?;
    let backup = read::find(&repository, name)?;
    repository.content(&backup.summary.name, false)?.write_file(path, into)
}

/// Puts the volumes and servers of a backup back in their place.
///
/// # Errors
/// `Refused`: somebody uses them, a server has another version, or it cannot be done here; nothing was touched. `RolledBack`: it did not hold, and
/// the old data is back.
pub fn in_place(cx: &Context<'_>, request: &Request) -> Result<Ended> {
    let place = place::of(cx, request.to.as_deref())?;
    let _lock = if cx.dry_run { None } else { Some(place::lock(cx, &place)?) };
    let backup = read::find(&place::open(cx, &place)?, &request.backup)?;
    warn_of_saved(cx, &backup)?;
    carry_out(cx, TASK, &Overrides::default(), |run| {
        let planned = look::look(cx, request, &place, &backup, run)?;
        if !cx.dry_run && planned.guards.iter().all(|guard| guard.refusal.is_none()) {
            ask(cx, &planned, &backup.summary.project)?;
        }
        prepare(cx, planned, run)
    })
}

/// What was wrecked is the latest backup once a restore, or a rollback with data, has saved it.
fn warn_of_saved(cx: &Context<'_>, backup: &Stored) -> Result<()> {
    let summary = &backup.summary;
    let saves = [TASK, deploy::BACK_TASK];
    let saved = cx.store.history()?.iter().any(|view| view.id.as_str() == summary.run && saves.contains(&view.begun.task.as_str()));
    if saved {
        let text = format!(
            "{} is what a restore or rollback has found and replaced; `cargo xtask backup list` shows the backups before it",
            summary.name
        );
        cx.events.emit(Event::Warning(text));
    }
    Ok(())
}

/// Whoever wrote to the data since has lost that.
fn ask(cx: &Context<'_>, planned: &Planned, project: &str) -> Result<()> {
    let names: Vec<&str> = planned.fill.refills().map(|refill| refill.volume.as_str()).collect();
    let question = format!(
        "What is in {} now is replaced by what was in it when {} was made. This cannot be undone.",
        names.join(", "),
        planned.fill.name
    );
    match (cx.confirm_by_name)(&question, project)? {
        true => Ok(()),
        false => Err(Error::refused("restore in place").why("the name was not typed; nothing was touched")),
    }
}

fn prepare<'p>(cx: &'p Context<'_>, planned: Planned, _: &RunId) -> Result<Prepared<'p>> {
    let Planned { guards, fill, exchange, revived, safety, settle_secs, projects, well: ids } = planned;
    let mut plan = Plan::new(TASK, Vec::new());
    plan.stacks = vec![safety.take.summary.stack.clone()];
    let mut lines = Vec::new();
    let takes: Vec<_> = if safety.wanted { vec![safety.take] } else { Vec::new() };
    for take in &takes {
        lines.push(format!("back up what is there now, as {}", take.summary.name));
        plan.steps.push(Action::TakeBackup(Box::new(take.clone())));
        plan.finish.push(Action::PublishBackup(PublishBackup { place: fill.place.clone(), name: take.summary.name.clone() }));
    }
    let steps = [Action::FillBeside(fill.clone()), Action::Exchange(exchange.clone())];
    lines.extend(steps.iter().map(Step::label));
    lines.extend(fill.servers.iter().map(|reload| {
        format!("load the dumps of {} into a server like it, beside it; users and their passwords are those of then", reload.service)
    }));
    lines.extend(exchange.users.iter().map(|user| format!("stop {} for the moment of the change, and start it again", user.name)));
    lines.extend(exchange.idle.iter().map(|user| format!("start {}", user.name)));
    plan.steps.extend(steps);
    plan.after.push(Action::DropReplaced(DropReplaced { volumes: fill.refills().map(|refill| refill.fresh.clone()).collect() }));
    Ok(Prepared {
        guards,
        projects,
        plan,
        contents: Vec::new(),
        preview: vec![Event::Planned { files: Vec::new(), other: lines }],
        still: None,
        prove: Box::new(move |world: &World| {
            let mut proof = match prove::prove(cx, world, &takes)? {
                Verdict::Holds(proof) => proof,
                other => return Ok(other),
            };
            verify::proven(cx, world, &mut proof);
            let mut proof = match well(cx, world, &ids, settle_secs, proof)? {
                Verdict::Holds(proof) => proof,
                other => return Ok(other),
            };
            recount(world, &fill.place, &fill.name, &revived)?;
            verify::proven(cx, world, &mut proof);
            Ok(Verdict::Holds(proof))
        }),
    })
}

/// Whoever uses the data must be well with it.
fn well(cx: &Context<'_>, world: &World, ids: &[String], settle_secs: u64, mut proof: Proof) -> Result<Verdict> {
    let Some(live) = world.live.as_deref().filter(|_| !ids.is_empty()) else {
        let (label, needs) = ("services on the restored data".to_string(), "one that runs".to_string());
        proof.not_proven.push(format!("{label} (needs {needs})"));
        cx.events.emit(Event::NotProven { label, needs });
        return Ok(Verdict::Holds(proof));
    };
    let began = std::time::Instant::now();
    let label = "services on the restored data".to_string();
    cx.events.emit(Event::ProofStarted { label: label.clone() });
    let waited = until_well(live.engine.as_ref(), ids, Duration::from_secs(settle_secs), &world.masker, cx.cancel)?;
    match health::verdict(waited) {
        proof::Verdict::Holds { detail } => {
            proof.proven.push(format!("{label}: {detail}"));
            cx.events.emit(Event::ProofHolds { label, detail, took: began.elapsed() });
            Ok(Verdict::Holds(proof))
        }
        proof::Verdict::Fails { why } => Err(Error::new(Kind::Failed, label).why(why.join("; "))),
        proof::Verdict::NotProven { needs } => Err(Error::new(Kind::Failed, label).why(format!("needs {needs}"))),
    }
}
