//! Which variables changed when, and by which run: names only, never values.
//!
//! A run's journal says which files it wrote, and its kept copies hold them before and after. What a file was
//! when the next run found it tells what people changed in between.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::{Kind, Variables, differences, kind_of, variables};
use crate::actions::Action;
use crate::error::Result;
use crate::saga::{Blobs, Record, RunView, Sha, now_ms};
use crate::source::{Disk, Files};
use crate::tasks::Context;
use crate::tasks::history::{self, Standing};

/// What became of one file's variables at one time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvChange {
    /// UTC; of a change by hand, when it was found.
    pub when: String,
    /// `None`: by no run.
    pub run: Option<String>,
    /// The run's task: of a phase its name.
    pub task: Option<String>,
    /// `user@host`.
    pub who: Option<String>,
    /// `undone` is still told: a later run says what came back.
    pub standing: Option<Standing>,
    /// Relative to the project's root.
    pub file: PathBuf,
    pub variables: Vec<VariableChange>,
    /// Why the names are not known.
    pub unknown: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VariableChange {
    /// Of a compose file.
    pub service: Option<String>,
    pub name: String,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    Added,
    Changed,
    Removed,
}

/// One write of one file, as a run has noted it.
struct Write {
    path: PathBuf,
    before: Option<Sha>,
    after: Option<Sha>,
}

/// What is known of a file since a run wrote it.
struct Left {
    content: Option<Sha>,
    /// Absent where the copy has expired.
    variables: Option<Variables>,
}

/// All changes, oldest first, of env files and of the `environment` of compose files.
///
/// # Errors
/// A journal cannot be read.
pub fn changes(cx: &Context<'_>) -> Result<Vec<EnvChange>> {
    let views = cx.store.history()?;
    let summaries = history::summaries(&views);
    let mut found = Vec::new();
    let mut left: BTreeMap<PathBuf, Left> = BTreeMap::new();
    for (view, run) in views.iter().zip(&summaries) {
        // What was put back at once has changed nothing.
        if matches!(run.standing, Standing::RolledBack | Standing::Untouched) {
            continue;
        }
        let blobs = cx.store.blobs(&view.id);
        for write in writes(view) {
            let Some(kind) = kind_of(&write.path) else { continue };
            let (before, after) = (read(&blobs, kind, write.before.as_ref()), read(&blobs, kind, write.after.as_ref()));
            found.extend(by_hand(&write, &before, left.get(&write.path), &run.when));
            let change = EnvChange {
                run: Some(run.run.clone()),
                task: Some(run.task.clone()),
                who: Some(run.who.clone()),
                standing: Some(run.standing),
                ..between(&write.path, &run.when, before.as_ref(), after.as_ref())
            };
            found.extend(told(change));
            left.insert(write.path, Left { content: write.after, variables: after.ok() });
        }
    }
    found.extend(since(cx, &left));
    Ok(found)
}

/// What differs now from what the last run left, in files that runs have written.
fn since(cx: &Context<'_>, left: &BTreeMap<PathBuf, Left>) -> Vec<EnvChange> {
    let now = history::readable(now_ms());
    let mut found = Vec::new();
    for (path, left) in left {
        let Some(kind) = kind_of(path) else { continue };
        let bytes = Disk.read(&cx.project.root.join(path)).ok().flatten();
        let content = bytes.as_deref().map(Sha::of);
        let variables = bytes.map_or(Ok(Variables::default()), |bytes| variables(kind, &bytes));
        let write = Write { path: path.clone(), before: content, after: None };
        found.extend(by_hand(&write, &variables, Some(left), &now));
    }
    found
}

/// The change that no run has made: the file is not as the run before had left it.
fn by_hand(write: &Write, found: &std::result::Result<Variables, String>, left: Option<&Left>, when: &str) -> Option<EnvChange> {
    let left = left.filter(|left| left.content != write.before)?;
    let before = left.variables.as_ref().ok_or_else(|| EXPIRED.to_string());
    told(between(&write.path, when, before.as_ref().map(|known| *known), found.as_ref()))
}

const EXPIRED: &str = "the copies that the run kept have expired";

fn between<E: ToString>(
    path: &Path,
    when: &str,
    before: std::result::Result<&Variables, &E>,
    after: std::result::Result<&Variables, &String>,
) -> EnvChange {
    let (variables, unknown) = match (before, after) {
        (Ok(before), Ok(after)) => (differences(before, after), None),
        (Err(why), _) => (Vec::new(), Some(why.to_string())),
        (_, Err(why)) => (Vec::new(), Some(why.clone())),
    };
    let (run, task, who, standing) = (None, None, None, None);
    EnvChange { when: when.to_string(), run, task, who, standing, file: path.to_path_buf(), variables, unknown }
}

/// A file can change without its variables.
fn told(change: EnvChange) -> Option<EnvChange> {
    (!change.variables.is_empty() || change.unknown.is_some()).then_some(change)
}

/// A file that is not there has no variables.
fn read(blobs: &Blobs, kind: Kind, content: Option<&Sha>) -> std::result::Result<Variables, String> {
    let Some(sha) = content else { return Ok(Variables::default()) };
    if !blobs.has(sha) {
        return Err(EXPIRED.to_string());
    }
    variables(kind, &blobs.get(sha).map_err(|error| error.to_string())?)
}

/// What a run wrote, step by step; steps that this version does not know are none of files.
fn writes(view: &RunView) -> impl Iterator<Item = Write> {
    view.entries.iter().filter_map(|entry| match &entry.record {
        Record::Prepared { step, .. } => write(Action::deserialize(step).ok()?),
        _ => None,
    })
}

fn write(step: Action) -> Option<Write> {
    match step {
        Action::WriteFile(write) => Some(Write { path: write.path, before: write.before, after: Some(write.content) }),
        Action::RemoveFile(remove) => Some(Write { path: remove.path, before: Some(remove.before), after: None }),
        _ => None,
    }
}
