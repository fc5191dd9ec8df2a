//! The state folder of a project, `.xtask/`: one folder a run, with its journal and its blobs.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::clock::{now_ms, utc};
use super::journal::{Begun, Entry, Journal, Replay, replay};
use super::plan::{Plan, Sha};
use super::state::State;
use crate::error::{Error, Kind, Result};

/// A run's name, sortable by time: `20261121T220155-security-fix-3f9a`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new name; the last part tells runs of the same second apart.
    pub fn new(task: &str) -> Self {
        let now = now_ms();
        let salt = Sha::of(format!("{now} {} {:?}", std::process::id(), std::time::Instant::now()).as_bytes());
        RunId(format!("{}-{task}-{}", utc(now), &salt.as_str()[..4]))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

/// A run that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRef {
    pub id: RunId,
    pub journal: PathBuf,
    pub state: State,
}

/// One run as its journal tells it.
#[derive(Debug)]
pub struct RunView {
    pub id: RunId,
    pub begun: Begun,
    pub state: State,
    pub entries: Vec<Entry>,
}

impl Store {
    /// The store of the project at `root`, which may not exist yet.
    pub fn at(root: &Path) -> Self {
        Store { dir: root.join(".xtask") }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the lock on the project's files is.
    pub fn lock_path(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// Creates the folder, for this user alone and invisible to git. Done before: nothing happens.
    pub fn create(&self) -> Result<()> {
        make_dir(&self.dir)?;
        make_dir(&self.runs())?;
        let ignore = self.dir.join(".gitignore");
        let ignored = fs::read(&ignore).is_ok_and(|text| text == b"*\n");
        if !ignored {
            fs::write(&ignore, "*\n").map_err(|error| Error::io("write", &ignore, error))?;
        }
        Ok(())
    }

    /// Opens a journal under the name `run` and records that the run has begun.
    pub fn begin<S: Serialize>(&self, run: &RunId, plan: &Plan<S>) -> Result<Journal> {
        let dir = self.runs().join(run.as_str());
        DirBuilder::new().mode(0o700).create(&dir).map_err(|error| Error::io("create", &dir, error))?;
        make_dir(&dir.join("blobs"))?;
        let begun = Begun {
            run: run.to_string(),
            task: plan.task.clone(),
            args: plan.args.clone(),
            stacks: plan.stacks.clone(),
            target: plan.target.clone(),
            who: who(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            plan: plan.hash(),
            steps: plan.steps.len(),
            finish: plan.finish.len(),
        };
        let journal = Journal::create(&dir.join("journal.jsonl"), begun)?;
        for folder in [&dir, &self.runs(), &self.dir] {
            sync_dir(folder)?;
        }
        Ok(journal)
    }

    /// The contents that belong to a run.
    pub fn blobs(&self, run: &RunId) -> Blobs {
        Blobs { dir: self.runs().join(run.as_str()).join("blobs") }
    }

    /// The run that is neither committed nor rolled back, if there is one: the oldest of them.
    pub fn open_run(&self) -> Result<Option<RunRef>> {
        for id in self.ids()? {
            if let Some(told) = self.replay(&id)?
                && told.state.is_open()
            {
                return Ok(Some(RunRef { journal: self.journal_path(&id), id, state: told.state }));
            }
        }
        Ok(None)
    }

    /// Opens the journal of a run for recovery.
    pub fn reopen(&self, run: &RunRef) -> Result<(Journal, Vec<Entry>)> {
        Journal::open(&run.journal)
    }

    /// All runs, oldest first: by their first record, because names of one second sort by task.
    pub fn history(&self) -> Result<Vec<RunView>> {
        let mut views = Vec::new();
        for id in self.ids()? {
            if let Some(told) = self.replay(&id)?
                && let Some(begun) = told.begun()
            {
                views.push(RunView { id, begun: begun.clone(), state: told.state, entries: told.entries });
            }
        }
        views.sort_by_key(|view| view.entries.first().map_or(0, |entry| entry.at_ms));
        Ok(views)
    }

    fn runs(&self) -> PathBuf {
        self.dir.join("runs")
    }

    fn journal_path(&self, id: &RunId) -> PathBuf {
        self.runs().join(id.as_str()).join("journal.jsonl")
    }

    /// `None`: the process ended before it could record that the run began, so it did nothing.
    fn replay(&self, id: &RunId) -> Result<Option<Replay>> {
        let path = self.journal_path(id);
        if !path.exists() {
            return Ok(None);
        }
        replay(&path).map(Some)
    }

    fn ids(&self) -> Result<Vec<RunId>> {
        let dir = self.runs();
        let listing = match fs::read_dir(&dir) {
            Ok(listing) => listing,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list", &dir, error)),
        };
        let mut ids = Vec::new();
        for entry in listing {
            let entry = entry.map_err(|error| Error::io("list", &dir, error))?;
            ids.push(RunId(entry.file_name().to_string_lossy().into_owned()));
        }
        ids.sort_unstable();
        Ok(ids)
    }
}

/// Contents of one run by their hash: what it writes, and what it found. For this user alone.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: PathBuf,
}

impl Blobs {
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps `content`, durably, and returns its name.
    pub fn put(&self, content: &[u8]) -> Result<Sha> {
        let sha = Sha::of(content);
        let path = self.path(&sha)?;
        if self.has(&sha) {
            return Ok(sha);
        }
        let temporary = self.dir.join(format!("{sha}.tmp"));
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|error| Error::io("keep a copy in", &path, error))?;
        sync_dir(&self.dir)?;
        Ok(sha)
    }

    /// The content of that name, checked against it.
    pub fn get(&self, sha: &Sha) -> Result<Vec<u8>> {
        let path = self.path(sha)?;
        let content = fs::read(&path).map_err(|error| Error::io("read the kept copy", &path, error))?;
        if Sha::of(&content) == *sha {
            Ok(content)
        } else {
            Err(Error::failed(format!("read the kept copy {}", path.display())).why("its content has changed"))
        }
    }

    pub fn has(&self, sha: &Sha) -> bool {
        self.path(sha).is_ok_and(|path| path.exists())
    }

    fn path(&self, sha: &Sha) -> Result<PathBuf> {
        if sha.is_well_formed() {
            Ok(self.dir.join(sha.as_str()))
        } else {
            Err(Error::new(Kind::Unusable, format!("find the kept copy {sha}")).why("this is not a SHA-256"))
        }
    }
}

/// `user@host`, as far as they are known.
pub fn who() -> String {
    let uid = nix::unistd::geteuid();
    let user = nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_else(|_| "?".to_string());
    format!("{user}@{host}")
}

fn make_dir(path: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::io("create", path, error)),
        _ => Ok(()),
    }
}

/// Makes names in a folder durable.
pub fn sync_dir(path: &Path) -> Result<()> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|error| Error::io("sync the folder", path, error))
}
