//! Exact changes of the index, entry by entry, under git's own lock.
//!
//! A killed `git` leaves `.git/index.lock` behind and nobody can tell whose it was. So the lock is a
//! second name (a hard link) of a file that bears the run's name: what a crash leaves is told from a
//! lock of somebody who is working here.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Git;
use super::call::text;
use super::entries::Changes;
use crate::error::{Error, Result};

impl Git {
    /// Makes the index say exactly `changes` for their paths and what it says now for all others.
    /// `token` names the run: see [`Git::clear_index_leftovers`]. Durable when it returns.
    pub fn change_index(&self, token: &str, changes: &Changes) -> Result<()> {
        let files = self.index_files(token);
        self.clear_index_leftovers(token)?;
        files.lock()?;
        let changed = files.copy().and_then(|()| self.write_entries(&files.work, changes)).and_then(|()| files.install());
        self.clear_index_leftovers(token)?;
        changed
    }

    /// What taking changes of the index and a commit back may write: two copies of the index, a few small
    /// objects in folders of their own, lines of reflogs.
    pub fn bytes_to_undo(&self) -> u64 {
        const OBJECTS: u64 = 64 << 10;
        fs::metadata(self.dir.join("index")).map_or(0, |meta| 2 * meta.len()) + OBJECTS
    }

    /// Refuses while somebody else's git command holds the index, or one that crashed has left its lock.
    pub fn check_index_is_free(&self) -> Result<()> {
        let lock = self.dir.join("index.lock");
        if lock.exists() { Err(held(&lock)) } else { Ok(()) }
    }

    /// Removes what `change_index` of that token may have left when it was killed: the lock if it is
    /// ours, and the working copies.
    pub fn clear_index_leftovers(&self, token: &str) -> Result<()> {
        self.index_files(token).clear()
    }

    /// A private index file with the entries of a commit, to make another commit of.
    pub(super) fn scratch_index(&self, token: &str, commit: &str) -> Result<PathBuf> {
        let files = self.index_files(token);
        files.clear()?;
        let mut command = self.command();
        text(command.env("GIT_INDEX_FILE", &files.work).args(["read-tree", commit]), "read-tree")?;
        Ok(files.work)
    }

    fn index_files(&self, token: &str) -> IndexFiles {
        let ours = |ending: &str| self.dir.join(format!("xtask-{token}.{ending}"));
        IndexFiles {
            index: self.dir.join("index"),
            lock: self.dir.join("index.lock"),
            token: ours("lock"),
            work: ours("index"),
            work_lock: ours("index.lock"),
            message: ours("message"),
        }
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
    /// A commit's message, while a hook looks at it.
    message: PathBuf,
}

impl IndexFiles {
    fn lock(&self) -> Result<()> {
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.token);
        new.map_err(|error| Error::io("create", &self.token, error))?;
        fs::hard_link(&self.token, &self.lock).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => held(&self.lock),
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
        for path in [&self.work_lock, &self.work, &self.message] {
            remove_if_there(path)?;
        }
        if same_file(&self.token, &self.lock) {
            remove_if_there(&self.lock)?;
        }
        remove_if_there(&self.token)?;
        let folder = self.index.parent().unwrap_or(Path::new("/"));
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| Error::io("sync the folder", folder, error))
    }
}

fn held(lock: &Path) -> Error {
    Error::refused("change git's index")
        .why(format!("{} exists: git is at work here, or has crashed", lock.display()))
        .help("Wait for the other git command; if there is none, remove that file")
}

fn same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// A read-only file system refuses before it looks whether there is something.
fn remove_if_there(path: &Path) -> Result<()> {
    let Err(error) = fs::remove_file(path) else { return Ok(()) };
    match fs::symlink_metadata(path) {
        Err(gone) if gone.kind() == ErrorKind::NotFound => Ok(()),
        _ => Err(Error::io("remove", path, error)),
    }
}
