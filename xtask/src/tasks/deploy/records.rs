//! The releases of a stack around a deploy: what was recorded before, what was found running without a
//! record, and what the deploy will record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::Value;

use super::look::{Standing, containers};
use super::prove::record_of;
use crate::actions::{Action, SaveRelease, Shelf, written};
use crate::engine::Container;
use crate::error::{Error, Result};
use crate::git::Git;
use crate::model::{Model, SourceKind};
use crate::release::{Kept, Release, Releases, ServiceRecord, beyond, keep_files};
use crate::saga::{RunId, Sha, now_ms, who};
use crate::tasks::guarded::Still;
use crate::tasks::{Context, hidden};

/// What is recorded of a stack.
pub struct Recorded {
    pub shelf: Shelf,
    pub releases: Releases,
    pub all: Vec<Release>,
    pub current: Option<Release>,
}

impl Recorded {
    /// # Errors
    /// The state folder is somebody else's (`Refused`), or a record cannot be read (`Unusable`).
    pub fn look(cx: &Context<'_>, standing: &Standing<'_>) -> Result<Recorded> {
        let (project, stack) = (standing.call.project.clone(), standing.stack.id.clone());
        let shelf = Shelf { state: cx.state_folder()?, engine_id: standing.live.engine.known()?.id, project, stack };
        let releases = Releases::open(&shelf.state, &shelf.engine_id, &shelf.project, &shelf.stack)?;
        let all = releases.list()?;
        let current = releases.current()?;
        // Who is put back, now or because this fails, may say what is in no file of today any more.
        let kept = hidden::of_releases(&releases, &all);
        cx.masker.replace(hidden::masker(&[standing.secrets.clone(), kept].concat()));
        let current = all.iter().find(|release| Some(&release.id) == current.as_ref()).cloned();
        Ok(Recorded { shelf, releases, all, current })
    }

    /// The rendered model of the current release.
    ///
    /// # Errors
    /// Its content is lost or changed.
    pub fn model(&self) -> Result<Option<Value>> {
        self.current.as_ref().map_or(Ok(None), |release| model_of(&self.releases, release))
    }

    /// Whether the current release is what runs: image and configuration of every container.
    pub fn runs(&self, standing: &Standing<'_>) -> bool {
        let Some(current) = &self.current else { return false };
        let now = standing.now();
        let same = now.iter().all(|container| {
            current
                .services
                .get(&container.service)
                .is_some_and(|recorded| recorded.image_id == container.image_id && recorded.config_hash == container.config_hash)
        });
        same && current.services.keys().all(|service| now.iter().any(|container| container.service == *service))
    }

    /// Whether the same containers are there, running or not as they were, and the same release is current;
    /// asked again when nobody else may change them any more: another checkout may have deployed meanwhile.
    pub fn still(&self, standing: &Standing<'_>) -> Still<'static> {
        let state = |container: &Container| (container.id.clone(), container.is_up());
        let seen: BTreeSet<(String, bool)> = standing.containers.iter().map(state).collect();
        let (live, call, releases) = (Rc::clone(&standing.live), standing.call.clone(), self.releases.clone());
        let current = self.current.as_ref().map(|release| release.id.clone());
        Box::new(move || {
            let now: BTreeSet<(String, bool)> = containers(live.engine.as_ref(), &call)?.iter().map(state).collect();
            if now == seen && releases.current()? == current {
                return Ok(());
            }
            Err(Error::refused("nothing was touched")
                .why("somebody else has changed the stack since the plan was made")
                .help("run the command again"))
        })
    }

    /// The ids of the next releases, in order.
    fn ids(&self, count: usize) -> Result<Vec<String>> {
        let first = self.releases.next_id()?;
        let number: u64 = first[1..].parse().unwrap_or(1);
        Ok((number..).take(count).map(|number| format!("r{number:04}")).collect())
    }
}

/// The rendered model of a release; an adopted one has none.
///
/// # Errors
/// Its content is lost or changed.
pub fn model_of(releases: &Releases, release: &Release) -> Result<Option<Value>> {
    let Some(sha) = &release.model else { return Ok(None) };
    let content = releases.blobs(&release.id)?.get(sha)?;
    serde_json::from_slice(&content).map(Some).map_err(|error| Error::unusable("read the model of a release").why(error.to_string()))
}

/// The records of a run.
pub struct Saving {
    /// What ran without a record, saved before anything is touched.
    pub adopt: Option<Action>,
    pub save: Action,
    pub forget: Vec<String>,
    pub id: String,
    pub contents: Vec<Vec<u8>>,
}

/// What is known of a release before it runs.
pub struct New<'n> {
    pub model: &'n Value,
    pub kept: Kept,
    pub tag: Option<String>,
    pub accepted: Vec<crate::release::Accepted>,
    pub backup: Option<String>,
}

