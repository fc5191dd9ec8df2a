//! What comes after a commit: taken again until it is done, and never undone.

use std::time::Instant;

use super::Step;
use super::journal::{Entry, Journal, Record};
use super::run::{Proof, to_value};
use super::understood::understood;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Sink};

/// Takes the steps one after another and records that they are done. The first that fails ends it: a
/// later one may build on it. The run stays committed and unsettled then. `before` is how many steps
/// the run has taken until here, for those who listen.
pub(super) fn settle<W: ?Sized, S: Step<W>>(
    world: &W,
    journal: &mut Journal,
    after: &[S],
    before: usize,
    events: &dyn Sink,
    cancel: &Cancel,
) -> Result<()> {
    let mut receipts = Vec::new();
    for (n, step) in after.iter().enumerate() {
        if cancel.requested() {
            return Err(Error::new(Kind::Interrupted, "finish what comes after the commit").why("interrupted"));
        }
        let (number, of, label) = (before + n + 1, before + after.len(), step.label());
        cancel.now(&label);
        events.emit(Event::StepStarted { number, of, label: label.clone() });
        let started = Instant::now();
        // No undo needs its receipt: it is kept for what it tells.
        let taken = step.prepare(world).and_then(|receipt| step.apply(world, &receipt).map(|()| receipt));
        events.emit(match &taken {
            Ok(_) => Event::StepDone { number, of, label, took: started.elapsed() },
            Err(error) => Event::StepFailed { number, of, label, why: error.to_string() },
        });
        receipts.push(to_value(&taken?)?);
    }
    journal.append(Record::Settled { receipts })
}

/// The steps after the commit that a journal names, and what was proven before it.
pub fn unsettled<W: ?Sized, S: Step<W>>(entries: &[Entry]) -> Result<(Vec<S>, Proof)> {
    let (mut steps, mut proof) = (Vec::new(), Proof::default());
    for entry in entries {
        match &entry.record {
            Record::Proven { proven, not_proven } => {
                proof = Proof { proven: proven.clone(), not_proven: not_proven.clone() };
            }
            Record::Committed { after } => {
                for (n, step) in after.iter().enumerate() {
                    steps.push(understood(&format!("step {} after the commit", n + 1), step, entries)?);
                }
            }
            _ => {}
        }
    }
    Ok((steps, proof))
}
