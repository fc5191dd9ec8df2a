//! The proof of phase 1: what every phase proves, and that no credential is left.

use std::time::Instant;

use super::before::Asked;
use super::phase::prove::{Rendered, on_the_way, prove_live, seen_by_git};
use super::phase::validate::validated;
use super::prepare::Proposal;
use super::survey::{Survey, locate};
use crate::actions::World;
use crate::error::Result;
use crate::event::Event;
use crate::saga::{Proof, Verdict};
use crate::tasks::Context;

const LIVE: &str = "running stacks are well and accept their credentials";

pub fn prove(cx: &Context<'_>, world: &World, proposal: &Proposal, asked: Option<&Asked<'_>>) -> Result<Verdict> {
    let mut proof = on_the_way(cx, world);
    let Proposal { before, permitted, chosen, .. } = proposal;
    let after = match (Rendered { cx, before, permitted, chosen, asked }).prove(&mut proof)? {
        Ok(after) => after,
        Err(why) => return Ok(Verdict::Bad(why)),
    };
    if let Some(why) = credential_left(cx, &after, proposal.left_standing, &mut proof) {
        return Ok(Verdict::Bad(vec![why]));
    }
    let seen = seen_by_git(cx, &proposal.draft.changes)?;
    if !seen.is_empty() {
        return Ok(Verdict::Bad(seen));
    }
    let verdict = prove_live(cx, &proposal.asking, LIVE, proof)?;
    validated(cx, &cx.project.settings.validate.security_fix, verdict)
}

/// `left` is the number of places that the caller agreed to leave alone.
fn credential_left(cx: &Context<'_>, after: &Survey<'_>, left: usize, proof: &mut Proof) -> Option<String> {
    let label = "no credential is left in a file that git may see".to_string();
    let started = Instant::now();
    cx.events.emit(Event::ProofStarted { label: label.clone() });
    let found: Vec<String> = after
        .files
        .iter()
        .flat_map(|looked| looked.evidence.iter().map(move |evidence| locate(&cx.project, looked, evidence.source)))
        .collect();
    if found.len() > left {
        cx.events.emit(Event::ProofFails { label: label.clone(), why: found.clone() });
        return Some(format!("{label}: not so at {}", found.join(", ")));
    }
    let detail = match found.len() {
        0 => format!("{} files looked through", after.files.len()),
        some => format!("{} files looked through, {some} places left alone as agreed", after.files.len()),
    };
    proof.proven.push(format!("{label}: {detail}"));
    cx.events.emit(Event::ProofHolds { label, detail, took: started.elapsed() });
    None
}
