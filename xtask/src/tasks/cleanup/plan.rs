//! The steps of a cleanup, and the guards before them.

use super::figures::Figures;
use super::look::Found;
use super::stock::Kind;
use super::{Options, engine};
use crate::actions::{Action, ArchiveUnused, DropUnused, ForgetBackups, MakeRepository, NoteReclaimed, Unused};
use crate::backup::{BUILT, Place, Purpose, Repository, Summary};
use crate::error::Result;
use crate::guards::Checked;
use crate::saga::{Plan, RunId, Sha, now_ms, who};
use crate::tasks::Context;
use crate::tasks::backup::newest::engine_key;
use crate::tasks::history::{Standing, runs};

/// For how long a committed run can be rolled back: 90 days.
const KEPT_MS: u64 = 90 * 24 * 60 * 60 * 1000;

pub fn guards(options: &Options, found: &Found, figures: &Figures) -> Vec<Checked> {
    let mut wrong = Vec::new();
    for (kind, expected) in &options.expect {
        let count = found.of(*kind).count();
        if count != *expected {
            wrong.push(format!("{count} {} are unused, {expected} were expected", kind.plural()));
        }
    }
    let archived = found.archived_bytes();
    let mut room = Vec::new();
    if let Some(free) = figures.free_for_archive
        && free < archived
    {
        room.push(format!("up to {archived} bytes are archived, and {free} are free where the repository is"));
    }
    let no_archive = !BUILT && needs_archive(found);
    let built = no_archive.then(|| "this xtask was built without backups, so nothing could come back".to_string());
    vec![
        Checked::new("stacks-readable", found.unread.clone(), "mend the stack: what it declares must not be removed"),
        Checked::new("expected-counts", wrong, "look at the list, and say how many there are"),
        Checked::new("room-for-archive", room, "let `backup: {to: DIR}` in xtask.yaml name a larger file system"),
        Checked::new("archive", built.into_iter().collect(), "build it with the feature `backup`, which is on by default"),
    ]
}

pub fn needs_archive(found: &Found) -> bool {
    found.unused.iter().any(|(thing, _)| thing.is_archived())
}

/// The steps, and the definitions of networks that the run keeps.
pub fn plan(cx: &Context<'_>, found: &Found, note: &NoteReclaimed, run: &RunId) -> Result<(Plan<Action>, Vec<Vec<u8>>)> {
    let place = &note.place;
    let engine = engine(cx)?;
    let mut plan = Plan::new(super::TASK, Vec::new());
    let mut contents = Vec::new();
    let info = engine.info()?;
    let at_ms = now_ms();
    let archive = Summary::name_of(run.as_str(), super::TASK, at_ms);
    // First of all, so that they are the last of an undo: a registry that is away by then holds up nothing else.
    for image in found.of(Kind::Image) {
        if let Some(reference) = image.served.clone() {
            plan.steps.push(Action::RemoveUnused(Unused::Served { id: image.id.clone(), names: image.tags.clone(), reference }));
        }
    }
    if needs_archive(found) {
        if !Repository::exists(place)? {
            plan.steps.push(Action::MakeRepository(MakeRepository { place: place.clone() }));
        }
        let images = found.of(Kind::Image).filter(|thing| thing.is_archived());
        // A repository is written in the order of its paths.
        let mut volumes: Vec<String> = found.of(Kind::Volume).map(|thing| thing.name.clone()).collect();
        volumes.sort_by_key(|volume| crate::backup::segment(volume));
        let mut images: Vec<(String, Vec<String>)> = images.map(|thing| (thing.id.clone(), thing.tags.clone())).collect();
        images.sort();
        let summary = Summary {
            name: archive.clone(),
            purpose: Purpose::Removed,
            engine: engine_key(&info.id),
            run: run.to_string(),
            who: who(),
            at_ms,
            volumes: volumes.clone(),
            ..Summary::default()
        };
        let compose = cx.doors.compose.as_ref().map(|compose| compose.version.to_string()).unwrap_or_default();
        plan.steps.push(Action::ArchiveUnused(ArchiveUnused {
            place: place.clone(),
            summary,
            volumes,
            images,
            engine: info.version.clone(),
            compose,
        }));
    }
    for network in found.of(Kind::Network) {
        if let Some(spec) = engine.network_spec(&network.id)? {
            let bytes = spec.to_bytes()?;
            let (id, name, spec) = (network.id.clone(), network.name.clone(), Sha::of(&bytes));
            plan.steps.push(Action::RemoveUnused(Unused::Network { id, name, spec }));
            contents.push(bytes);
        }
    }
    for volume in found.of(Kind::Volume) {
        let (name, made) = (volume.name.clone(), volume.made.clone());
        plan.steps.push(Action::RemoveUnused(Unused::Volume { name, made, place: place.clone(), archive: archive.clone() }));
    }
    for image in found.of(Kind::Image).filter(|thing| thing.is_archived()) {
        let (id, names) = (image.id.clone(), image.tags.clone());
        plan.steps.push(Action::RemoveUnused(Unused::Image { id, names, place: place.clone(), archive: archive.clone() }));
    }
    let ids = |kind: Kind| found.of(kind).filter(|thing| !thing.comes_back()).map(|thing| thing.id.clone()).collect::<Vec<_>>();
    let drop = DropUnused { containers: ids(Kind::Container), images: ids(Kind::Image), cache: ids(Kind::Cache) };
    if !(drop.containers.is_empty() && drop.images.is_empty() && drop.cache.is_empty()) {
        plan.after.push(Action::DropUnused(drop));
    }
    if !plan.is_empty() {
        plan.after.extend(stale(cx, place, at_ms)?);
        plan.after.push(Action::NoteReclaimed(note.clone()));
    }
    Ok((plan, contents))
}

/// Archives of this project's cleanups that no rollback needs any more.
fn stale(cx: &Context<'_>, place: &Place, now_ms: u64) -> Result<Option<Action>> {
    if !Repository::exists(place)? {
        return Ok(None);
    }
    let runs = runs(&cx.store)?;
    let over = |run: &str, at_ms: u64| {
        let known = runs.iter().find(|one| one.run == run);
        known.is_some_and(|one| one.standing == Standing::Undone || at_ms < now_ms.saturating_sub(KEPT_MS))
    };
    let removed = Repository::open(place)?.removed()?.into_iter();
    let names: Vec<String> =
        removed.filter(|stored| over(&stored.summary.run, stored.summary.at_ms)).map(|stored| stored.summary.name).collect();
    Ok((!names.is_empty()).then(|| Action::ForgetBackups(ForgetBackups { place: place.clone(), names })))
}
