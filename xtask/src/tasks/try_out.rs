//! Phase 1 on a copy of an example stack, from the first look to the last byte put back.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use xshell::{Shell, cmd};

use super::rollback::rollback;
use super::security_fix::{self, Options};
use super::{Context, Doors, Overrides, call};
use crate::actions::{Live, StackCall};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::event::{Event, Sink};
use crate::model::{self, Unset};
use crate::proof::health;
use crate::saga::Sha;
use crate::source::{Disk, walk};

/// How it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    pub example: String,
    pub seconds: f64,
    pub facts: Vec<String>,
    /// The scratch folder, when it was to be kept.
    pub kept: Option<String>,
}

/// For building images and for a stack to become healthy.
const STARTING: Duration = Duration::from_secs(600);

/// Copies an example of this checkout, migrates it, and puts it back; the checkout is only read.
pub fn try_out(example: &str, keep: bool, events: &dyn Sink, cancel: &Cancel) -> Result<Tried> {
    let started = Instant::now();
    let scratch = Scratch::of(&find(example)?, keep)?;
    events.emit(Event::Note(format!("{example} is copied to {} and committed there", scratch.root.display())));
    let yes = |_: &str| Ok(true);
    let mut cx = Context::open(&scratch.root, events, cancel, false, &yes)?;
    cx.doors = Doors::open(cancel)?;
    let before = snapshot(&scratch.root)?;
    let mut facts = Vec::new();
    let running = match Running::start(&cx) {
        Ok(running) => running,
        Err(error) if cancel.requested() => return Err(error),
        Err(error) => {
            events.emit(Event::Warning(format!("the stacks are not started, so nothing live is proven: {error}")));
            None
        }
    };
    if let Some(running) = &running {
        facts.push(format!("{} stacks ran on the engine meanwhile", running.calls.len()));
    }
    let (ended, report) = security_fix::run(&cx, &Options::default(), &Overrides::default())?;
    let shell = shell(&scratch.root)?;
    let stat = cmd!(shell, "git diff --shortstat").quiet().read().map_err(failed)?;
    facts.push(format!("git diff:{stat}"));
    facts.push(format!(
        "{} credentials moved, {} statements proven, {} need more than this machine has",
        report.moved.len(),
        report.proven.len(),
        report.not_proven.len()
    ));
    if ended.run().is_none() {
        return Err(Error::failed(format!("try {example}")).why("there was nothing to migrate"));
    }
    rollback(&cx, None, &Overrides::default())?;
    let left = differences(&before, &snapshot(&scratch.root)?);
    if !left.is_empty() {
        return Err(Error::failed(format!("put {example} back")).why(left.join(", ")));
    }
    let status = cmd!(shell, "git status --porcelain").quiet().read().map_err(failed)?;
    if !status.trim().is_empty() {
        return Err(Error::failed(format!("put {example} back")).why("git sees changes"));
    }
    facts.push(format!("rolled back: {} files equal in content and mode, git sees no change", before.len()));
    drop(running);
    let kept = keep.then(|| scratch.root.display().to_string());
    Ok(Tried { example: example.to_string(), seconds: started.elapsed().as_secs_f64(), facts, kept })
}

fn failed(error: xshell::Error) -> Error {
    Error::failed("call git").why(error.to_string())
}

/// The examples stand beside the tool's own source.
fn find(example: &str) -> Result<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks");
    let folder = examples.join(example);
    let plain = !example.contains(['/', '\\']) && example != "..";
    if plain && folder.join(crate::project::SETTINGS_FILE).is_file() {
        return Ok(folder);
    }
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&examples).into_iter().flatten().flatten() {
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let help = if names.is_empty() { "run it from a checkout of xtask".to_string() } else { format!("the examples: {}", names.join(", ")) };
    Err(Error::unusable(format!("there is no example `{example}`")).help(help))
}

fn shell(root: &Path) -> Result<Shell> {
    let shell = Shell::new().map_err(|error| Error::failed("open a folder").why(error.to_string()))?;
    shell.change_dir(root);
    Ok(shell)
}

/// A private copy with a first commit; gone at the end.
struct Scratch {
    root: PathBuf,
    keep: bool,
}

