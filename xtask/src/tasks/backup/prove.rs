//! Reads a backup back before it counts.

use std::time::Instant;

use crate::actions::{TakeBackup, World, prove_dump};
use crate::backup::adapters::counted;
use crate::backup::{Extent, Quiet, Repository};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::saga::{Proof, Verdict};
use crate::tasks::Context;

/// # Errors
/// What is stored is not what was read.
pub fn prove(cx: &Context<'_>, world: &World, takes: &[TakeBackup]) -> Result<Verdict> {
    let mut proof = Proof::default();
    for take in takes {
        let content = Repository::open(&take.place)?.content(&take.summary.name, true)?;
        let (manifest, packs) = (content.manifest()?, content.packs()?);
        // What the plan could not know: servers say it.
        for left in manifest.left_out.iter().filter(|left| !take.summary.left_out.contains(left)) {
            cx.events.emit(Event::Note(format!("{}: not in it: {left}", manifest.stack)));
        }
        for dump in &manifest.dumps {
            let label = format!("{}: the stored dump {} of {}", manifest.stack, dump.what, dump.service);
            let began = start(cx, &label);
            let wanted = take.dumps.iter().find(|wanted| wanted.service == dump.service);
            let container = wanted.map(|wanted| wanted.container.as_str()).unwrap_or_default();
            prove_dump(world, container, dump, &content)?;
            let counted = counted(&dump.adapter, &dump.counts).map_or_else(String::new, |counted| format!(", {counted}"));
            holds(cx, &mut proof, label, format!("{} bytes, read back whole{counted}", dump.stream.bytes), began);
        }
        for volume in &manifest.volumes {
            let label = format!("{}: the stored volume {}", manifest.stack, volume.volume);
            let began = start(cx, &label);
            let found = content.extent(&volume.path, &packs)?;
            if found != (Extent { entries: volume.entries, bytes: volume.bytes }) {
                return Err(Error::failed(label).why(format!(
                    "{} entries and {} bytes were read, and {} and {} stored",
                    volume.entries, volume.bytes, found.entries, found.bytes
                )));
            }
            holds(cx, &mut proof, label.clone(), format!("{} entries, {} bytes", found.entries, found.bytes), began);
            if volume.quiet == Quiet::Hot {
                not_proven(cx, &mut proof, label.clone(), "nobody to write to it while it is copied".to_string());
            }
            if !volume.not_kept.is_empty() {
                let needs = format!("the engine's own machine, to keep {}", volume.not_kept.join(", "));
                not_proven(cx, &mut proof, label, needs);
            }
        }
        for file in &manifest.files {
            if crate::saga::Sha::of(&content.file(&file.at)?).as_str() != file.sha256 {
                return Err(Error::failed(format!("read back {}", file.path.display())).why("it is not what was read"));
            }
        }
    }
    Ok(Verdict::Holds(proof))
}

fn start(cx: &Context<'_>, label: &str) -> Instant {
    cx.events.emit(Event::ProofStarted { label: label.to_string() });
    Instant::now()
}

fn holds(cx: &Context<'_>, proof: &mut Proof, label: String, detail: String, began: Instant) {
    proof.proven.push(format!("{label}: {detail}"));
    cx.events.emit(Event::ProofHolds { label, detail, took: began.elapsed() });
}

fn not_proven(cx: &Context<'_>, proof: &mut Proof, label: String, needs: String) {
    proof.not_proven.push(format!("{label} (needs {needs})"));
    cx.events.emit(Event::NotProven { label, needs });
}
