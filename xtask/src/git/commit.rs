//! One commit of exactly some paths, made in two steps: the commit object, which nobody sees, and
//! the move of HEAD to it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Git;
use super::call::{finish, text};
use super::index::{Entries, Entry, staged};
use crate::error::{Error, Result};

/// A commit object that was made, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub parent: String,
    pub commit: String,
}

impl Git {
    /// Makes a commit object on top of HEAD in which `entries` are as given, all else as in HEAD.
    /// `None`: HEAD has them already. Nothing that anybody sees changes.
    pub fn make_commit(&self, token: &str, entries: &Entries, message: &str) -> Result<Option<Made>> {
        let parent = self.head().ok_or_else(|| Error::refused("commit").why("there is no commit yet to build on"))?;
        let index = self.scratch_index(token, &parent)?;
        let made = self.write_entries(&index, entries).and_then(|()| self.commit_of(&index, &parent, message));
        self.clear_index_leftovers(token)?;
        Ok(made?.map(|commit| Made { parent, commit }))
    }

    fn commit_of(&self, index: &Path, parent: &str, message: &str) -> Result<Option<String>> {
        let mut command = self.command();
        let tree = text(command.env("GIT_INDEX_FILE", index).arg("write-tree"), "write-tree")?;
        let tree = tree.trim();
        if self.read(["rev-parse", "--verify", &format!("{parent}^{{tree}}")])?.trim() == tree {
            return Ok(None);
        }
        let mut command = self.command();
        command.args(["commit-tree", tree, "-p", parent, "-F", "-"]);
        if self.read(["config", "--type=bool", "--default=false", "commit.gpgSign"])?.trim() == "true" {
            command.arg("-S");
        }
        Ok(Some(finish(&mut command, message.as_bytes(), "commit-tree")?.trim().to_string()))
    }

    /// Refuses where a commit would end, or disturb, something that the user is in the middle of.
    pub fn check_can_commit(&self) -> Result<()> {
        for (name, what) in
            [("MERGE_HEAD", "a merge"), ("CHERRY_PICK_HEAD", "a cherry-pick"), ("REVERT_HEAD", "a revert"), ("REBASE_HEAD", "a rebase")]
        {
            if self.read(["rev-parse", "--verify", "--quiet", name]).is_ok() {
                return Err(Error::refused("commit").why(format!("{what} is under way")).help("Finish or abort it first"));
            }
        }
        match self.reference_locks()?.first() {
            Some(lock) => Err(Error::refused("commit")
                .why(format!("{} exists: git is at work here, or has crashed", lock.display()))
                .help("Wait for the other git command; if there is none, remove that file")),
            None => Ok(()),
        }
    }

    /// Moves HEAD, and the branch that it names, to `made`; fails if it is not at its parent any more.
    pub fn move_head(&self, made: &Made, why: &str) -> Result<()> {
        let mut command = self.command();
        text(command.args(["update-ref", "-m", why, "HEAD", &made.commit, &made.parent]), "update-ref").map(|_| ())
    }

    /// Makes HEAD free to be moved after a crash: see [`Git::check_can_commit`], which came before it.
    pub fn clear_head_leftovers(&self) -> Result<()> {
        self.clear_reference_locks()
    }

    /// Whether HEAD is `commit` or comes after it.
    pub fn is_in_head(&self, commit: &str) -> Result<bool> {
        self.holds(&["merge-base", "--is-ancestor", commit, "HEAD"], &[])
    }

    /// A path in a commit.
    pub fn commit_entry(&self, commit: &str, path: &Path) -> Result<Option<Entry>> {
        let told = self.read_paths(&["ls-tree", "-z", commit], &[path])?;
        let Some(line) = told.split('\0').next().filter(|line| !line.is_empty()) else { return Ok(None) };
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(mode), Some("blob"), Some(object)) => Ok(Some(Entry { mode: mode.to_string(), object: object.to_string() })),
            _ => Err(Error::refused(format!("commit {}", path.display())).why("git knows it as something else than a file")),
        }
    }

    /// A path as it is in the working tree, stored as git would (filters, line endings, mode).
    pub fn worktree_entry(&self, token: &str, path: &Path) -> Result<Option<Entry>> {
        let parent = self.head().unwrap_or_default();
        let index = self.scratch_index(token, &parent)?;
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", &index).args(["update-index", "--add", "--remove", "--"]).arg(path);
        let entry = text(&mut command, "update-index").and_then(|_| {
            let mut command = self.command();
            text(command.env("GIT_INDEX_FILE", &index).args(["ls-files", "--stage", "-z", "--"]).arg(path), "ls-files")
        });
        self.clear_index_leftovers(token)?;
        staged(path, &entry?)
    }
}
