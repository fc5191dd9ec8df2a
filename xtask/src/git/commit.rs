//! One commit of exactly some paths, made in two steps: the commit object, which nobody sees, and
//! the move of HEAD to it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Git;
use super::call::{LATE, text, within};
use super::entries::{Changes, Entries};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// A commit object that was made, and the commit that it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub parent: String,
    pub commit: String,
}

impl Git {
    /// Refuses where a commit would end, or disturb, something that the user is in the middle of, and
    /// where git would not make one.
    pub fn check_can_commit(&self) -> Result<()> {
        let under_way = [
            ("MERGE_HEAD", "a merge"),
            ("CHERRY_PICK_HEAD", "a cherry-pick"),
            ("REVERT_HEAD", "a revert"),
            ("rebase-merge", "a rebase"),
            ("rebase-apply", "a rebase"),
        ];
        if let Some((_, what)) = under_way.iter().find(|(name, _)| self.dir.join(name).exists()) {
            return Err(Error::refused("commit").why(format!("{what} is under way")).help("Finish or abort it first"));
        }
        self.commit_to_build_on()?;
        for who in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
            if text(self.command().args(["var", who]), "var").is_err() {
                let help = "Run `git config user.name NAME` and `git config user.email ADDRESS`";
                return Err(Error::refused("commit").why("git does not know who you are").help(help));
            }
        }
        match self.reference_locks().first() {
            Some(lock) => Err(Error::refused("commit")
                .why(format!("{} exists: git is at work here, or has crashed", lock.display()))
                .help("Wait for the other git command; if there is none, remove that file")),
            None => Ok(()),
        }
    }

    /// Refuses where a commit could not even be made: nothing to build on, or nobody to sign it with.
    pub fn check_can_sign(&self) -> Result<()> {
        self.commit_to_build_on()?;
        let known = |name| self.read(["var", name]).is_ok();
        if known("GIT_AUTHOR_IDENT") && known("GIT_COMMITTER_IDENT") {
            return Ok(());
        }
        Err(Error::refused("commit").why("git does not know who you are").help("Set user.name and user.email with `git config`"))
    }

    /// The paths as the working tree has them, stored among git's objects. `token` names the run.
    pub fn store_worktree(&self, token: &str, paths: &[&Path]) -> Result<Entries> {
        let index = self.scratch_index(token, &self.commit_to_build_on()?)?;
        let entries = self.worktree_entries(&index, paths);
        self.clear_index_leftovers(token)?;
        entries
    }

    /// Makes a commit object on top of HEAD in which `changes` are made, all else as in HEAD, once the
    /// repository's hooks agree; they may take long, and end with `cancel`. `None`: HEAD has them already.
    /// HEAD does not move.
    pub fn make_commit(&self, token: &str, changes: &Changes, message: &str, cancel: &Cancel) -> Result<Option<Made>> {
        self.commit_object(token, changes, message, Some(cancel))
    }

    /// The same without asking any hook: an undo must not depend on somebody's consent.
    pub fn make_revert(&self, token: &str, changes: &Changes, message: &str) -> Result<Option<Made>> {
        self.commit_object(token, changes, message, None)
    }

    fn commit_object(&self, token: &str, changes: &Changes, message: &str, hooks: Option<&Cancel>) -> Result<Option<Made>> {
        let parent = self.commit_to_build_on()?;
        let index = self.scratch_index(token, &parent)?;
        let make = || -> Result<Option<Made>> {
            self.write_entries(&index, changes)?;
            let tree = self.tree_of(&index)?;
            if self.read(["rev-parse", "--verify", &format!("{parent}^{{tree}}")])?.trim() == tree {
                return Ok(None);
            }
            let message = match hooks {
                Some(cancel) => self.ask_hooks(&index, message, cancel)?,
                None => message.to_string(),
            };
            if hooks.is_some() && self.tree_of(&index)? != tree {
                return Err(Error::refused("commit").why("a hook changed what was to be committed").help("Leave out the commit"));
            }
            Ok(Some(Made { commit: self.commit_of(&tree, &parent, &message)?, parent: parent.clone() }))
        };
        let made = make();
        self.clear_index_leftovers(token)?;
        made
    }

    fn commit_to_build_on(&self) -> Result<String> {
        self.head().ok_or_else(|| Error::refused("commit").why("there is no commit yet to build on"))
    }

    fn tree_of(&self, index: &Path) -> Result<String> {
        let mut command = self.command();
        Ok(text(command.env("GIT_INDEX_FILE", index).arg("write-tree"), "write-tree")?.trim().to_string())
    }

    fn commit_of(&self, tree: &str, parent: &str, message: &str) -> Result<String> {
        let mut command = self.command();
        command.args(["commit-tree", tree, "-p", parent, "-F", "-"]);
        // Not even the users' own configuration makes this command sign.
        if self.read(["config", "--type=bool", "--default=false", "commit.gpgSign"])?.trim() == "true" {
            command.arg("-S");
        }
        Ok(within(LATE, &mut command, message.as_bytes(), "commit-tree")?.trim().to_string())
    }

    /// Moves HEAD, and the branch that it names, to `made`; fails if it is not at its parent any more.
    pub fn move_head(&self, made: &Made, why: &str) -> Result<()> {
        let mut command = self.command();
        text(command.args(["update-ref", "-m", why, "HEAD", &made.commit, &made.parent]), "update-ref").map(|_| ())
    }

    /// Whether HEAD is `commit` or comes after it.
    pub fn is_in_head(&self, commit: &str) -> Result<bool> {
        // It comes from a journal, and must not be read as an option.
        if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::unusable("use the journal's commit").why("its name is not one of a commit"));
        }
        self.holds(&["merge-base", "--is-ancestor", commit, "HEAD"], &[])
    }
}
