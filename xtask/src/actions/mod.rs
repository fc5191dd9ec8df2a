//! The kinds of steps that change things: one a file. A new kind does not compile without its undo.

mod file;
mod git_commit;
mod git_entry;
mod inside;
mod inverse;
mod remove_file;
mod symlink;
mod write_file;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::git::Git;
use crate::saga::{Blobs, RunId, Sha, Step};

pub use file::Original;
pub use git_commit::{CommitReceipt, GitCommit};
pub use git_entry::{EntryReceipt, GitTrack, GitUntrack};
pub use inverse::{Inverse, inverse};
pub use remove_file::{RemoveFile, Removed};
pub use symlink::Symlink;
pub use write_file::{Found, WriteFile};

/// What steps act on.
#[derive(Debug)]
pub struct World {
    /// The project's root, absolute. Nothing outside it is written.
    pub root: PathBuf,
    /// What this run writes and what it found.
    pub blobs: Blobs,
    pub run: RunId,
    /// The repository that the project lies in, if it does.
    pub git: Option<Git>,
}

impl World {
    /// The name of the temporary file through which `path` is written, in the same folder.
    fn temporary(&self, path: &Path) -> String {
        let name = Sha::of(path.as_os_str().as_encoded_bytes());
        format!(".xtask-{}-{}.tmp", self.run, &name.as_str()[..8])
    }

    fn git(&self) -> Result<&Git> {
        self.git.as_ref().ok_or_else(|| Error::refused("use git").why("the project is in no git repository"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    WriteFile(WriteFile),
    RemoveFile(RemoveFile),
    CreateSymlink(Symlink),
    RemoveSymlink(Symlink),
    GitUntrack(GitUntrack),
    GitTrack(GitTrack),
    GitCommit(GitCommit),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Receipt {
    /// The step itself says all that undo needs.
    Nothing,
    Found(Found),
    Removed(Removed),
    Entry(EntryReceipt),
    Commit(CommitReceipt),
}

impl Step<World> for Action {
    type Receipt = Receipt;

    fn label(&self) -> String {
        match self {
            Action::WriteFile(write) => format!("write {}", write.path.display()),
            Action::RemoveFile(remove) => format!("remove {}", remove.path.display()),
            Action::CreateSymlink(link) => format!("link {} to {}", link.path.display(), link.target.display()),
            Action::RemoveSymlink(link) => format!("remove the link {}", link.path.display()),
            Action::GitUntrack(untrack) => format!("take {} out of git's index", untrack.path.display()),
            Action::GitTrack(track) => format!("put {} into git's index", track.path.display()),
            Action::GitCommit(commit) => format!("commit {} files", commit.paths.len()),
        }
    }

    fn prepare(&self, world: &World) -> Result<Receipt> {
        match self {
            Action::WriteFile(write) => write.prepare(world).map(Receipt::Found),
            Action::RemoveFile(remove) => remove.prepare(world).map(Receipt::Removed),
            Action::CreateSymlink(link) => link.prepare_to_create(world).map(|()| Receipt::Nothing),
            Action::RemoveSymlink(link) => link.prepare_to_remove(world).map(|()| Receipt::Nothing),
            Action::GitUntrack(untrack) => untrack.prepare(world).map(Receipt::Entry),
            Action::GitTrack(track) => track.prepare(world).map(Receipt::Entry),
            Action::GitCommit(commit) => commit.prepare(world).map(Receipt::Commit),
        }
    }

    fn apply(&self, world: &World, receipt: &Receipt) -> Result<()> {
        match self {
            Action::WriteFile(write) => write.apply(world, receipt.found()?),
            Action::RemoveFile(remove) => remove.apply(world, receipt.removed()?),
            Action::CreateSymlink(link) => link.create(world),
            Action::RemoveSymlink(link) => link.remove(world),
            Action::GitUntrack(_) | Action::GitTrack(_) => receipt.entry()?.apply(world),
            Action::GitCommit(commit) => commit.apply(world, receipt.commit()?),
        }
    }

    fn undo(&self, world: &World, receipt: &Receipt) -> Result<()> {
        match self {
            Action::WriteFile(write) => write.undo(world, receipt.found()?),
            Action::RemoveFile(remove) => remove.undo(world, receipt.removed()?),
            Action::CreateSymlink(link) => link.remove(world),
            Action::RemoveSymlink(link) => link.create(world),
            Action::GitUntrack(_) | Action::GitTrack(_) => receipt.entry()?.undo(world),
            Action::GitCommit(commit) => commit.undo(world, receipt.commit()?),
        }
    }
}

/// Each kind of step finds its own receipt; another one means that the journal was edited.
impl Receipt {
    fn found(&self) -> Result<&Found> {
        if let Receipt::Found(found) = self { Ok(found) } else { Err(self.of_another_step()) }
    }

    fn removed(&self) -> Result<&Removed> {
        if let Receipt::Removed(removed) = self { Ok(removed) } else { Err(self.of_another_step()) }
    }

    fn entry(&self) -> Result<&EntryReceipt> {
        if let Receipt::Entry(entry) = self { Ok(entry) } else { Err(self.of_another_step()) }
    }

    fn commit(&self) -> Result<&CommitReceipt> {
        if let Receipt::Commit(commit) = self { Ok(commit) } else { Err(self.of_another_step()) }
    }

    fn of_another_step(&self) -> Error {
        Error::unusable("use a receipt of the journal").why("it is that of another kind of step")
    }
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::saga::{Plan, Store};

    /// A new repository, and a way to call git in it.
    pub(super) fn git_repository(top: &Path) -> impl Fn(&[&str]) -> String + use<> {
        let top = top.to_path_buf();
        let git = move |args: &[&str]| {
            let who = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
            let output = std::process::Command::new("git").arg("-C").arg(&top).args(who).args(args).output().unwrap();
            assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        git(&["init", "-q"]);
        git(&["config", "user.name", "T"]);
        git(&["config", "user.email", "t@example.org"]);
        git
    }

    /// The world of a run that has just begun in `root`.
    pub(super) fn world(root: &Path) -> World {
        let store = Store::at(root);
        store.create().unwrap();
        let run = RunId::new("test");
        store.begin(&run, &Plan::<()>::new("test", vec![])).unwrap();
        World { root: root.to_path_buf(), blobs: store.blobs(&run), run, git: Git::open(root) }
    }
}
