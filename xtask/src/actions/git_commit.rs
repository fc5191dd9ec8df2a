//! One commit of exactly some paths, made after the proof. What else is staged stays staged.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::World;
use super::git_entry::changed_in_git;
use crate::error::Result;
use crate::git::{Entries, Entry, Git, Made};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitCommit {
    /// Below the project's root.
    pub paths: Vec<PathBuf>,
    pub message: String,
}

/// What undo needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitReceipt {
    /// The commit object, which nobody sees before `apply`; `None`: there was nothing to commit.
    pub made: Option<Made>,
    pub paths: Vec<Change>,
}

/// One path: in the index before, in the commit before, and in both afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub path: PathBuf,
    pub staged: Option<Entry>,
    pub committed: Option<Entry>,
    pub after: Option<Entry>,
}

impl GitCommit {
    pub fn prepare(&self, world: &World) -> Result<CommitReceipt> {
        let (git, token) = (world.git()?, world.run.as_str());
        git.check_can_commit()?;
        world.blobs.keep_room(git.bytes_to_undo())?;
        let paths = self.changes(git, token)?;
        let after: Vec<_> = paths.iter().map(|change| (change.path.clone(), change.after.clone())).collect();
        Ok(CommitReceipt { made: git.make_commit(token, &after, &self.message, &world.cancel)?, paths })
    }

    fn changes(&self, git: &Git, token: &str) -> Result<Vec<Change>> {
        let paths: Vec<&Path> = self.paths.iter().map(PathBuf::as_path).collect();
        let (staged, committed) = (git.index_entries(&paths)?, git.commit_entries("HEAD", &paths)?);
        // Taken out of the index, by this run for one: the commit takes it out as well.
        let untracked = |path: &Path| !staged.contains_key(path) && committed.contains_key(path);
        let kept: Vec<&Path> = paths.iter().copied().filter(|path| !untracked(path)).collect();
        let after = git.store_worktree(token, &kept)?;
        let change = |path: &Path| Change {
            path: path.to_path_buf(),
            staged: staged.get(path).cloned(),
            committed: committed.get(path).cloned(),
            after: after.get(path).cloned(),
        };
        Ok(paths.into_iter().map(change).collect())
    }

    pub fn apply(&self, world: &World, receipt: &CommitReceipt) -> Result<()> {
        let Some(made) = &receipt.made else { return Ok(()) };
        let (git, token) = (world.git()?, world.run.as_str());
        let after: Vec<_> = receipt.paths.iter().map(|change| (change.path.clone(), change.after.clone())).collect();
        git.change_index(token, &after)?;
        git.move_head(made, &format!("commit: {}", self.subject()))
    }

