//! Settles a run that did not come to its end: everything is put back to before it, or, when it was
//! committed, what comes after is done.

use std::cell::Cell;
use std::time::Duration;

use super::project_lock::{forget_runs, refuse_foreign_run};
use super::{Context, security_fix};
use crate::actions::{Action, World};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::model::{self, Call, Unset};
use crate::project::Stack;
use crate::saga::{self, Held, Holder, Lock, Mark, Outcome, RunRef, Step, wait_lock};
use crate::source::Disk;

/// How long a program that a killed run left behind may take to end, before recovery gives up.
const ORPHANS: Duration = Duration::from_secs(300);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// No run is open.
    Nothing,
    /// A dry run: the open run, and the steps that would be undone, in that order.
    WouldPutBack {
        run: String,
        steps: Vec<String>,
    },
    PutBack(String),
    /// A dry run: the committed run, and the steps that would be taken after it.
    WouldFinish {
        run: String,
        steps: Vec<String>,
    },
    /// What comes after this committed run is done.
    Finished(String),
}

/// Settles the open run, if there is one. A second call finds nothing to do.
pub fn recover(cx: &Context<'_>) -> Result<Recovered> {
    let Some(open) = cx.store.open_run()? else {
        // Somebody may look for it in another checkout than the one in which it was killed.
        refuse_foreign_run(cx, &projects(cx))?;
        return Ok(Recovered::Nothing);
    };
    if cx.dry_run {
        return would_settle(cx, &open);
    }
    cx.check_state()?;
    let _lock = lock(cx)?;
    let Some(open) = cx.store.open_run()? else { return Ok(Recovered::Nothing) };
    let (mut journal, entries) = cx.store.reopen(&open)?;
    // What containers say while they are put back is told with its secrets masked.
    cx.masker.replace(security_fix::secrets(cx));
    let world = cx.world(&open.id);
    let settled = saga::recover::<World, Action>(&world, &mut journal, &entries, cx.events, cx.cancel)?;
    forget_runs(cx)?;
    match settled {
        Some(Outcome::Stuck { why }) => Err(Error { kind: Kind::Stuck, ..why }),
        Some(Outcome::Committed(_)) => Ok(Recovered::Finished(open.id.to_string())),
        _ => Ok(Recovered::PutBack(open.id.to_string())),
    }
}

/// The compose projects of the stacks that can be read.
fn projects(cx: &Context<'_>) -> Vec<String> {
    let name = |stack: &Stack| {
        let call = Call { files: stack.files.clone(), env_files: stack.env_files.clone(), unset: Unset::StandIn, ..Call::default() };
        model::load(&Disk, &call, &cx.environment).ok().map(|model| model.name)
    };
    cx.project.stacks.iter().filter_map(name).collect()
}

/// Reads only: not even the lock is taken, nor a torn journal cut.
fn would_settle(cx: &Context<'_>, open: &RunRef) -> Result<Recovered> {
    if let Some(held) = saga::held(&cx.store.lock_path())? {
        cx.events.emit(Event::Note(format!("a recovery would wait: {}", held.into_error().why.unwrap_or_default())));
    }
    let told = saga::replay(&open.journal)?;
    let run = open.id.to_string();
    if told.state.is_committed() {
        let (after, _) = saga::unsettled::<World, Action>(&told.entries)?;
        return Ok(Recovered::WouldFinish { run, steps: after.iter().map(Step::<World>::label).collect() });
    }
    let done = saga::prepared::<World, Action>(&told.entries)?;
    let left = done.iter().zip(&told.state.marks).rev().filter(|(_, mark)| **mark != Mark::Undone);
    let steps = left.map(|(undoable, _)| Step::<World>::label(&undoable.step)).collect();
    Ok(Recovered::WouldPutBack { run, steps })
}

/// What the killed run started holds its lock; nothing may be undone beside it.
fn lock(cx: &Context<'_>) -> Result<Lock> {
    let said = Cell::new(false);
    let go_on = |held: &Held| {
        if !said.replace(true) {
            cx.events.emit(Event::Note(format!("waiting: {}", held.clone().into_error().why.unwrap_or_default())));
        }
        !cx.cancel.requested()
    };
    match wait_lock(&cx.store.lock_path(), &Holder::me("recover"), ORPHANS, &go_on)? {
        Err(_) if cx.cancel.requested() => Err(Error::new(Kind::Interrupted, "waiting for the run was interrupted; nothing was touched")),
        tried => tried.map_err(Held::into_error),
    }
}
