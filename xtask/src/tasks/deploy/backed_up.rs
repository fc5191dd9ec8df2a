//! What a deploy has to do with backups: those that there are, and the one that it makes first.

use std::collections::BTreeMap;

use super::guards::next_images;
use super::look::Looked;
use crate::actions::{Action, MakeRepository, PublishBackup, TakeBackup, VerifyBackup};
use crate::backup::adapters::revive;
use crate::backup::{BUILT, Pause, Place, Repository, Stored};
use crate::error::Result;
use crate::guards::Checked;
use crate::guards::deploy::{
    COVERED_HOURS, MajorChange, is_backed_up, is_fresh, major_changes, major_changes_are_covered, newest_verified,
};
use crate::project::{BeforeDeploy, Stack};
use crate::saga::{Lock, RunId, now_ms};
use crate::tasks::backup::look::{self, Planned};
use crate::tasks::backup::{Request, newest, place, usable};
use crate::tasks::{Context, Overrides};

/// The name of the guard, for whoever goes on without a backup.
const GUARD: &str = "backup";

/// The backups of one stack, as a deploy sees them.
pub struct BackedUp {
    before: BeforeDeploy,
    place: Place,
    /// Oldest first; or why they cannot be read.
    stored: std::result::Result<Vec<Stored>, String>,
    /// The one that is made first.
    planned: Option<Planned>,
    /// By service, the backup that brings its data back when it changes to another major version.
    covered: BTreeMap<String, String>,
    majors: Vec<MajorChange>,
}

/// Nobody else is at the repository while a deploy makes a backup, or rehearses on one.
pub fn lock(cx: &Context<'_>, overrides: &Overrides, with_data: bool) -> Result<Option<Lock>> {
    if cx.dry_run || !(with_data || makes_one(cx, overrides)) {
        return Ok(None);
    }
    place::lock(cx, &place::of(cx, None)?).map(Some)
}

fn makes_one(cx: &Context<'_>, overrides: &Overrides) -> bool {
    BUILT && cx.project.settings.backup.before_deploy == BeforeDeploy::Required && !overrides.guards.iter().any(|guard| guard == GUARD)
}

/// The backup that this run makes first, if it shall; looked for before anything else, for each look says anew what
/// must not be shown.
pub fn plan(cx: &Context<'_>, stack: &Stack, overrides: &Overrides, run: &RunId) -> Result<Option<Planned>> {
    if !makes_one(cx, overrides) {
        return Ok(None);
    }
    let planned = look::look(cx, stack, &Request::default(), &place::of(cx, None)?, run)?;
    Ok(Some(planned).filter(|planned| !planned.is_empty()))
}

impl BackedUp {
    pub fn look(cx: &Context<'_>, looked: &Looked<'_>, planned: Option<Planned>) -> Result<BackedUp> {
        let engine = newest::engine_key(&looked.standing.live.engine.known()?.id);
        let (stack, project) = (&looked.standing.stack.id, &looked.standing.call.project);
        let stored = match newest::all(cx) {
            Ok(all) => Ok(newest::of_stack(&all.unwrap_or_default(), stack, project, Some(&engine)).cloned().collect()),
            Err(error) => Err(error.to_string()),
        };
        let majors = if looked.rendered.is_ok() { major_changes(&next_images(looked)) } else { Vec::new() };
        let before = cx.project.settings.backup.before_deploy;
        let mut found = BackedUp { before, place: place::of(cx, None)?, stored, planned, covered: BTreeMap::new(), majors };
        found.covered =
            found.majors.iter().filter_map(|change| Some((change.service.clone(), found.covers(looked, &change.service)?))).collect();
        Ok(found)
    }

    /// The guards that go by backups.
    pub fn guards(&self, looked: &Looked<'_>) -> Result<Vec<Checked>> {
        let stack = &looked.standing.stack.id;
        // Where nothing is yet, nothing can be lost.
        let before = if self.before == BeforeDeploy::Off || has_data(looked)? { self.before } else { BeforeDeploy::Off };
        let unverifiable = match (&self.planned, before) {
            (Some(planned), _) => unverifiable(planned),
            (None, BeforeDeploy::Required) => vec![format!("before-deploy asks for a backup of {stack}, and none is made")],
            (None, _) => Vec::new(),
        };
        let mut guards =
            vec![is_backed_up(stack, before, &self.stored, unverifiable, now_ms()), major_changes_are_covered(&self.majors, &self.covered)];
        if let Some(planned) = &self.planned {
            guards.extend([planned.apart.clone(), usable::writable(&self.place)?]);
        }
        Ok(guards)
    }