/// # Errors
/// The engine, git or a file that is to be kept cannot be read.
pub fn saving(cx: &Context<'_>, standing: &Standing<'_>, recorded: &Recorded, run: &RunId, new: New<'_>) -> Result<Saving> {
    let mut contents = Vec::new();
    let blank = blank(cx, standing, run);
    let ids = recorded.ids(2)?;
    let (adopt, previous, id) = match adopting(cx, standing, recorded, run, &mut contents)? {
        Some(adopted) => (Some(adopted.action), Some(adopted.id), ids[1].clone()),
        None => (None, recorded.current.as_ref().map(|release| release.id.clone()), ids[0].clone()),
    };
    let model = new.model.to_string().into_bytes();
    let sha = Sha::of(&model);
    contents.push(model);
    let release = Release {
        id: id.clone(),
        previous,
        model: Some(sha),
        kept: new.kept,
        tag: new.tag,
        accepted: new.accepted,
        backup: new.backup,
        ..blank
    };
    let save = save(recorded, &release, &mut contents)?;
    let all: Vec<Release> = recorded.all.iter().cloned().chain([release.clone()]).collect();
    let forget = beyond(&all, Some(&release.id), standing.settings.keep);
    Ok(Saving { adopt, save, forget, id, contents })
}

/// What runs without a record, as a release of its own.
pub struct Adopted {
    pub action: Action,
    pub id: String,
}

/// The step that freezes what runs, where it is not the current release; what it needs goes among the
/// contents of the run.
///
/// # Errors
/// The engine does not answer.
pub fn adopting(
    cx: &Context<'_>,
    standing: &Standing<'_>,
    recorded: &Recorded,
    run: &RunId,
    contents: &mut Vec<Vec<u8>>,
) -> Result<Option<Adopted>> {
    if standing.containers.is_empty() || recorded.runs(standing) {
        return Ok(None);
    }
    let services = found(standing, contents)?;
    let previous = recorded.current.as_ref().map(|release| release.id.clone());
    let id = recorded.releases.next_id()?;
    let found = Release { id: id.clone(), previous, adopted: true, services, ..blank(cx, standing, run) };
    Ok(Some(Adopted { action: save(recorded, &found, contents)?, id }))
}

fn blank(cx: &Context<'_>, standing: &Standing<'_>, run: &RunId) -> Release {
    Release {
        id: String::new(),
        stack: standing.stack.id.clone(),
        project: standing.call.project.clone(),
        run: run.to_string(),
        who: who(),
        at_ms: now_ms(),
        took_ms: 0,
        root: cx.project.root.clone(),
        roots: standing.made_in().into_iter().cloned().collect(),
        git_commit: cx.git.as_ref().and_then(Git::head),
        tag: None,
        previous: None,
        adopted: false,
        compose_version: standing.live.compose.version.to_string(),
        services: BTreeMap::new(),
        model: None,
        kept: Kept::default(),
        accepted: Vec::new(),
        backup: None,
    }
}

/// The containers that are there, as records; what those name goes among the contents of the run.
fn found(standing: &Standing<'_>, contents: &mut Vec<Vec<u8>>) -> Result<BTreeMap<String, ServiceRecord>> {
    let engine = standing.live.engine.as_ref();
    let mut services = BTreeMap::new();
    for container in &standing.containers {
        let Some(spec) = engine.spec(&container.id)? else { continue };
        let content = spec.to_bytes()?;
        record_of(engine, container, &mut services)?.containers.insert(container.name.clone(), Sha::of(&content));
        contents.push(content);
    }
    Ok(services)
}

fn save(recorded: &Recorded, release: &Release, contents: &mut Vec<Vec<u8>>) -> Result<Action> {
    let record = written(release)?;
    let action = SaveRelease { shelf: recorded.shelf.clone(), id: release.id.clone(), record: Sha::of(&record), since_ms: release.at_ms };
    contents.push(record);
    Ok(Action::SaveRelease(action))
}

/// The files that the services read, as they are now, by our own reading and Compose's rendering; their contents go among those of the run.
///
/// # Errors
/// git or a file cannot be read.
pub fn kept(cx: &Context<'_>, read: &Model, model: &Value, contents: &mut Vec<Vec<u8>>) -> Result<Kept> {
    let tracked = cx.git.as_ref().map_or_else(|| Ok(BTreeSet::new()), |git| git.files_of_top())?;
    let env_files = read.sources.iter().filter(|source| matches!(source.kind, SourceKind::Env(_)));
    let env_files: Vec<PathBuf> = env_files.map(|source| source.path.clone()).collect();
    keep_files(&cx.project.root, model, &env_files, &tracked, &mut |content| {
        contents.push(content.to_vec());
        Ok(Sha::of(content))
    })
}