    /// History is never rewritten: a commit that is in it gets a commit that reverts it.
    pub fn undo(&self, world: &World, receipt: &CommitReceipt) -> Result<()> {
        let (git, token) = (world.git()?, world.run.as_str());
        world.blobs.give_room()?;
        git.clear_index_leftovers(token)?;
        let Some(made) = &receipt.made else { return Ok(()) };
        git.clear_reference_locks()?;
        let paths: Vec<&Path> = receipt.paths.iter().map(|change| change.path.as_path()).collect();
        if git.is_in_head(&made.commit)? {
            let back = back(receipt, &git.commit_entries("HEAD", &paths)?, |change| &change.committed)?;
            let subject = self.subject();
            let message = format!("Revert \"{subject}\"\n\nThis reverts commit {}: the run {token} was undone.\n", made.commit);
            // Done before, there is nothing to revert.
            if let Some(revert) = git.make_revert(token, &back, &message)? {
                git.move_head(&revert, &format!("revert: {subject}"))?;
            }
        }
        let back = back(receipt, &git.index_entries(&paths)?, |change| &change.staged)?;
        if back.is_empty() { Ok(()) } else { git.change_index(token, &back) }
    }

    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// What must change for the paths to be as before, where they now are as in `now`.
fn back(receipt: &CommitReceipt, now: &Entries, before: fn(&Change) -> &Option<Entry>) -> Result<Vec<(PathBuf, Option<Entry>)>> {
    let mut changes = Vec::new();
    for change in &receipt.paths {
        match now.get(&change.path) {
            current if current == before(change).as_ref() => {}
            current if current == change.after.as_ref() => changes.push((change.path.clone(), before(change).clone())),
            _ => return Err(changed_in_git(&change.path)),
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{git_repository, world};
    use super::super::{Action, GitUntrack, Receipt};
    use super::*;
    use crate::saga::Step;

    fn commit(paths: &[&str]) -> Action {
        let paths = paths.iter().map(PathBuf::from).collect();
        Action::GitCommit(GitCommit { paths, message: "Move the secrets\n\nBody.\n".into() })
    }

    /// `sub/` is the project, in a repository with another file that is staged by the user.
    fn repository() -> (tempfile::TempDir, World, impl Fn(&[&str]) -> String) {
        let folder = tempfile::tempdir().unwrap();
        let git = git_repository(folder.path());
        let root = folder.path().join("sub");
        fs::create_dir(&root).unwrap();
        for name in ["a.yml", ".env", "other"] {
            fs::write(root.join(name), "old\n").unwrap();
        }
        git(&["add", "."]);
        git(&["commit", "-qm", "first"]);
        fs::write(root.join("other"), "staged\n").unwrap();
        git(&["add", "."]);
        fs::write(root.join("a.yml"), "new\n").unwrap();
        fs::write(root.join("b.yml"), "created\n").unwrap();
        (folder, world(&root), git)
    }

    #[test]
    fn commits_exactly_its_paths_and_reverts() {
        let (_folder, world, git) = repository();
        let before = git(&["diff", "--cached", "--name-status"]);
        let untrack = Action::GitUntrack(GitUntrack { path: ".env".into() });
        let untracked = untrack.prepare(&world).unwrap();
        untrack.apply(&world, &untracked).unwrap();
        let step = commit(&["a.yml", "b.yml", ".env"]);
        let receipt = step.prepare(&world).unwrap();
        assert_eq!(git(&["log", "--format=%s"]), "first\n");
        step.apply(&world, &receipt).unwrap();
        assert_eq!(git(&["log", "-1", "--format=%s", "--name-status"]), "Move the secrets\n\nD\tsub/.env\nM\tsub/a.yml\nA\tsub/b.yml\n");
        assert_eq!(git(&["status", "--porcelain"]), "M  sub/other\n?? sub/.env\n");
        for _ in 0..2 {
            step.undo(&world, &receipt).unwrap();
            assert_eq!(git(&["log", "--format=%s"]), "Revert \"Move the secrets\"\nMove the secrets\nfirst\n");
            assert_eq!(git(&["diff", "HEAD~2", "HEAD"]), "");
        }
        for _ in 0..2 {
            untrack.undo(&world, &untracked).unwrap();
            assert_eq!(git(&["diff", "--cached", "--name-status"]), before);
        }
        assert_eq!(git(&["fsck", "--strict"]), "");
    }

    #[test]
    fn undone_before_it_moved_head_it_leaves_no_commit() {
        let (_folder, world, git) = repository();
        let (status, step) = (git(&["status", "--porcelain"]), commit(&["a.yml", "b.yml"]));
        let receipt = step.prepare(&world).unwrap();
        let Receipt::Commit(made) = &receipt else { panic!() };
        let half: Vec<_> = made.paths.iter().map(|path| (path.path.clone(), path.after.clone())).collect();
        world.git().unwrap().change_index(world.run.as_str(), &half).unwrap();
        step.undo(&world, &receipt).unwrap();
        assert_eq!((git(&["status", "--porcelain"]), git(&["log", "--format=%s"])), (status, "first\n".to_string()));
    }

    #[test]
    fn waits_for_no_one_and_removes_only_its_own_lock() {
        let (folder, world, _) = repository();
        let untrack = Action::GitUntrack(GitUntrack { path: ".env".into() });
        let receipt = untrack.prepare(&world).unwrap();
        let lock = folder.path().join(".git/index.lock");
        fs::write(&lock, "").unwrap();
        assert!(untrack.apply(&world, &receipt).unwrap_err().to_string().contains("git is at work here"));
        untrack.undo(&world, &receipt).unwrap();
        assert!(lock.exists());
        fs::remove_file(&lock).unwrap();
        let ours = folder.path().join(format!(".git/xtask-{}.lock", world.run));
        fs::write(&ours, "").unwrap();
        fs::hard_link(&ours, &lock).unwrap();
        untrack.undo(&world, &receipt).unwrap();
        assert!(!lock.exists() && !ours.exists());
    }

    #[test]
    fn does_not_take_back_what_somebody_committed_on_top() {
        let (_folder, world, git) = repository();
        let step = commit(&["a.yml"]);
        let receipt = step.prepare(&world).unwrap();
        step.apply(&world, &receipt).unwrap();
        fs::write(world.root.join("a.yml"), "theirs\n").unwrap();
        git(&["commit", "-qam", "theirs"]);
        assert!(step.undo(&world, &receipt).is_err());
        assert_eq!(git(&["log", "-1", "--format=%s"]), "theirs\n");
    }

    #[test]
    fn the_hooks_have_their_say() {
        let (folder, world, git) = repository();
        let hook = |name: &str, script: &str| {
            let path = folder.path().join(".git/hooks").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        };
        let step = commit(&["a.yml"]);
        hook("pre-commit", "test \"$(git diff --cached --name-only)\" = sub/a.yml && echo Hidden: secret && exit 1");
        let error = step.prepare(&world).unwrap_err();
        assert!(error.to_string().contains("the hook pre-commit said no") && !format!("{error:?}").contains("secret"), "{error:?}");
        hook("pre-commit", "echo changed > sub/a.yml; git add sub/a.yml");
        assert!(step.prepare(&world).unwrap_err().to_string().contains("a hook changed what was to be committed"));
        fs::write(world.root.join("a.yml"), "new\n").unwrap();
        hook("pre-commit", "exit 0");
        hook("commit-msg", "echo 'Change-Id: 1' >> \"$1\"");
        let receipt = step.prepare(&world).unwrap();
        step.apply(&world, &receipt).unwrap();
        assert_eq!(git(&["log", "-1", "--format=%B"]).trim_end(), "Move the secrets\n\nBody.\nChange-Id: 1");
        let left = fs::read_dir(folder.path().join(".git")).unwrap().flatten();
        assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("xtask")));
    }
}
