//! Reads a backup back before it counts.

use serde::{Deserialize, Serialize};

use super::super::{Said, World};
use super::TakeBackup;
use super::dump::prove;
use crate::backup::adapters::counted;
use crate::backup::{Extent, Manifest, Place, Quiet, Repository, WantedDump};
use crate::error::{Error, Result};
use crate::saga::Sha;

/// The step of a run that needs the backup before its own proof: by then its servers may not run any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadBack {
    pub place: Place,
    pub name: String,
    pub dumps: Vec<WantedDump>,
}

/// What is read, before and after it was.
pub enum Reading {
    Begins(String),
    Said(Said),
}

impl ReadBack {
    pub fn of(take: &TakeBackup) -> ReadBack {
        ReadBack { place: take.place.clone(), name: take.summary.name.clone(), dumps: take.dumps.clone() }
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        self.carry_out(world, &mut |reading| {
            if let Reading::Said(said) = reading {
                world.said.borrow_mut().push(said);
            }
        })
        .map(|_| ())
    }

    /// What was read is what the manifest says, which is the answer.
    ///
    /// # Errors
    /// What is stored is not what was read.
    pub fn carry_out(&self, world: &World, told: &mut dyn FnMut(Reading)) -> Result<Manifest> {
        let content = Repository::open(&self.place)?.content(&self.name, true)?;
        let (manifest, packs) = (content.manifest()?, content.packs()?);
        for dump in &manifest.dumps {
            let label = format!("{}: the stored dump {} of {}", manifest.stack, dump.what, dump.service);
            told(Reading::Begins(label.clone()));
            let wanted = self.dumps.iter().find(|wanted| wanted.service == dump.service);
            let container = wanted.map(|wanted| wanted.container.as_str()).unwrap_or_default();
            prove(world, container, dump, &content)?;
            let counted = counted(&dump.adapter, &dump.counts).map_or_else(String::new, |counted| format!(", {counted}"));
            let detail = format!("{} bytes, read back whole{counted}", dump.stream.bytes);
            told(Reading::Said(Said::Proven { label, detail }));
        }
        for volume in &manifest.volumes {
            let label = format!("{}: the stored volume {}", manifest.stack, volume.volume);
            told(Reading::Begins(label.clone()));
            let found = content.extent(&volume.path, &packs)?;
            if found != (Extent { entries: volume.entries, bytes: volume.bytes }) {
                return Err(Error::failed(label).why(format!(
                    "{} entries and {} bytes were read, and {} and {} stored",
                    volume.entries, volume.bytes, found.entries, found.bytes
                )));
            }
            let detail = format!("{} entries, {} bytes", found.entries, found.bytes);
            told(Reading::Said(Said::Proven { label: label.clone(), detail }));
            if volume.quiet == Quiet::Hot {
                let needs = "nobody to write to it while it is copied".to_string();
                told(Reading::Said(Said::NotProven { label: label.clone(), needs }));
            }
            if !volume.not_kept.is_empty() {
                let needs = format!("the engine's own machine, to keep {}", volume.not_kept.join(", "));
                told(Reading::Said(Said::NotProven { label, needs }));
            }
        }
        for file in &manifest.files {
            if Sha::of(&content.file(&file.at)?).as_str() != file.sha256 {
                return Err(Error::failed(format!("read back {}", file.path.display())).why("it is not what was read"));
            }
        }
        Ok(manifest)
    }
}