impl Scratch {
    fn of(example: &Path, keep: bool) -> Result<Scratch> {
        let template = std::env::temp_dir().join("xtask-try-XXXXXX");
        let root = nix::unistd::mkdtemp(&template).map_err(|error| Error::io("create", &template, error.into()))?;
        let scratch = Scratch { root, keep };
        for file in walk(example)?.into_iter().chain(hidden(example)) {
            let Ok(below) = file.strip_prefix(example) else { continue };
            let to = scratch.root.join(below);
            let folder = to.parent().unwrap_or(&scratch.root);
            fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
            fs::copy(&file, &to).map_err(|error| Error::io("copy", &file, error))?;
        }
        let env = scratch.root.join(".env");
        let model = scratch.root.join(".env.example");
        if model.is_file() {
            fs::copy(&model, &env).map_err(|error| Error::io("copy", &model, error))?;
            fs::set_permissions(&env, Permissions::from_mode(0o600)).map_err(|error| Error::io("hide", &env, error))?;
        }
        let shell = shell(&scratch.root)?;
        cmd!(shell, "git init --quiet").quiet().run().map_err(failed)?;
        cmd!(shell, "git config user.name xtask").quiet().run().map_err(failed)?;
        cmd!(shell, "git config user.email xtask@localhost").quiet().run().map_err(failed)?;
        cmd!(shell, "git add --all").quiet().run().map_err(failed)?;
        cmd!(shell, "git commit --quiet --no-verify --message before").quiet().run().map_err(failed)?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed is only a copy in the folder for temporary files.
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// Hidden files that belong to an example, in every folder of it, other than a `.env` of somebody.
fn hidden(example: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        walk(example).unwrap_or_default().iter().filter_map(|file| file.parent().map(Path::to_path_buf)).collect();
    folders.push(example.to_path_buf());
    folders.sort();
    folders.dedup();
    let wanted = [".env.example", ".gitignore", ".dockerignore", ".npmrc"];
    folders.iter().flat_map(|folder| wanted.map(|name| folder.join(name))).filter(|path| path.is_file()).collect()
}

/// Content and mode of every file, git's and our own state left out.
fn snapshot(root: &Path) -> Result<BTreeMap<PathBuf, (Sha, u32)>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| Error::io("list", &folder, error))? {
            let path = entry.map_err(|error| Error::io("list", &folder, error))?.path();
            let below = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            if below.starts_with(".git") || below.starts_with(".xtask") {
                continue;
            }
            let meta = fs::symlink_metadata(&path).map_err(|error| Error::io("look at", &path, error))?;
            if meta.is_dir() {
                folders.push(path);
            } else {
                let content = if meta.is_symlink() {
                    fs::read_link(&path).map(|target| target.as_os_str().as_encoded_bytes().to_vec())
                } else {
                    fs::read(&path)
                };
                found.insert(below, (Sha::of(&content.map_err(|error| Error::io("read", &path, error))?), meta.mode()));
            }
        }
    }
    Ok(found)
}

fn differences(before: &BTreeMap<PathBuf, (Sha, u32)>, after: &BTreeMap<PathBuf, (Sha, u32)>) -> Vec<String> {
    let changed =
        before.iter().filter(|(path, state)| after.get(*path) != Some(state)).map(|(path, _)| format!("{} differs", path.display()));
    let new = after.keys().filter(|path| !before.contains_key(*path)).map(|path| format!("{} is new", path.display()));
    changed.chain(new).collect()
}

/// The example's stacks on the engine; stopped and removed with their volumes at the end.
struct Running {
    live: Live,
    calls: Vec<StackCall>,
    networks: Vec<String>,
}

impl Running {
    /// `None`: there is no engine or no Compose.
    fn start(cx: &Context<'_>) -> Result<Option<Running>> {
        let Some(live) = cx.live() else { return Ok(None) };
        let mut calls = Vec::new();
        for stack in cx.project.in_order()? {
            calls.push(call::for_compose(stack, &model::load(&Disk, &call::of(stack, Unset::Fail), &cx.environment)?));
        }
        for call in &calls {
            if !live.engine.containers(&[("com.docker.compose.project", &call.project)])?.is_empty() {
                return Err(Error::refused(format!("start {}", call.stack))
                    .why(format!("the engine has containers of a project {} already", call.project)));
            }
        }
        let mut running = Running { live, calls, networks: Vec::new() };
        for name in &cx.project.settings.networks {
            if running.live.engine.network(name)?.is_none() {
                running.live.engine.create_network(name)?;
                running.networks.push(name.clone());
            }
        }
        running.up(cx)?;
        Ok(Some(running))
    }

    fn up(&self, cx: &Context<'_>) -> Result<()> {
        let masker = cx.masker.borrow();
        for call in &self.calls {
            let label = format!("start {}", call.stack);
            cx.events.emit(Event::StepStarted { number: 1, of: self.calls.len(), label: label.clone() });
            let began = Instant::now();
            self.live.compose.build(&call.call(), STARTING, &masker, &self.live.cancel)?;
            self.live.compose.up(&call.call(), &crate::engine::compose::Up::default(), STARTING, &masker, &self.live.cancel)?;
            let verdict = health::prove(self.live.engine.as_ref(), &call.running(), &[], security_fix::SETTLE, &masker, &self.live.cancel)?;
            if let crate::proof::Verdict::Fails { why } = verdict {
                return Err(Error::failed(label).why(why.join("; ")));
            }
            cx.events.emit(Event::StepDone { number: 1, of: self.calls.len(), label, took: began.elapsed() });
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Also after Ctrl-C: what was started for a trial is taken away.
        let cancel = Cancel::default();
        for call in self.calls.iter().rev() {
            let _ = self.live.compose.down_with_volumes(&call.call(), STARTING, &crate::secret::Masker::default(), &cancel);
        }
        for network in &self.networks {
            if let Ok(Some(found)) = self.live.engine.network(network) {
                let _ = self.live.engine.remove_network(&found.id);
            }
        }
    }
}
