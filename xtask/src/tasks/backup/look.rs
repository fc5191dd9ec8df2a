//! What there is of a stack, and so what its backup holds. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::actions::TakeBackup;
use crate::backup::{Choice, Given, Pause, Place, Purpose, Summary, WantedDump, Wish, choose};
use crate::engine::{Container, Engine};
use crate::error::{Error, Result};
use crate::git::Git;
use crate::guards::Checked;
use crate::model::Model;
use crate::project::{SETTINGS_FILE, ServiceBackup, Stack};
use crate::saga::{RunId, machine, now_ms, who};
use crate::secret::Secret;
use crate::tasks::Context;
use crate::tasks::deploy::look::Standing;
use crate::tasks::deploy::records::{Recorded, kept};
use crate::tasks::hidden;

use super::Request;
use super::newest::engine_key;
use super::usable::apart;

/// One backup that is to be made.
pub struct Planned {
    pub take: TakeBackup,
    /// That it is not stored in what it copies.
    pub apart: Checked,
    /// How many containers the stack has.
    containers: usize,
    /// Of its files and containers.
    pub secrets: Vec<Secret>,
}

impl Planned {
    /// Nothing of the stack is on the engine: its files alone are in git.
    pub fn is_empty(&self) -> bool {
        self.containers == 0 && self.take.copies.is_empty()
    }

    /// For people, before anybody is asked.
    pub fn lines(&self) -> Vec<String> {
        let take = &self.take;
        let stack = &take.summary.stack;
        let mut lines: Vec<String> = Vec::new();
        lines.extend(take.dumps.iter().map(|dump| format!("{stack}: dump {} ({}) by its own client", dump.service, dump.adapter)));
        for copy in &take.copies {
            let names: Vec<&str> = copy.writers.iter().map(|writer| writer.name.as_str()).collect();
            let meanwhile = match copy.way_to_be_quiet {
                _ if names.is_empty() => "nobody writes to it".to_string(),
                Pause::Pause => format!("{} paused meanwhile", names.join(", ")),
                Pause::Stop => format!("{} stopped meanwhile", names.join(", ")),
                Pause::Hot => format!("{} going on to write to it, so files may not fit each other", names.join(", ")),
            };
            lines.push(format!("{stack}: copy the volume {}, {meanwhile}", copy.volume));
        }
        lines.push(format!("{stack}: copy {} files of the project", take.files.len()));
        lines.extend(take.summary.left_out.iter().map(|left| format!("{stack}: not in it: {left}")));
        lines
    }
}

/// # Errors
/// No engine answers (`Refused`); a service that is named is not there, or a label cannot be read (`Unusable`).
pub fn look(cx: &Context<'_>, stack: &Stack, request: &Request, place: &Place, run: &RunId) -> Result<Planned> {
    let (standing, model) = Standing::of_files(cx, stack)?;
    let rendered = standing.live.compose.config_json(&standing.call.call(), &cx.masker.borrow(), cx.cancel);
    let json = rendered.unwrap_or_else(|_| model.json());
    let engine = standing.live.engine.as_ref();
    let known: BTreeSet<&str> = standing.containers.iter().map(Container::service).collect();
    if let Some(unknown) = request.services.iter().find(|service| !known.contains(service.as_str())) {
        return Err(Error::unusable(format!("{}: there is no container of `{unknown}`", stack.id))
            .help(format!("the services that have one: {}", known.into_iter().collect::<Vec<_>>().join(", "))));
    }
    let given = Given {
        containers: &standing.containers,
        running: &running(engine)?,
        volumes: &volumes(engine, &json, &standing.call.project)?,
        only: &request.services,
        wishes: &wishes(cx),
    };
    let Choice { dumps, copies, mut left_out } = choose(&given)?;
    let files = files(cx, &model, &json, &mut left_out)?;
    let recorded = Recorded::look(cx, &standing)?;
    let release = recorded.current.as_ref().map(|release| release.id.clone());
    let (info, at_ms) = (engine.known()?, now_ms());
    let summary = Summary {
        name: Summary::name_of(run.as_str(), &stack.id, at_ms),
        purpose: Purpose::Backup,
        stack: stack.id.clone(),
        project: standing.call.project.clone(),
        engine: engine_key(&info.id),
        machine: Some(machine()),
        run: run.to_string(),
        who: who(),
        at_ms,
        took_ms: 0,
        release: release.clone(),
        dumps: dumps.iter().map(|dump| dump.service.clone()).collect(),
        volumes: copies.iter().map(|copy| copy.volume.clone()).collect(),
        bytes: 0,
        hot: copies.iter().any(|copy| copy.way_to_be_quiet == Pause::Hot && !copy.writers.is_empty()),
        left_out,
        verified: None,
    };
    let take = TakeBackup {
        place: place.clone(),
        summary,
        dumps,
        copies,
        files,
        release: release.map(|id| (recorded.shelf.clone(), id)),
        engine: info.version,
        compose: standing.live.compose.version.to_string(),
        git_commit: cx.git.as_ref().and_then(Git::head),
        deep: request.deep,
        full: request.full,
    };
    let mut secrets = hidden::of_project(cx, std::iter::once(&model));
    secrets.extend(standing.containers.iter().flat_map(hidden::of_container));
    no_secrets(cx, &take.dumps, &secrets)?;
    let apart = apart(engine, &cx.project.root, &take, &standing.containers, &json)?;
    Ok(Planned { containers: standing.containers.len(), take, apart, secrets })
}

