//! Settles a run that did not come to its end: everything is put back to before it, or, when it was
//! committed, what comes after is done.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::project_lock::{forget_runs, refuse_foreign_run};
use super::{Context, hidden};
use crate::actions::{Action, StackCall, World};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::guards::deploy::secret_files;
use crate::model::{self, Call, Model, Unset};
use crate::project::Stack;
use crate::release::Releases;
use crate::saga::{self, Entry, Held, Holder, Lock, Mark, Outcome, RunRef, Step, wait_lock};
use crate::secret::Masker;
use crate::source::Disk;

/// How long a program that a killed run left behind may take to end, before recovery gives up.
const ORPHANS: Duration = Duration::from_secs(300);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// No run is open.
    Nothing,
    /// A dry run: the open run, and the steps that would be undone, in that order.
    WouldPutBack {
        run: String,
        steps: Vec<String>,
    },
    PutBack(String),
    /// A dry run: the committed run, and the steps that would be taken after it.
    WouldFinish {
        run: String,
        steps: Vec<String>,
    },
    /// What comes after this committed run is done.
    Finished(String),
}

/// Settles the open run, if there is one. A second call finds nothing to do.
pub fn recover(cx: &Context<'_>) -> Result<Recovered> {
    let Some(open) = cx.store.open_run()? else {
        // Somebody may look for it in another checkout than the one in which it was killed.
        refuse_foreign_run(cx, &projects(cx))?;
        return Ok(Recovered::Nothing);
    };
    if cx.dry_run {
        return would_settle(cx, &open);
    }
    cx.check_state()?;
    let _lock = lock(cx)?;
    let Some(open) = cx.store.open_run()? else { return Ok(Recovered::Nothing) };
    let (mut journal, entries) = cx.store.reopen(&open)?;
    // What containers say while they are put back is told with its secrets masked.
    cx.masker.replace(masker(cx, &open, &entries)?);
    let world = cx.world(&open.id);
    // A commit that was cut short while it was prepared is no step yet that could be undone.
    if let Some(git) = &cx.git {
        git.clear_index_leftovers(open.id.as_str())?;
    }
    let settled = saga::recover::<World, Action>(&world, &mut journal, &entries, cx.events, cx.cancel);
    for warning in world.warnings.take() {
        cx.events.emit(Event::Warning(warning));
    }
    forget_runs(cx)?;
    match settled? {
        Some(Outcome::Stuck { why }) => Err(Error { kind: Kind::Stuck, ..why }),
        Some(Outcome::Committed(_)) => Ok(Recovered::Finished(open.id.to_string())),
        _ => Ok(Recovered::PutBack(open.id.to_string())),
    }
}

/// The compose projects of the stacks that can be read.
fn projects(cx: &Context<'_>) -> Vec<String> {
    let name = |stack: &Stack| {
        let call = Call { files: stack.files.clone(), env_files: stack.env_files.clone(), unset: Unset::StandIn, ..Call::default() };
        model::load(&Disk, &call, &cx.environment).ok().map(|model| model.name)
    };
    cx.project.stacks.iter().filter_map(name).collect()
}

/// Knows what the files of today hold, what runs, and what the run and the releases of its stacks have kept: the
/// shell that recovers need not have the variables of the one that deployed.
fn masker(cx: &Context<'_>, open: &RunRef, entries: &[Entry]) -> Result<Masker> {
    let done = saga::prepared::<World, Action>(entries)?;
    let calls: Vec<&StackCall> = done
        .iter()
        .filter_map(|undoable| match &undoable.step {
            Action::KeepStack(keep) => Some(&keep.call),
            _ => None,
        })
        .collect();
    let models: Vec<Model> = calls.iter().filter_map(|call| read(cx, call)).collect();
    let mut secrets = hidden::of_project(cx, models.iter());
    let mut places: BTreeSet<PathBuf> = models.iter().flat_map(|model| secret_files(&model.json())).map(|file| file.path).collect();
    for call in calls {
        for (_, releases) in cx.state_folder().and_then(|state| Releases::of_stack(&state, &call.stack)).unwrap_or_default() {
            let all = releases.list().unwrap_or_default();
            secrets.extend(hidden::of_releases(&releases, &all));
            places.extend(all.iter().flat_map(|release| hidden::paths_of_release(&releases, release)));
        }
        let Some(engine) = &cx.doors.engine else { continue };
        for listed in engine.containers(&[("com.docker.compose.project", &call.project)])? {
            secrets.extend(engine.container(&listed.id)?.iter().flat_map(hidden::of_container));
        }
    }
    secrets.extend(hidden::of_run(&cx.store.blobs(&open.id), &done, &cx.project.root, &places));
    Ok(hidden::masker(&secrets))
}

