//! Undo, in reverse, of what was prepared and is not undone: live after a failed step, and from the
//! journal of a run that ended anywhere before it was committed. After that, it is finished.

use std::time::Instant;

use super::journal::{Entry, Journal, Record};
use super::settle::{settle, unsettled};
use super::state::Phase;
use super::understood::understood;
use super::{Outcome, Step};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Sink};

/// A step that was prepared: its number, and what its undo needs.
#[derive(Debug, Clone)]
pub struct Undoable<S, R> {
    pub n: usize,
    pub step: S,
    pub receipt: R,
}

/// Settles an open run: the world is put back as it was before; or, when the run is committed, what
/// comes after is done. `None`: the run was settled already, so a second recovery changes nothing.
/// `entries` are those that `Journal::open` gave. An error leaves it as open as it was.
///
/// The caller holds the locks of the run, so nothing that the run started is alive.
pub fn recover<W: ?Sized, S: Step<W>>(
    world: &W,
    journal: &mut Journal,
    entries: &[Entry],
    events: &dyn Sink,
    cancel: &Cancel,
) -> Result<Option<Outcome>> {
    if !journal.state().is_open() {
        return Ok(None);
    }
    if journal.state().phase == Phase::Settling {
        let (after, proof) = unsettled::<W, S>(entries)?;
        settle(world, journal, &after, 0, events, cancel)?;
        return Ok(Some(Outcome::Committed(proof)));
    }
    let why = Error::new(Kind::RolledBack, "the run did not come to its end");
    let done = prepared::<W, S>(entries)?;
    Ok(Some(match roll_back(world, journal, &done, "recovered", events, cancel) {
        Ok(()) => Outcome::RolledBack { why },
        Err(stuck) => Outcome::Stuck { why: stuck },
    }))
}

/// The steps of a journal with their receipts, in the order in which they were prepared.
///
/// # Errors
/// `Unusable`: another version of xtask has written them.
pub fn prepared<W: ?Sized, S: Step<W>>(entries: &[Entry]) -> Result<Vec<Undoable<S, S::Receipt>>> {
    let mut found = Vec::new();
    for entry in entries {
        if let Record::Prepared { n, step, receipt } = &entry.record {
            let step = understood(&format!("step {}", n + 1), step, entries)?;
            let receipt = understood(&format!("the receipt of step {}", n + 1), receipt, entries)?;
            found.push(Undoable { n: *n, step, receipt });
        }
    }
    Ok(found)
}

/// `done` holds all prepared steps, by number.
pub(super) fn roll_back<W: ?Sized, S: Step<W>>(
    world: &W,
    journal: &mut Journal,
    done: &[Undoable<S, S::Receipt>],
    why: &str,
    events: &dyn Sink,
    cancel: &Cancel,
) -> Result<()> {
    if journal.state().phase != Phase::RollingBack {
        journal.append(Record::RollingBack { why: short(why) }).map_err(|error| stuck("record the rollback", error, why))?;
    }
    while let Some(n) = journal.state().next_undo() {
        let undoable = &done[n];
        let label = undoable.step.label();
        cancel.now(&format!("undoing: {label}"));
        events.emit(Event::UndoStarted { label: label.clone() });
        let started = Instant::now();
        if let Err(error) = undoable.step.undo(world, &undoable.receipt) {
            // The run is open either way; without this record it is only less well described.
            let _ = journal.append(Record::Stuck { n, why: short(&error.to_string()) });
            return Err(stuck(&format!("undo \"{label}\""), error, why));
        }
        journal.append(Record::Undone { n }).map_err(|error| stuck("record the rollback", error, why))?;
        events.emit(Event::UndoDone { label, took: started.elapsed() });
    }
    journal.append(Record::RolledBack).map_err(|error| stuck("record the rollback", error, why))
}

/// A rollback that could not go on: the run stays open.
fn stuck(what: &str, error: Error, cause: &str) -> Error {
    let help = error.help.clone().unwrap_or_else(|| "Remove the cause, then run `cargo xtask recover`".to_string());
    Error::new(Kind::Stuck, what).why(format!("{error} (to be undone because: {cause})")).help(help)
}

/// Room for the records that end a run is reserved, so they must not be long.
fn short(text: &str) -> String {
    const MOST: usize = 2000;
    text.chars().take(MOST).collect()
}
