//! The steps that take a committed run back: a rollback is a run of its own, with undo of its own.

use super::{Action, GitCommit, GitTrack, GitUntrack, NameImage, PullImage, Receipt, RemoveFile, Removed, Unused, WriteFile};
use crate::error::Result;
use crate::registry::Reference;
use crate::saga::{Sha, Undoable};

/// What takes one step back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inverse {
    /// In the order in which they are to be taken.
    pub steps: Vec<Action>,
    /// After the proof: the commits that revert commits.
    pub finish: Vec<Action>,
    /// Contents that the rollback's blobs must have: those of the old run do.
    pub contents: Vec<Sha>,
}

/// The steps that put the world back as it was before these, which are the steps of one committed
/// run in their order.
pub fn inverse(done: &[Undoable<Action, Receipt>]) -> Result<Inverse> {
    let mut back = Inverse::default();
    for Undoable { step, receipt, .. } in done.iter().rev() {
        let action = match step {
            Action::WriteFile(write) => match &receipt.found()?.before {
                Some(original) => {
                    back.contents.push(original.content.clone());
                    let (content, before) = (original.content.clone(), Some(write.content.clone()));
                    Action::WriteFile(WriteFile { path: write.path.clone(), content, before, mode: Some(original.mode) })
                }
                None => Action::RemoveFile(RemoveFile { path: write.path.clone(), before: write.content.clone() }),
            },
            Action::RemoveFile(remove) => {
                let Removed { before, .. } = receipt.removed()?;
                back.contents.push(before.content.clone());
                Action::WriteFile(WriteFile {
                    path: remove.path.clone(),
                    content: before.content.clone(),
                    before: None,
                    mode: Some(before.mode),
                })
            }
            Action::CreateSymlink(link) => Action::RemoveSymlink(link.clone()),
            Action::RemoveSymlink(link) => Action::CreateSymlink(link.clone()),
            Action::GitUntrack(GitUntrack { path }) => match &receipt.entry()?.before {
                Some(entry) => Action::GitTrack(GitTrack { path: path.clone(), entry: entry.clone() }),
                None => continue,
            },
            Action::GitTrack(GitTrack { path, .. }) => Action::GitUntrack(GitUntrack { path: path.clone() }),
            Action::PullImage(PullImage { image, .. }) => match Reference::parse(image)?.movable() {
                Some(name) => Action::NameImage(NameImage { name, image_id: receipt.pulled()?.before.clone() }),
                None => continue,
            },
            Action::NameImage(NameImage { name, .. }) => {
                Action::NameImage(NameImage { name: name.clone(), image_id: receipt.named()?.before.clone() })
            }
            // A rollback restores files; what runs is made from them by whoever starts it.
            Action::Rehearse(_)
            | Action::TryStack(_)
            | Action::BuildImage(_)
            | Action::LookInside(_)
            | Action::DropImage(_)
            | Action::KeepContainers(_)
            | Action::Recreate(_)
            | Action::Hook(_)
            | Action::KeepFiles(_)
            | Action::KeepStack(_)
            | Action::Replace(_)
            | Action::StartService(_)
            | Action::StopService(_)
            | Action::RemoveContainers(_) => continue,
            // An empty folder does no harm, and one with something in it is not ours any more.
            Action::CreateFolder(_) => continue,
            // A restore is put back by restoring the backup that was taken before it.
            Action::VerifyBackup(_) | Action::ReadBack(_) | Action::NoteVerified(_) => continue,
            Action::FillBeside(_) | Action::Exchange(_) | Action::LayBeside(_) | Action::DropReplaced(_) => continue,
            // A backup is deleted by `backup forget`, never because something is put back.
            Action::MakeRepository(_) | Action::TakeBackup(_) | Action::PublishBackup(_) | Action::KeepBackup(_) => continue,
            Action::RemoveUnused(unused) => {
                if let Unused::Network { spec, .. } = unused {
                    back.contents.push(spec.clone());
                }
                Action::BringBack(unused.clone())
            }
            // A rollback of a rollback is none.
            Action::BringBack(_) | Action::ArchiveUnused(_) | Action::DropUnused(_) | Action::NoteReclaimed(_) => continue,
            // What is forgotten is gone.
            Action::ForgetBackups(_) | Action::PruneRepository(_) => continue,
            // What runs goes back to a release, and takes the pointer with it.
            Action::SaveRelease(_) | Action::MoveCurrent(_) | Action::ForgetReleases(_) => continue,
            Action::GitCommit(commit) => {
                if let Some(made) = &receipt.commit()?.made {
                    let message = format!("Revert \"{}\"\n\nThis reverts commit {}.\n", commit.subject(), made.commit);
                    back.finish.push(Action::GitCommit(GitCommit { paths: commit.paths.clone(), message }));
                }
                continue;
            }
        };
        back.steps.push(action);
    }
    Ok(back)
}