/// What the settings say of services.
fn wishes(cx: &Context<'_>) -> BTreeMap<String, Wish> {
    let of = |service: &ServiceBackup| Wish {
        how: service.how.clone(),
        command: service.command.clone(),
        restore: service.restore.clone(),
        sqlite: service.sqlite.clone(),
    };
    cx.project.settings.backup.services.iter().map(|(name, service)| (name.clone(), of(service))).collect()
}

/// A command is written down with the backup: whatever is secret must come from the container's own environment.
fn no_secrets(cx: &Context<'_>, dumps: &[WantedDump], secrets: &[Secret]) -> Result<()> {
    let masker = hidden::masker(secrets);
    for dump in dumps {
        if let Some((name, _)) = dump.options.iter().find(|(_, text)| masker.mask(text) != text.as_str()) {
            cx.masker.replace(hidden::masker(secrets));
            return Err(Error::unusable(format!("dump {}", dump.service))
                .why(format!("its {name} for the backup holds the value of a secret"))
                .help("let it read the value where it runs: write `$$NAME`, the variable of its container, in the compose file"));
        }
    }
    Ok(())
}

/// Everybody on the engine who could write to a volume now.
fn running(engine: &dyn Engine) -> Result<Vec<Container>> {
    let mut found = Vec::new();
    for listed in engine.containers(&[])? {
        found.extend(engine.container(&listed.id)?.filter(|container| container.state.status == crate::engine::Status::Running));
    }
    Ok(found)
}

/// The volumes that the files name and that exist, each with the image of a service that mounts it.
pub fn volumes(engine: &dyn Engine, json: &Value, project: &str) -> Result<BTreeMap<String, Option<String>>> {
    let mut found = BTreeMap::new();
    let declared = json.get("volumes").and_then(Value::as_object).into_iter().flatten();
    for (key, volume) in declared {
        let name = volume.get("name").and_then(Value::as_str).map_or_else(|| format!("{project}_{key}"), String::from);
        if engine.volume(&name)?.is_some() {
            found.insert(name, image_for(engine, json, key)?);
        }
    }
    Ok(found)
}

fn image_for(engine: &dyn Engine, json: &Value, volume: &str) -> Result<Option<String>> {
    let services = json.get("services").and_then(Value::as_object).into_iter().flatten();
    for (_, service) in services {
        let mounts = service.get("volumes").and_then(Value::as_array).into_iter().flatten();
        let has = mounts.into_iter().any(|mount| mount.get("source").and_then(Value::as_str) == Some(volume));
        if let Some(image) = service.get("image").and_then(Value::as_str).filter(|_| has)
            && engine.image(image)?.is_some()
        {
            return Ok(Some(image.to_string()));
        }
    }
    Ok(None)
}

/// Compose files, env files, and what services read of the project: configs, secrets, bound files.
fn files(cx: &Context<'_>, model: &Model, json: &Value, left_out: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    let root = &cx.project.root;
    let read = kept(cx, model, json, &mut Vec::new())?;
    let mut all: BTreeSet<PathBuf> = model.sources.iter().map(|source| source.path.clone()).collect();
    all.extend(read.files.iter().map(|file| file.path.clone()));
    all.extend([root.join(SETTINGS_FILE)].into_iter().filter(|path| path.is_file()));
    left_out.extend(read.not_kept.iter().map(|not| format!("{} {}", not.path.display(), not.reason.words())));
    let (inside, outside): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(|path| path.starts_with(root));
    left_out.extend(outside.iter().map(|path| format!("{} is outside the project", path.display())));
    left_out.sort();
    left_out.dedup();
    Ok(inside.iter().filter_map(|path| Some(path.strip_prefix(root).ok()?.to_path_buf())).collect())
}
