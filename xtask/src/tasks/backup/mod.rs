//! Backups: everything that a stack would need to live again, as one snapshot each.

pub(super) mod forget;
mod keep;
pub(super) mod look;
pub(super) mod newest;
pub(super) mod place;
pub(super) mod prove;
pub(super) mod read;
mod schedule;
pub(super) mod standing;
pub(super) mod usable;
pub(super) mod verify;

use std::collections::BTreeSet;

use crate::actions::{Action, MakeRepository, PublishBackup};
use crate::backup::{Place, Repository, Stored};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::guards::Checked;
use crate::project::Stack;
use crate::saga::{Plan, RunId, Step};
use crate::secret::Secret;

use super::{Context, Ended, Overrides, Prepared, carry_out, hidden};
pub use forget::{Forget, forget};
use look::Planned;
pub use place::open_ahead;
pub use read::{Shown, check, dump, list, show};
pub use schedule::{Schedule, schedule};
pub use standing::{Seen, Standing};
pub use verify::{Looked, verify};

/// The name of the task that makes backups.
pub const TASK: &str = "backup";

/// What the caller wants.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// None: all that there is something of.
    pub stacks: Vec<String>,
    /// Only these services, and no volumes that none of them has.
    pub services: Vec<String>,
    /// The repository, in place of what the settings say.
    pub to: Option<String>,
    /// A copy of the key is elsewhere now.
    pub key_saved: bool,
    /// With a checksum of what is in each table.
    pub deep: bool,
    /// Reading also what is unchanged.
    pub full: bool,
}

/// What was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    pub ended: Ended,
    pub place: Place,
    pub backups: Vec<Stored>,
    /// What came of verifying each, where that was asked for.
    pub verified: Vec<Looked>,
}

/// # Errors
/// `Failed`: something could not be dumped or copied whole; nothing is listed, and everybody who was paused goes on.
/// `Refused`: no engine answers.
pub fn create(cx: &Context<'_>, request: &Request) -> Result<Made> {
    let place = place::of(cx, request.to.as_deref())?;
    let _lock = if cx.dry_run { None } else { Some(place::lock(cx, &place)?) };
    place::warn(cx, &place)?;
    place::there(cx, &place)?;
    usable::warn(cx, &place);
    let stacks: Vec<&Stack> = cx.project.select(&request.stacks)?;
    let ended = carry_out(cx, TASK, &Overrides::default(), |run| prepare(cx, request, &place, &stacks, run)).map_err(nothing_to_undo)?;
    place::note_seen(cx, &place)?;
    if request.key_saved {
        place.mark_key_saved()?;
    }
    let run = ended.run().map(String::from);
    let mut backups = Vec::new();
    if run.is_some() {
        let repository = Repository::open(&place)?;
        // This project's runs that could not reach the repository when they were put back; none is open now.
        let runs: BTreeSet<String> = cx.store.history()?.into_iter().map(|view| view.id.to_string()).collect();
        repository.delete_leftovers(&runs)?;
        backups = repository.stored()?;
        backups.retain(|stored| Some(&stored.summary.run) == run.as_ref());
    }
    if run.is_some() && !place.key_is_saved() {
        let key = place.key.display();
        let text = format!("without the key {key} no backup can be read: copy it elsewhere, then say `cargo xtask backup --key-saved`");
        cx.events.emit(Event::Warning(text));
    }
    Ok(Made { ended, place, backups, verified: Vec::new() })
}

/// Verifies what was just made.
///
/// # Errors
/// As [`verify`]; that a backup is not what it says is no error.
pub fn verify_made(cx: &Context<'_>, made: &mut Made, request: &Request) -> Result<()> {
    for stored in &mut made.backups {
        let looked = verify(cx, &stored.summary.name, request.deep, request.to.as_deref())?;
        *stored = looked.backup.clone();
        made.verified.push(looked);
    }
    Ok(())
}

/// Says that a copy of the key is elsewhere, without making a backup.
pub fn key_saved(cx: &Context<'_>, to: Option<&str>) -> Result<()> {
    let place = place::of(cx, to)?;
    place.mark_key_saved()?;
    cx.events.emit(Event::Note(format!("a copy of the key {} is elsewhere, as you say; no backup was made", place.key.display())));
    Ok(())
}

/// Whoever was paused goes on, and that is all there was to put back.
fn nothing_to_undo(error: Error) -> Error {
    if error.kind != Kind::RolledBack {
        return error;
    }
    Error { kind: Kind::Failed, what: "back up: nothing was stored".to_string(), ..error }
}

fn prepare<'p>(cx: &'p Context<'_>, request: &Request, place: &Place, stacks: &[&'p Stack], run: &RunId) -> Result<Prepared<'p>> {
    let mut planned: Vec<Planned> = Vec::new();
    for stack in stacks {
        let found = look::look(cx, stack, request, place, run)?;
        if found.is_empty() && request.stacks.is_empty() {
            cx.events.emit(Event::Note(format!("{}: nothing of it is on the engine", stack.id)));
        } else {
            planned.push(found);
        }
    }
    // Each look knows the secrets of its own stack; the run is about all of them.
    let secrets: Vec<Secret> = planned.iter().flat_map(|planned| planned.secrets.iter().cloned()).collect();
    cx.masker.replace(hidden::masker(&secrets));
    let mut plan = Plan::new(TASK, Vec::new());
    plan.stacks = planned.iter().map(|planned| planned.take.summary.stack.clone()).collect();
    if Repository::exists(place)? {
        // With a key that does not open it nothing can be stored, nor what was stored be taken away again.
        Repository::open(place)?;
    } else if !planned.is_empty() {
        plan.steps.push(Action::MakeRepository(MakeRepository { place: place.clone() }));
    }
    let mut lines: Vec<String> = plan.steps.iter().map(Step::label).collect();
    lines.extend(planned.iter().flat_map(Planned::lines));
    for planned in &planned {
        plan.steps.push(Action::TakeBackup(Box::new(planned.take.clone())));
        plan.finish.push(Action::PublishBackup(PublishBackup { place: place.clone(), name: planned.take.summary.name.clone() }));
    }
    let takes: Vec<_> = planned.iter().map(|planned| planned.take.clone()).collect();
    let mut guards: Vec<Checked> = planned.iter().map(|planned| planned.apart.clone()).collect();
    if !planned.is_empty() {
        guards.push(usable::writable(place)?);
    }
    Ok(Prepared {
        guards,
        projects: planned.iter().map(|planned| planned.take.summary.project.clone()).collect(),
        plan,
        contents: Vec::new(),
        preview: vec![Event::Planned { files: Vec::new(), other: lines }],
        still: None,
        prove: Box::new(move |world| prove::prove(cx, world, &takes)),
    })
}
