//! Reads backups back before they count.

use std::time::Instant;

use crate::actions::{ReadBack, Reading, Said, TakeBackup, World};
use crate::error::Result;
use crate::event::Event;
use crate::saga::{Proof, Verdict};
use crate::tasks::Context;

/// # Errors
/// What is stored is not what was read.
pub fn prove(cx: &Context<'_>, world: &World, takes: &[TakeBackup]) -> Result<Verdict> {
    let mut proof = Proof::default();
    for take in takes {
        let mut began = Instant::now();
        let manifest = ReadBack::of(take).carry_out(world, &mut |reading| match reading {
            Reading::Begins(label) => {
                began = Instant::now();
                cx.events.emit(Event::ProofStarted { label });
            }
            Reading::Said(Said::Proven { label, detail }) => {
                proof.proven.push(format!("{label}: {detail}"));
                cx.events.emit(Event::ProofHolds { label, detail, took: began.elapsed() });
            }
            Reading::Said(Said::NotProven { label, needs }) => {
                proof.not_proven.push(format!("{label} (needs {needs})"));
                cx.events.emit(Event::NotProven { label, needs });
            }
        })?;
        // What the plan could not know: servers say it.
        for left in manifest.left_out.iter().filter(|left| !take.summary.left_out.contains(left)) {
            cx.events.emit(Event::Note(format!("{}: not in it: {left}", manifest.stack)));
        }
    }
    Ok(Verdict::Holds(proof))
}