/// Where the files of today can be read.
fn read(cx: &Context<'_>, call: &StackCall) -> Option<Model> {
    let mut environment = cx.environment.clone();
    environment.extend(call.env.iter().cloned());
    let call = Call {
        files: call.files.clone(),
        env_files: call.env_files.clone(),
        profiles: call.profiles.clone(),
        project_name: None,
        unset: Unset::StandIn,
    };
    model::load(&Disk, &call, &environment).ok()
}

/// Reads only: not even the lock is taken, nor a torn journal cut.
fn would_settle(cx: &Context<'_>, open: &RunRef) -> Result<Recovered> {
    if let Some(held) = saga::held(&cx.store.lock_path())? {
        cx.events.emit(Event::Note(format!("a recovery would wait: {}", held.into_error().why.unwrap_or_default())));
    }
    let told = saga::replay(&open.journal)?;
    let run = open.id.to_string();
    if told.state.is_committed() {
        let (after, _) = saga::unsettled::<World, Action>(&told.entries)?;
        return Ok(Recovered::WouldFinish { run, steps: after.iter().map(Step::<World>::label).collect() });
    }
    let done = saga::prepared::<World, Action>(&told.entries)?;
    let left = done.iter().zip(&told.state.marks).rev().filter(|(_, mark)| **mark != Mark::Undone);
    let steps = left.map(|(undoable, _)| Step::<World>::label(&undoable.step)).collect();
    Ok(Recovered::WouldPutBack { run, steps })
}

/// What the killed run started holds its lock; nothing may be undone beside it.
fn lock(cx: &Context<'_>) -> Result<Lock> {
    let said = Cell::new(false);
    let go_on = |held: &Held| {
        if !said.replace(true) {
            cx.events.emit(Event::Note(format!("waiting: {}", held.clone().into_error().why.unwrap_or_default())));
        }
        !cx.cancel.requested()
    };
    match wait_lock(&cx.store.lock_path(), &Holder::me("recover"), ORPHANS, &go_on)? {
        Err(_) if cx.cancel.requested() => Err(Error::new(Kind::Interrupted, "waiting for the run was interrupted; nothing was touched")),
        tried => tried.map_err(Held::into_error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::saga::Record;

    fn read(step: Value) -> Result<usize> {
        let entry = Entry { at_ms: 0, record: Record::Prepared { n: 0, step, receipt: json!({"kind": "nothing"}) } };
        saga::prepared::<World, Action>(&[entry]).map(|done| done.len())
    }

    /// A restore in place was one step of this shape once.
    #[test]
    fn a_step_of_another_version_is_told_and_not_passed_over() {
        let place = json!({"location": "/srv/backups", "key": "/srv/key"});
        let old = json!({"kind": "put-back", "place": place, "name": "n", "volumes": [], "users": []});
        let error = read(old).unwrap_err();
        assert!(error.to_string().contains("read step 1 of the journal") && error.to_string().contains("`put-back`"), "{error}");
        assert!(error.help.unwrap().contains("began the run"));
        let known = json!({"kind": "exchange", "refills": [], "users": []});
        assert_eq!(read(known.clone()).unwrap(), 1);
        let mut newer = known;
        newer["quiesced"] = json!(["a"]);
        assert!(read(newer).unwrap_err().to_string().contains("`quiesced`"));
    }

    /// Whatever the kind, a step that lacks all else is an error, or is whole.
    #[test]
    fn no_kind_of_step_is_read_from_nothing() {
        let told = serde_json::from_value::<Action>(json!({"kind": "?"})).unwrap_err().to_string();
        let kinds: Vec<&str> = told.split('`').skip(3).step_by(2).collect();
        assert!(kinds.len() > 40 && kinds.contains(&"exchange"), "{kinds:?}");
        for kind in kinds {
            let error = read(json!({"kind": kind})).unwrap_err();
            assert_eq!(error.kind, Kind::Unusable, "{kind}");
        }
    }
}
