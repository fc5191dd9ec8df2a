//! Lets old backups go, by what the caller or the settings say is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::keep::beyond;
use super::{newest, place};
use crate::actions::{Action, ForgetBackups, PruneRepository};
use crate::backup::Stored;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::project::KeepSettings;
use crate::release::{Release, Releases};
use crate::saga::{Plan, Proof, Step, Verdict};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out, security_fix};

/// The name of the task.
pub const TASK: &str = "backup-forget";

/// What the caller wants to keep.
#[derive(Debug, Clone, Default)]
pub struct Forget {
    /// Nothing said: as in the settings.
    pub keep: KeepSettings,
    /// Make room of what no backup needs any more.
    pub prune: bool,
    pub to: Option<String>,
}

/// Forgets backups of this project's stacks on this engine; others in the repository are left alone. What a kept
/// release would be rolled back with stays, and so does the newest verified backup of each stack.
///
/// # Errors
/// `Unusable`: nobody says what is kept. `Refused`: no engine answers, so it is not known whose backups are meant.
pub fn forget(cx: &Context<'_>, request: &Forget) -> Result<Ended> {
    let keep = if request.keep.is_nothing() { cx.project.settings.backup.keep } else { request.keep };
    if keep.is_nothing() {
        return Err(Error::unusable("forget backups")
            .why("nobody says which ones are kept")
            .help("--keep-last N, --keep-daily N, --keep-weekly N or --keep-monthly N, or `backup: {keep: {...}}` in xtask.yaml"));
    }
    let place = place::of(cx, request.to.as_deref())?;
    let _lock = if cx.dry_run { None } else { Some(place::lock(cx, &place)?) };
    carry_out(cx, TASK, &Overrides::default(), |_| {
        cx.masker.replace(security_fix::secrets(cx));
        let stored = place::open(cx, &place)?.stored()?;
        let (names, projects, left) = chosen(cx, &stored, keep)?;
        let mut plan = Plan::new(TASK, Vec::new());
        if !names.is_empty() {
            plan.after.push(Action::ForgetBackups(ForgetBackups { place: place.clone(), names: names.clone() }));
        }
        if request.prune {
            plan.after.push(Action::PruneRepository(PruneRepository { place: place.clone() }));
        }
        let stay = stored.len() - names.len();
        let of =
            |name: &String| stored.iter().find(|one| &one.summary.name == name).map(|one| one.summary.stack.as_str()).unwrap_or_default();
        let mut other: Vec<String> = names.iter().map(|name| format!("forget {name} of {}", of(name))).collect();
        other.extend(plan.after.iter().filter(|step| matches!(step, Action::PruneRepository(_))).map(Step::label));
        other.push(format!(
            "{stay} stay{}",
            if left > 0 { format!(", {left} of them of other projects or engines") } else { String::new() }
        ));
        Ok(Prepared {
            guards: Vec::new(),
            projects,
            plan,
            contents: Vec::new(),
            preview: vec![Event::Planned { files: Vec::new(), other }],
            still: None,
            prove: Box::new(|_| Ok(Verdict::Holds(Proof::default()))),
        })
    })
}

/// The names that go, the compose projects that they are of, and how many are none of ours.
fn chosen(cx: &Context<'_>, stored: &[Stored], keep: KeepSettings) -> Result<(Vec<String>, Vec<String>, usize)> {
    let nobody = || Error::refused("forget backups").why(cx.doors.no_engine.clone()).help("`cargo xtask doctor` says what is missing");
    let key = newest::engine_key(&cx.doors.engine.as_ref().ok_or_else(nobody)?.known()?.id);
    let mut groups: BTreeMap<(&str, &str), Vec<&Stored>> = BTreeMap::new();
    let ours = |one: &&Stored| one.summary.engine == key && cx.project.stacks.iter().any(|stack| stack.id == one.summary.stack);
    for one in stored.iter().filter(ours) {
        groups.entry((&one.summary.stack, &one.summary.project)).or_default().push(one);
    }
    let left = stored.len() - groups.values().map(Vec::len).sum::<usize>();
    let state = cx.state_folder()?;
    let mut names = Vec::new();
    for ((stack, project), group) in &groups {
        let mut needed = BTreeSet::new();
        for (_, releases) in Releases::of_stack(&state, stack)? {
            needed.extend(releases.list()?.iter().filter(|release| release.project == *project).flat_map(|release| needs(release, group)));
        }
        names.extend(beyond(group, keep, &needed));
    }
    let projects: BTreeSet<String> = groups.keys().map(|(_, project)| project.to_string()).collect();
    Ok((names, projects.into_iter().collect(), left))
}

/// What there was of the data before the release, and the last of what it made of them.
fn needs(release: &Release, group: &[&Stored]) -> Vec<String> {
    let during = group.iter().rev().find(|one| one.summary.release.as_ref() == Some(&release.id));
    release.backup.iter().cloned().chain(during.map(|one| one.summary.name.clone())).collect()
}
