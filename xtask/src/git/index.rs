//! Exact changes of the index, entry by entry, under git's own lock.
//!
//! A killed `git` leaves `.git/index.lock` behind and nobody can tell whose it was. So the lock is a
//! second name (a hard link) of a file that bears the run's name: what a crash leaves is told from a
//! lock of somebody who is working here.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Git;
use super::call::{finish, text};
use crate::error::{Error, Result};
use crate::saga::sync_dir;

/// One path as the index or a commit has it. Without conflict: at stage 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `100644`, `100755` or `120000`.
    pub mode: String,
    pub object: String,
}

/// Paths below the project's root, with what they are to be; `None`: not in the index.
pub type Entries = [(PathBuf, Option<Entry>)];

impl Git {
    /// A path in the index. A conflict is an error.
    pub fn index_entry(&self, path: &Path) -> Result<Option<Entry>> {
        let told = self.read_paths(&["ls-files", "--stage", "-z"], &[path])?;
        staged(path, &told)
    }

    /// Makes the index say exactly `entries` for their paths and what it says now for all others.
    /// `token` names the run: see [`Git::clear_index_leftovers`]. Durable when it returns.
    pub fn change_index(&self, token: &str, entries: &Entries) -> Result<()> {
        let files = self.index_files(token)?;
        self.clear_index_leftovers(token)?;
        files.lock()?;
        let changed = files.copy().and_then(|()| self.write_entries(&files.work, entries)).and_then(|()| files.install());
        self.clear_index_leftovers(token)?;
        changed
    }

    /// Removes what `change_index` of that token may have left when it was killed: the lock if it is
    /// ours, and the working copies.
    pub fn clear_index_leftovers(&self, token: &str) -> Result<()> {
        self.index_files(token)?.clear()
    }

    /// A private index file with the entries of a commit, for making another commit of it.
    pub(super) fn scratch_index(&self, token: &str, commit: &str) -> Result<PathBuf> {
        let files = self.index_files(token)?;
        files.clear()?;
        let mut command = self.command();
        text(command.env("GIT_INDEX_FILE", &files.work).args(["read-tree", commit]), "read-tree")?;
        Ok(files.work)
    }

    /// Puts entries into the index file `index`.
    pub(super) fn write_entries(&self, index: &Path, entries: &Entries) -> Result<()> {
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", index).args(["update-index", "-z", "--index-info"]);
        let digits = if self.read(["rev-parse", "--show-object-format"])?.trim() == "sha256" { 64 } else { 40 };
        let mut lines = Vec::new();
        for (path, entry) in entries {
            match entry {
                Some(Entry { mode, object }) => write!(lines, "{mode} {object} 0\t").ok(),
                None => write!(lines, "0 {} 0\t", "0".repeat(digits)).ok(),
            };
            // This format alone takes paths below the top of the repository.
            lines.extend(self.prefix.bytes());
            lines.extend(path.as_os_str().as_encoded_bytes());
            lines.push(0);
        }
        finish(&mut command, &lines, "update-index").map(|_| ())
    }

    fn index_files(&self, token: &str) -> Result<IndexFiles> {
        let told = self.read(["rev-parse", "--path-format=absolute", "--git-path", "index"])?;
        let index = PathBuf::from(told.trim_end_matches('\n'));
        let beside = |name: String| index.with_file_name(name);
        Ok(IndexFiles {
            lock: beside("index.lock".to_string()),
            token: beside(format!("xtask-{token}.lock")),
            work: beside(format!("xtask-{token}.index")),
            work_lock: beside(format!("xtask-{token}.index.lock")),
            index,
        })
    }
}

/// The entry in what `ls-files --stage -z` told about one path.
pub(super) fn staged(path: &Path, told: &str) -> Result<Option<Entry>> {
    let Some(line) = told.split('\0').next().filter(|line| !line.is_empty()) else { return Ok(None) };
    let mut words = line.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(mode), Some(object), Some("0")) => Ok(Some(Entry { mode: mode.to_string(), object: object.to_string() })),
        _ => Err(Error::refused(format!("use git's index for {}", path.display()))
            .why("it has a merge conflict, or is a folder")
            .help("Settle the conflict first")),
    }
}

struct IndexFiles {
    index: PathBuf,
    /// Git's lock.
    lock: PathBuf,
    /// The name by which a lock of ours is known.
    token: PathBuf,
    /// The copy that is changed and then takes the place of the index, and git's lock of it.
    work: PathBuf,
    work_lock: PathBuf,
}

impl IndexFiles {
    fn lock(&self) -> Result<()> {
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.token);
        new.map_err(|error| Error::io("create", &self.token, error))?;
        fs::hard_link(&self.token, &self.lock).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::refused("change git's index")
                .why(format!("{} exists: git is at work here, or has crashed", self.lock.display()))
                .help("Wait for the other git command; if there is none, remove that file"),
            _ => Error::io("lock git's index by", &self.lock, error),
        })
    }

    fn copy(&self) -> Result<()> {
        match fs::copy(&self.index, &self.work) {
            // A repository in which nothing was ever added has no index.
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("copy", &self.index, error)),
            _ => Ok(()),
        }
    }

    fn install(&self) -> Result<()> {
        let file = fs::File::open(&self.work).and_then(|file| file.sync_all());
        file.and_then(|()| fs::rename(&self.work, &self.index)).map_err(|error| Error::io("replace", &self.index, error))
    }

    /// The token last: while it is there, a lock of ours is known as such.
    fn clear(&self) -> Result<()> {
        for path in [&self.work_lock, &self.work] {
            remove_if_there(path)?;
        }
        if same_file(&self.token, &self.lock) {
            remove_if_there(&self.lock)?;
        }
        remove_if_there(&self.token)?;
        sync_dir(self.index.parent().unwrap_or(Path::new("/")))
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}
