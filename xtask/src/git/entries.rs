//! Paths as the index, a commit or the working tree have them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Git;
use super::call::{finish, text};
use crate::error::{Error, Result};

/// One file; in the index without conflict, at stage 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `100644`, `100755` or `120000`.
    pub mode: String,
    pub object: String,
}

/// Files by path below the project's root.
pub type Entries = BTreeMap<PathBuf, Entry>;

/// What paths are to become; `None`: taken out.
pub type Changes = [(PathBuf, Option<Entry>)];

impl Git {
    /// Those of the paths that are in the index. A merge conflict is an error.
    pub fn index_entries(&self, paths: &[&Path]) -> Result<Entries> {
        self.staged(&mut self.command(), paths)
    }

    /// Those of the paths that are in a commit.
    pub fn commit_entries(&self, commit: &str, paths: &[&Path]) -> Result<Entries> {
        let told = self.read_paths(&["ls-tree", "-z", commit], paths)?;
        lines(&told).map(|(words, path)| entry(words[0], words[2], path)).collect()
    }

    /// Those of the paths that are in the working tree, stored as git would (filters, line endings,
    /// mode) but known to nobody yet.
    pub(super) fn worktree_entries(&self, index: &Path, paths: &[&Path]) -> Result<Entries> {
        if !paths.is_empty() {
            let mut command = self.command();
            text(command.env("GIT_INDEX_FILE", index).args(["update-index", "--add", "--remove", "--"]).args(paths), "update-index")?;
        }
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", index);
        self.staged(&mut command, paths)
    }

    /// Changes the index file `index`.
    pub(super) fn write_entries(&self, index: &Path, changes: &Changes) -> Result<()> {
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", index).args(["update-index", "-z", "--index-info"]);
        let mut input = Vec::new();
        for (path, entry) in changes {
            let (mode, object) = entry.as_ref().map_or(("0", self.zero.as_str()), |entry| (&entry.mode, &entry.object));
            // This format alone takes paths below the top of the repository.
            let _ = write!(input, "{mode} {object} 0\t{}", self.prefix);
            input.extend(path.as_os_str().as_encoded_bytes());
            input.push(0);
        }
        finish(&mut command, &input, "update-index").map(|_| ())
    }

    fn staged(&self, command: &mut std::process::Command, paths: &[&Path]) -> Result<Entries> {
        if paths.is_empty() {
            return Ok(Entries::new());
        }
        command.env("GIT_OPTIONAL_LOCKS", "0").args(["ls-files", "--stage", "-z", "--"]).args(paths);
        let told = text(command, "ls-files")?;
        let settled = |(words, path): ([&str; 3], &str)| match words[2] {
            "0" => entry(words[0], words[1], path),
            _ => Err(Error::refused(format!("use git's index for {path}")).why("it has a merge conflict").help("Settle it first")),
        };
        lines(&told).map(settled).collect()
    }
}

/// `word word word TAB path NUL`, as `ls-files` and `ls-tree` tell.
fn lines(told: &str) -> impl Iterator<Item = ([&str; 3], &str)> {
    told.split('\0').filter_map(|line| {
        let (words, path) = line.split_once('\t')?;
        let mut words = words.split(' ');
        Some(([words.next()?, words.next()?, words.next()?], path))
    })
}

fn entry(mode: &str, object: &str, path: &str) -> Result<(PathBuf, Entry)> {
    if ["100644", "100755", "120000"].contains(&mode) {
        return Ok((PathBuf::from(path), Entry { mode: mode.to_string(), object: object.to_string() }));
    }
    Err(Error::refused(format!("use {path} in git")).why("it is a folder or a submodule there, not a file"))
}
