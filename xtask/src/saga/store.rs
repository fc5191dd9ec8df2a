//! The state folder of a project, `.xtask/`: one folder a run, with its journal and its blobs.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::blobs::{Blobs, sync_dir};
use super::clock::{now_ms, utc};
use super::folder::{check_folder, check_own, make_dir};
use super::journal::{Begun, Entry, Journal, Replay, replay};
use super::plan::{Plan, Sha};
use super::state::{Phase, State};
use crate::error::{Error, Result};

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

    /// Its last part: enough for the names of what lives as long as the run.
    pub fn short(&self) -> &str {
        self.0.rsplit('-').next().unwrap_or(&self.0)
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
        self.check_owner()?;
        make_dir(&self.runs())?;
        check_folder(&self.runs())?;
        let ignore = self.dir.join(".gitignore");
        let ignored = fs::read(&ignore).is_ok_and(|text| text == b"*\n");
        if !ignored {
            fs::write(&ignore, "*\n").map_err(|error| Error::io("write", &ignore, error))?;
        }
        Ok(())
    }

    /// Refuses a state folder that is not this user's own. One that is missing is fine.
    pub fn check_owner(&self) -> Result<()> {
        check_own(&self.dir).map(|_| ())
    }

    /// Opens a journal under the name `run` and records that the run has begun.
    pub fn begin<S: Serialize>(&self, run: &RunId, plan: &Plan<S>) -> Result<Journal> {
        let dir = self.runs().join(run.as_str());
        DirBuilder::new().mode(0o700).create(&dir).map_err(|error| Error::io("create", &dir, error))?;
        make_dir(&dir.join("blobs"))?;
        let number = self.history()?.iter().map(|view| view.begun.number).max().unwrap_or(0) + 1;
        let begun = Begun {
            number,
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
        Blobs::at(self.runs().join(run.as_str()).join("blobs"))
    }

    /// The run that is neither committed, with all that comes after, nor rolled back, if there is one: the
    /// oldest of them.
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

    /// All runs, oldest first: by their numbers, because clocks jump and names of one second sort by task.
    pub fn history(&self) -> Result<Vec<RunView>> {
        let mut views = Vec::new();
        for id in self.ids()? {
            if let Some(told) = self.replay(&id)?
                && let Some(begun) = told.begun()
            {
                views.push(RunView { id, begun: begun.clone(), state: told.state, entries: told.entries });
            }
        }
        views.sort_by_key(|view| (view.begun.number, view.entries.first().map_or(0, |entry| entry.at_ms)));
        Ok(views)
    }

    /// Deletes the contents that no one can need any more: of runs that were rolled back, and of
    /// runs that were committed before `committed_before_ms`; these can then not be rolled back any
    /// more. Room that was set aside for an undo is given up. Journals stay. The caller holds the lock. Returns the runs that lost their contents.
    pub fn expire(&self, committed_before_ms: u64) -> Result<Vec<RunId>> {
        let mut expired = Vec::new();
        for view in self.history()? {
            let last = view.entries.last().map_or(0, |entry| entry.at_ms);
            let over = match view.state.phase {
                Phase::RolledBack => true,
                Phase::Committed => last < committed_before_ms,
                _ => false,
            };
            if !view.state.is_open() {
                self.blobs(&view.id).give_room()?;
            }
            let blobs = self.blobs(&view.id).dir;
            if over && blobs.exists() {
                fs::remove_dir_all(&blobs).map_err(|error| Error::io("remove", &blobs, error))?;
                expired.push(view.id);
            }
        }
        Ok(expired)
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

/// `user@host`, as far as they are known.
pub fn who() -> String {
    let uid = nix::unistd::geteuid();
    let user = nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_else(|_| "?".to_string());
    format!("{user}@{host}")
}

/// A piece of a hash that tells this machine from others.
pub fn machine() -> String {
    // Not every container has an id; its name is its own.
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Sha::of(format!("{} {host}", id.trim()).as_bytes()).as_str()[..12].to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::super::Record;
    use super::*;

    fn begin(store: &Store, name: &str) -> (RunId, Journal) {
        let plan = Plan::<()>::new(name, vec![]);
        let run = RunId::new(name);
        let journal = store.begin(&run, &plan).unwrap();
        store.blobs(&run).put(b"content").unwrap();
        (run, journal)
    }

    #[test]
    fn is_for_this_user_alone_and_unseen_by_git() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.create().unwrap();
        store.create().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(store.dir()), 0o700);
        assert_eq!(fs::read_to_string(store.dir().join(".gitignore")).unwrap(), "*\n");
        let (run, journal) = begin(&store, "test");
        let blob = store.blobs(&run).dir().join(Sha::of(b"content").as_str());
        assert_eq!((mode(&blob), mode(journal.path())), (0o600, 0o600));
    }

    #[test]
    fn a_changed_copy_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.create().unwrap();
        let (run, _) = begin(&store, "test");
        let (blobs, sha) = (store.blobs(&run), Sha::of(b"content"));
        assert_eq!(blobs.get(&sha).unwrap(), b"content");
        fs::write(blobs.dir().join(sha.as_str()), "c0ntent").unwrap();
        assert!(blobs.get(&sha).unwrap_err().to_string().contains("its content has changed"));
    }

    #[test]
    fn a_folder_that_is_not_its_own_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (folder.path().join("project"), folder.path().join("elsewhere"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, root.join(".xtask")).unwrap();
        let store = Store::at(&root);
        assert_eq!(store.create().unwrap_err().kind, crate::error::Kind::Refused);
        assert!(fs::read_dir(&elsewhere).unwrap().next().is_none());
        fs::remove_file(root.join(".xtask")).unwrap();
        store.create().unwrap();
        fs::set_permissions(store.dir(), fs::Permissions::from_mode(0o755)).unwrap();
        store.create().unwrap();
        assert_eq!(fs::metadata(store.dir()).unwrap().mode() & 0o777, 0o700);
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(store.dir(), Some(1234), None).unwrap();
            assert!(store.create().unwrap_err().to_string().contains("it belongs to user 1234"));
        }
    }

    #[test]
    fn runs_are_told_in_their_order_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.create().unwrap();
        let (first, journal) = begin(&store, "z-first");
        let late = fs::read_to_string(journal.path()).unwrap().replacen("\"at_ms\":1", "\"at_ms\":9", 1);
        fs::write(journal.path(), late).unwrap();
        let (second, _) = begin(&store, "a-second");
        let told: Vec<RunId> = store.history().unwrap().into_iter().map(|view| view.id).collect();
        assert_eq!(told, [first, second]);
    }

    #[test]
    fn contents_expire_and_journals_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.create().unwrap();
        let (open, _) = begin(&store, "open");
        let (undone, mut journal) = begin(&store, "undone");
        journal.append(Record::RollingBack { why: "so".into() }).unwrap();
        journal.append(Record::RolledBack).unwrap();
        let (committed, mut journal) = begin(&store, "committed");
        journal.append(Record::Proven { proven: vec![], not_proven: vec![] }).unwrap();
        journal.append(Record::Committed { after: vec![] }).unwrap();
        assert_eq!(store.expire(0).unwrap(), [undone]);
        assert_eq!(store.expire(now_ms() + 1).unwrap(), [committed]);
        assert!(store.expire(now_ms() + 1).unwrap().is_empty());
        assert!(store.blobs(&open).has(&Sha::of(b"content")));
        assert_eq!(store.history().unwrap().len(), 3);
    }
}