    /// The name of the fresh and verified backup that has the data of this service.
    fn covers(&self, looked: &Looked<'_>, service: &str) -> Option<String> {
        let of_service = looked.standing.containers.iter().filter(|container| container.service() == service);
        let volumes: Vec<&str> = of_service
            .flat_map(|container| &container.mounts)
            .filter(|mount| mount.kind == "volume")
            .map(|mount| mount.name.as_str())
            .collect();
        let has = |dumps: &[String], kept: &[String]| {
            let dumped = dumps.iter().any(|dump| dump.split('/').next() == Some(service));
            dumped || (!volumes.is_empty() && volumes.iter().all(|volume| kept.iter().any(|one| one == volume)))
        };
        if let Some(planned) = &self.planned
            && has(&planned.take.summary.dumps, &planned.take.summary.volumes)
        {
            return Some(planned.take.summary.name.clone());
        }
        let with: Vec<Stored> =
            self.stored.as_ref().ok()?.iter().filter(|one| has(&one.summary.dumps, &one.summary.volumes)).cloned().collect();
        newest_verified(&with).filter(|newest| is_fresh(newest, COVERED_HOURS, now_ms())).map(|newest| newest.summary.name.clone())
    }

    /// What whoever goes to another major version is told of the way back, and answers with the project's name.
    pub fn question(&self, overrides: &Overrides) -> Option<String> {
        let overridden = overrides.guards.iter().any(|guard| guard == "major-version");
        if self.majors.is_empty() || overridden {
            return None;
        }
        let told = self.majors.iter().map(|change| {
            let backup = self.covered.get(&change.service).map(String::as_str).unwrap_or_default();
            format!("{}: {backup}, with the data of then.", change.why)
        });
        Some(told.collect::<Vec<_>>().join("\n"))
    }

    /// The one that this run makes and verifies first.
    pub fn planned(&self) -> Option<&TakeBackup> {
        self.planned.as_ref().map(|planned| &planned.take)
    }

    /// The name of the newest one, for the release's record: of the data that it finds.
    pub fn newest(&self) -> Option<String> {
        let planned = self.planned.as_ref().map(|planned| planned.take.summary.name.clone());
        planned.or_else(|| Some(self.stored.as_ref().ok()?.last()?.summary.name.clone()))
    }

    /// What is done first: a backup is made, restored for trial, and only then listed. It stays, whatever becomes of
    /// the deploy.
    pub fn steps(&self) -> Vec<Action> {
        let Some(planned) = &self.planned else { return Vec::new() };
        let (place, name) = (self.place.clone(), planned.take.summary.name.clone());
        let mut steps = Vec::new();
        // Where that cannot be told, the step says why, before anything else is touched.
        if !Repository::exists(&place).unwrap_or_default() {
            steps.push(Action::MakeRepository(MakeRepository { place: place.clone() }));
        }
        steps.push(Action::TakeBackup(Box::new(planned.take.clone())));
        steps.push(Action::VerifyBackup(VerifyBackup { place: place.clone(), name: name.clone(), deep: false, pending: true }));
        steps.push(Action::KeepBackup(PublishBackup { place, name }));
        steps
    }

    /// For people, before anybody is asked.
    pub fn lines(&self) -> Vec<String> {
        let Some(planned) = &self.planned else { return Vec::new() };
        let mut lines = planned.lines();
        lines.push(format!("verify that backup, {}, before anything else is touched", planned.take.summary.name));
        lines
    }
}

/// Containers, or volumes that were left behind.
fn has_data(looked: &Looked<'_>) -> Result<bool> {
    let (standing, json) =
        (&looked.standing, looked.rendered.as_ref().map_or_else(|_| looked.model.json(), |rendered| rendered.json.clone()));
    Ok(!standing.containers.is_empty() || !look::volumes(standing.live.engine.as_ref(), &json, &standing.call.project)?.is_empty())
}

/// Why this backup could only be verified in part.
fn unverifiable(planned: &Planned) -> Vec<String> {
    let hot = planned.take.copies.iter().filter(|copy| copy.way_to_be_quiet == Pause::Hot && !copy.writers.is_empty());
    let hot = hot.map(|copy| format!("the volume {} is copied while it is written to, which never counts as verified", copy.volume));
    let unrevived = planned.take.dumps.iter().filter(|dump| revive(&dump.adapter).is_none());
    hot.chain(unrevived.map(|dump| format!("dumps of {} cannot be restored for trial", dump.service))).collect()
}
