//! The proof of phase 4: what the steps have shown, the files as they are, and how large the images are.

use std::cell::RefCell;
use std::time::Duration;

use super::report::{Image, Report};
use super::{Options, Proposal};
use crate::actions::{Said, World};
use crate::error::Result;
use crate::event::Event;
use crate::production::{Written, written};
use crate::saga::{Proof, Verdict};
use crate::source::{Disk, Files};
use crate::tasks::Context;
use crate::tasks::phase::validate::validated;

const STARTED: &str = "the new images start read-only, without capabilities, not as root, in a network without a way out, and are well";

pub fn prove(cx: &Context<'_>, world: &World, options: &Options, proposal: &Proposal<'_>, report: &RefCell<Report>) -> Result<Verdict> {
    let mut proof = Proof::default();
    for said in world.said.take() {
        match said {
            Said::Proven { label, detail } => holds(cx, &mut proof, label, detail),
            Said::NotProven { label, needs } => not_proven(cx, &mut proof, &label, &needs),
        }
    }
    if world.live.is_none() && !proposal.images.is_empty() {
        not_proven(cx, &mut proof, STARTED, "an engine and Docker Compose 2.20 or later");
    }
    let untried = proposal.untried.borrow();
    if !untried.is_empty() {
        not_proven(
            cx,
            &mut proof,
            &format!("{STARTED} ({})", untried.join(", ")),
            "their stacks to render: `cargo xtask render STACK` says why",
        );
    }
    for (number, _) in &proposal.images {
        for service in &proposal.looked.made[*number].untold {
            let label = format!("{STARTED} ({service})");
            not_proven(cx, &mut proof, &label, "a `command` of some compose file that starts it as production would");
        }
    }
    let mut why = Vec::new();
    for file in &proposal.files {
        let now = Disk.read(&file.path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if now.as_deref() != Some(&file.after) || now.as_deref().map(written) != Some(Written::ByUs) {
            why.push(format!("{} is not as it was written", cx.project.relative(&file.path).display()));
        }
    }
    why.extend(proposal.activation.wrong(cx)?);
    if options.require_live {
        why.extend(proof.not_proven.iter().map(|what| format!("not proven: {what}")));
    }
    if !why.is_empty() {
        cx.events.emit(Event::ProofFails { label: "the files are as they were planned".into(), why: why.clone() });
        return Ok(Verdict::Bad(why));
    }
    if !proposal.activation.edits.is_empty() {
        let label = "every stack renders as before, but for what builds the production services".to_string();
        holds(cx, &mut proof, label, proposal.activation.services.join(", "));
    }
    report.borrow_mut().images = sizes(cx, proposal)?;
    validated(cx, &cx.project.settings.validate.dockerfile_prod, Verdict::Holds(proof))
}

fn holds(cx: &Context<'_>, proof: &mut Proof, label: String, detail: String) {
    proof.proven.push(format!("{label}: {detail}"));
    cx.events.emit(Event::ProofHolds { label, detail, took: Duration::ZERO });
}

fn not_proven(cx: &Context<'_>, proof: &mut Proof, label: &str, needs: &str) {
    proof.not_proven.push(format!("{label} (needs {needs})"));
    cx.events.emit(Event::NotProven { label: label.to_string(), needs: needs.to_string() });
}

/// As the engine counts them, all layers of an image.
fn sizes(cx: &Context<'_>, proposal: &Proposal<'_>) -> Result<Vec<Image>> {
    let Some(engine) = &cx.doors.engine else { return Ok(Vec::new()) };
    let mut sizes = Vec::new();
    for (number, name) in &proposal.images {
        let made = &proposal.looked.made[*number];
        let Some(image) = engine.image(name)? else { continue };
        let built = proposal.present.iter().find(|(other, _)| other == number).map_or(&made.image, |(_, name)| name);
        let before = engine.image(built)?.map(|image| image.size_bytes);
        sizes.push(Image {
            service: made.recipe.service.clone(),
            bytes: image.size_bytes,
            before_name: made.image.clone(),
            before_bytes: before,
        });
    }
    Ok(sizes)
}
