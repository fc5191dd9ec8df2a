//! Writes the release that a run has made, and moves the pointer to the release that runs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::World;
use crate::error::{Error, Result};
use crate::release::{Release, Releases};
use crate::saga::{Sha, now_ms};

/// Where the releases of one stack on one engine are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// The state folder. Another one than that of today is refused.
    pub state: PathBuf,
    pub engine_id: String,
    /// The compose project's name.
    pub project: String,
    pub stack: String,
}

impl Shelf {
    pub(super) fn open(&self, world: &World) -> Result<Releases> {
        if world.state.as_deref() != Some(&*self.state) {
            return Err(Error::refused(format!("use the releases of {}", self.stack))
                .why(format!("the run was begun with the state folder {}, which is not that of today", self.state.display()))
                .help(format!("set XTASK_STATE={}", self.state.display())));
        }
        Releases::open(&self.state, &self.engine_id, &self.project, &self.stack)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveRelease {
    pub shelf: Shelf,
    /// As `Releases::next_id` gave it.
    pub id: String,
    /// The record as far as it was known when the plan was made: a blob of the run. What the proof saw
    /// running (`World::running`), the run and the times are put into it.
    pub record: Sha,
    /// When the work began, in milliseconds since 1970.
    pub since_ms: u64,
}

/// Moves the pointer to a release that there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveCurrent {
    pub shelf: Shelf,
    pub id: String,
}

/// What undo needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The record as it is written: a blob of the run. `None`: there was one already.
    pub record: Option<Sha>,
    /// The release that was current.
    pub before: Option<String>,
}

impl SaveRelease {
    pub fn prepare(&self, world: &World) -> Result<Saved> {
        let releases = self.shelf.open(world)?;
        let refuse = |why: &str| Err(Error::refused(format!("save the release {}", self.id)).why(why.to_string()));
        if releases.has(&self.id) {
            return refuse("there is one of that name");
        }
        let mut release = record(world, &self.record)?;
        if (&release.id, &release.stack, &release.project) != (&self.id, &self.shelf.stack, &self.shelf.project) {
            return refuse("the record is that of another release");
        }
        release.services.extend(world.running.borrow().clone());
        release.run = world.run.to_string();
        release.at_ms = now_ms();
        release.took_ms = release.at_ms.saturating_sub(self.since_ms);
        if let Some(missing) = release.blobs().into_iter().find(|sha| !world.blobs.has(sha)) {
            return refuse(&format!("its content {missing} is not among those of the run"));
        }
        let record = world.blobs.put(&written(&release)?)?;
        Ok(Saved { record: Some(record), before: releases.current()? })
    }

    pub fn apply(&self, world: &World, saved: &Saved) -> Result<()> {
        let releases = self.shelf.open(world)?;
        let Some(sha) = &saved.record else { return Err(Error::unusable("save a release").why("the receipt names no record")) };
        let release = record(world, sha)?;
        hold_images(world, &release)?;
        releases.save(&release, &world.blobs)?;
        releases.set_current(Some(&self.id))
    }

    pub fn undo(&self, world: &World, saved: &Saved) -> Result<()> {
        let releases = self.shelf.open(world)?;
        // Deleted first: on a full disk this makes the room that the pointer needs.
        if releases.has(&self.id) && releases.get(&self.id)?.run != world.run.as_str() {
            return Err(Error::failed(format!("take back the release {}", self.id)).why("it was made by another run"));
        }
        releases.delete(&self.id)?;
        if let (Some(sha), Some(live)) = (&saved.record, &world.live) {
            for held in record(world, sha)?.holds() {
                live.engine.untag(&held)?;
            }
        }
        back(&releases, &self.id, saved)
    }
}

impl MoveCurrent {
    pub fn prepare(&self, world: &World) -> Result<Saved> {
        let releases = self.shelf.open(world)?;
        releases.get(&self.id)?;
        Ok(Saved { record: None, before: releases.current()? })
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        self.shelf.open(world)?.set_current(Some(&self.id))
    }

    pub fn undo(&self, world: &World, saved: &Saved) -> Result<()> {
        back(&self.shelf.open(world)?, &self.id, saved)
    }
}

/// Nothing lets an image go while a release may need it.
fn hold_images(world: &World, release: &Release) -> Result<()> {
    let Some(live) = &world.live else { return Ok(()) };
    for (service, ran) in &release.services {
        live.engine.tag(&ran.image_id, &release.hold(service))?;
    }
    Ok(())
}

/// Moves the pointer back to where it was, if it is where the run moved it.
fn back(releases: &Releases, id: &str, saved: &Saved) -> Result<()> {
    let now = releases.current()?;
    if now.as_deref() == Some(id) || now == saved.before {
        // Also when nothing was to be done: what is seen must be durable before it is recorded.
        return releases.set_current(saved.before.as_deref());
    }
    Err(Error::failed("move back to the release before").why("somebody else has made another release current"))
}

fn record(world: &World, sha: &Sha) -> Result<Release> {
    let text = world.blobs.get(sha)?;
    serde_json::from_slice(&text).map_err(|error| Error::unusable("read the record of a release").why(error.to_string()))
}

/// A record as the blob that `SaveRelease` names.
pub fn written(release: &Release) -> Result<Vec<u8>> {
    serde_json::to_vec(release).map_err(|error| Error::failed("write the record of a release").why(error.to_string()))
}

#[cfg(test)]
#[path = "save_release_tests.rs"]
pub(super) mod tests;
