//! Restores a backup beside everything else, compares it with what was noted when it was made, and takes it away.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::World;
use super::fill::fill;
use super::load::restored;
use super::revive::{Base, Server};
use crate::backup::adapters::{COMMAND, adapter, revive};
use crate::backup::{Content, Copied, Dump, Place, Quiet, Repository, Verified, segment};
use crate::engine::remove::{RUN_LABEL, Removed, remove_run};
use crate::error::{Error, Result};
use crate::saga::now_ms;

/// How long a container may take to be there when who asked for it was killed.
const STILL_MADE: Duration = Duration::from_millis(1500);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyBackup {
    pub place: Place,
    pub name: String,
    /// It was made by this run and does not count yet; when not all of it can be verified, it never will.
    #[serde(default)]
    pub pending: bool,
    /// Checksums are asked for too.
    #[serde(default)]
    pub deep: bool,
}

impl VerifyBackup {
    pub fn apply(&self, world: &World) -> Result<()> {
        let began = Instant::now();
        let repository = Repository::open(&self.place)?;
        let content = repository.content(&self.name, self.pending)?;
        let manifest = content.manifest()?;
        let mut all = true;
        for copied in &manifest.volumes {
            all &= volume(world, &content, copied)?;
        }
        let mut servers: BTreeMap<&str, Vec<&Dump>> = BTreeMap::new();
        for dump in &manifest.dumps {
            servers.entry(&dump.service).or_default().push(dump);
        }
        let mut deep = self.deep && !servers.is_empty();
        for dumps in servers.into_values() {
            let summed = dumps.iter().all(|dump| dump.counts.is_empty() || !dump.sums.is_empty());
            if self.deep && !summed {
                let label = format!("the contents of the tables of {}", dumps[0].service);
                world.not_proven(label, "a backup that was made with --deep".to_string());
            }
            deep &= summed;
            all &= server(world, &content, &dumps)?;
        }
        files(world, &content, &manifest.files)?;
        remove_run(world.live()?.engine.as_ref(), world.run.as_str())?;
        if self.pending && !all {
            return Err(Error::failed(format!("verify {}", self.name)).why("not all of it can be tried, so it does not count as verified"));
        }
        let found = if self.pending {
            world.backups.borrow().get(&self.name).cloned()
        } else {
            repository.stored()?.into_iter().map(|stored| stored.summary).find(|summary| summary.name == self.name)
        };
        if let Some(mut summary) = found.filter(|_| all) {
            let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            summary.verified = Some(Verified { at_ms: now_ms(), took_ms, deep });
            world.backups.borrow_mut().insert(self.name.clone(), summary);
        }
        Ok(())
    }

    /// Nothing of it stays, whoever was killed in it.
    pub fn undo(&self, world: &World) -> Result<()> {
        take_away(world)
    }
}

/// What a killed program has asked the engine for may still be in the making, on a busy machine for longer than one
/// request takes otherwise: every look of a while must find nothing.
pub fn take_away(world: &World) -> Result<()> {
    let mut nothing_since = Instant::now();
    while nothing_since.elapsed() < STILL_MADE {
        if remove_run(world.live()?.engine.as_ref(), world.run.as_str())? != Removed::default() {
            nothing_since = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Whether it counts as verified.
fn volume(world: &World, content: &Content, copied: &Copied) -> Result<bool> {
    let label = format!("the volume {}", copied.volume);
    let engine = world.live()?.engine.as_ref();
    let scratch = format!("xtask-{}-{}", world.run.short(), segment(&copied.volume).replace('%', "_"));
    engine.create_volume(&scratch, (RUN_LABEL, world.run.as_str()))?;
    let entries = fill(world, content, copied, &scratch)?;
    engine.remove_volume(&scratch)?;
    if copied.quiet == Quiet::Hot {
        world.not_proven(label, "nobody to write to it while it is copied".to_string());
        return Ok(false);
    }
    world.proven(label, format!("{entries} entries, {} bytes, restored and read back equal", copied.bytes));
    Ok(true)
}

fn server(world: &World, content: &Content, dumps: &[&Dump]) -> Result<bool> {
    let Some(first) = dumps.first() else { return Ok(true) };
    if adapter(&first.adapter).is_none() || revive(&first.adapter).is_none() {
        world.not_proven(format!("the dumps of {}", first.service), format!("a way to restore dumps of {} servers", first.adapter));
        return Ok(false);
    }
    if first.adapter == COMMAND && !first.options.contains_key("restore") {
        let needs = "a command that restores it (the label xtask.backup.restore)".to_string();
        world.not_proven(format!("the dumps of {}", first.service), needs);
        return Ok(false);
    }
    let server = Server::make(world, first, Base::Image)?;
    server.load(dumps, content, |dump, tally| restored(world, dump, tally))?;
    world.live()?.engine.remove_container(&server.id)?;
    Ok(true)
}

fn files(world: &World, content: &Content, files: &[crate::backup::File]) -> Result<()> {
    for file in files {
        if crate::saga::Sha::of(&content.file(&file.at)?).as_str() != file.sha256 {
            return Err(Error::failed(format!("verify {}", file.path.display())).why("it is not what was read"));
        }
    }
    world.proven("the files of the project".to_string(), format!("{} files, as they were read", files.len()));
    Ok(())
}

/// Writes down beside a backup that it was verified; not when it only was in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteVerified {
    pub place: Place,
    pub name: String,
}

impl NoteVerified {
    pub fn apply(&self, world: &World) -> Result<()> {
        let summary = world.backups.borrow().get(&self.name).cloned();
        summary.map_or(Ok(()), |summary| Repository::open(&self.place)?.describe(&summary))
    }
}
