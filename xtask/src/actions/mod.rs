//! The kinds of steps that change things: one a file. A new kind does not compile without its undo.

mod backup;
mod cleanup;
mod converge;
mod create_folder;
mod file;
mod forget_releases;
mod git_commit;
mod git_entry;
mod hook;
mod inside;
mod inverse;
mod keep_files;
mod keep_stack;
mod live;
mod look_inside;
mod make;
mod name_image;
mod pull_image;
mod receipt;
mod recreate;
mod remove_containers;
mod remove_file;
mod replace;
mod restore;
mod save_release;
mod scratch_image;
mod start_service;
mod stop_service;
mod symlink;
mod trial;
mod write_file;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::backup::Summary;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::git::Git;
use crate::proof::trial::Trial;
use crate::release::{HOLDS, ServiceRecord};
use crate::saga::{Blobs, RunId, Sha, Step};
use crate::secret::Masker;

pub use backup::{
    DropReplaced, Exchange, FillBeside, ForgetBackups, Laid, LaidServer, LayBeside, Like, MakeRepository, NoteVerified, PruneRepository,
    PublishBackup, Quieted, ReadBack, Reading, Refill, Reload, Revived, TakeBackup, VerifyBackup, recount,
};
pub use cleanup::{ArchiveUnused, DropUnused, NoteReclaimed, Reclaimed, Standing, Unused, removal_was_begun, user_of_volume};
pub use create_folder::CreateFolder;
pub use file::Original;
pub use forget_releases::ForgetReleases;
pub use git_commit::{CommitReceipt, GitCommit};
pub use git_entry::{EntryReceipt, GitTrack, GitUntrack};
pub use hook::{Hook, When};
pub use inverse::{Inverse, inverse};
pub use keep_files::{FileBefore, KeepFiles};
pub use keep_stack::{KeepStack, KeptContainer, KeptStack};
pub use live::{Live, Rehearse, StackCall};
pub use look_inside::LookInside;
pub use make::Source;
pub use name_image::{NameImage, Named};
pub use pull_image::{PullImage, Pulled};
pub use receipt::{QuietedAll, Receipt};
pub use recreate::{KeepContainers, Kept, Recreate};
pub use remove_containers::RemoveContainers;
pub use remove_file::{RemoveFile, Removed};
pub use replace::{Proxy, Replace};
pub use restore::{Restored, restore_steps};
pub use save_release::{MoveCurrent, SaveRelease, Saved, Shelf, written};
pub use scratch_image::{BuildImage, DropImage};
pub use start_service::StartService;
pub use stop_service::StopService;
pub use symlink::Symlink;
pub use trial::TryStack;
pub use write_file::{Found, WriteFile};

/// What steps act on.
pub struct World {
    /// The project's root, absolute. Nothing outside it is written.
    pub root: PathBuf,
    /// What this run writes and what it found.
    pub blobs: Blobs,
    pub run: RunId,
    /// The repository that the project lies in, if it does.
    pub git: Option<Git>,
    /// The engine, where one answers and Compose is installed.
    pub live: Option<Rc<Live>>,
    /// Ends what takes long.
    pub cancel: Cancel,
    /// Takes secrets out of what programs and containers say.
    pub masker: Masker,
    /// What steps have proven on the way, and what they could not.
    pub said: RefCell<Vec<Said>>,
    /// What went wrong without holding anything up.
    pub warnings: RefCell<Vec<String>>,
    /// The state folder, where it is known; releases are below it.
    pub state: Option<PathBuf>,
    /// What the proof saw running, by service: what a release records.
    pub running: RefCell<BTreeMap<String, ServiceRecord>>,
    /// What a trial has shown.
    pub trial: RefCell<Option<Trial>>,
    /// By name, what is known of the backups that this run has written.
    pub backups: RefCell<BTreeMap<String, Summary>>,
}

/// What a step has to say for the proof of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Proven { label: String, detail: String },
    NotProven { label: String, needs: String },
}

impl World {
    /// A world of files and git alone.
    pub fn of_files(root: PathBuf, blobs: Blobs, run: RunId, git: Option<Git>) -> Self {
        World {
            root,
            blobs,
            run,
            git,
            live: None,
            cancel: Cancel::default(),
            masker: Masker::default(),
            said: RefCell::default(),
            warnings: RefCell::default(),
            state: None,
            running: RefCell::default(),
            trial: RefCell::default(),
            backups: RefCell::default(),
        }
    }

    fn live(&self) -> Result<&Live> {
        let missing = || {
            Error::failed("reach the containers of this run")
                .why("no engine answers, or Docker Compose is not installed")
                .help("start Docker and try again; `cargo xtask doctor` says what is missing")
        };
        self.live.as_deref().ok_or_else(missing)
    }

    /// A private folder of the run, below its journal.
    fn scratch(&self) -> PathBuf {
        self.blobs.dir().with_file_name("scratch")
    }

    fn proven(&self, label: String, detail: String) {
        self.said.borrow_mut().push(Said::Proven { label, detail });
    }

    fn warn(&self, text: String) {
        self.warnings.borrow_mut().push(text);
    }

    fn not_proven(&self, label: String, needs: String) {
        self.said.borrow_mut().push(Said::NotProven { label, needs });
    }

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
    Rehearse(Rehearse),
    TryStack(TryStack),
    BuildImage(BuildImage),
    LookInside(LookInside),
    DropImage(DropImage),
    KeepContainers(KeepContainers),
    Recreate(Recreate),
    PullImage(PullImage),
    NameImage(NameImage),
    Hook(Hook),
    KeepFiles(KeepFiles),
    KeepStack(KeepStack),
    Replace(Replace),
    StartService(StartService),
    StopService(StopService),
    RemoveContainers(RemoveContainers),
    CreateFolder(CreateFolder),
    SaveRelease(SaveRelease),
    MoveCurrent(MoveCurrent),
    ForgetReleases(ForgetReleases),
    MakeRepository(MakeRepository),
    TakeBackup(Box<TakeBackup>),
    ReadBack(ReadBack),
    PublishBackup(PublishBackup),
    /// The same for one that stays when the run is undone.
    KeepBackup(PublishBackup),
    VerifyBackup(VerifyBackup),
    NoteVerified(NoteVerified),
    FillBeside(FillBeside),
    Exchange(Exchange),
    LayBeside(LayBeside),
    DropReplaced(DropReplaced),
    ForgetBackups(ForgetBackups),
    PruneRepository(PruneRepository),
    ArchiveUnused(ArchiveUnused),
    RemoveUnused(Unused),
    BringBack(Unused),
    DropUnused(DropUnused),
    NoteReclaimed(NoteReclaimed),
}

impl Action {
    /// Whether it changes git's index.
    pub fn needs_git(&self) -> bool {
        matches!(self, Action::GitUntrack(_) | Action::GitTrack(_) | Action::GitCommit(_))
    }

    /// Whether its undo asks the engine for something.
    fn reaches_engine(&self) -> bool {
        let images = matches!(self, Action::PullImage(_) | Action::NameImage(_) | Action::SaveRelease(_));
        let stack = matches!(self, Action::Rehearse(_) | Action::KeepContainers(_) | Action::KeepStack(_) | Action::KeepFiles(_));
        let built = matches!(self, Action::BuildImage(_) | Action::LookInside(_));
        let unused = matches!(self, Action::RemoveUnused(_) | Action::BringBack(_));
        let swapped = matches!(self, Action::Replace(_) | Action::StartService(_) | Action::StopService(_));
        built || images || stack || unused || swapped
    }

    /// Whether it changes anything that was there before the run.
    pub fn touches(&self) -> bool {
        match self {
            Action::Rehearse(_) | Action::TryStack(_) | Action::KeepContainers(_) | Action::KeepStack(_) | Action::PullImage(_) => false,
            Action::BuildImage(_) | Action::LookInside(_) | Action::DropImage(_) => false,
            // Who is paused for it goes on.
            Action::MakeRepository(_) | Action::TakeBackup(_) | Action::PublishBackup(_) | Action::KeepBackup(_) => false,
            Action::VerifyBackup(_) | Action::ReadBack(_) | Action::NoteVerified(_) => false,
            Action::LayBeside(_) | Action::FillBeside(_) | Action::ArchiveUnused(_) => false,
            // Before anything else, and for nothing but its undo.
            Action::Hook(hook) => hook.when != When::OnRollback,
            // A name of our own that holds an image.
            Action::NameImage(name) => !name.name.starts_with(HOLDS),
            _ => true,
        }
    }
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
            Action::Rehearse(rehearse) if rehearse.data.is_empty() => format!("rehearse {}", rehearse.names()),
            Action::Rehearse(rehearse) => format!("rehearse {} on a copy of the data", rehearse.names()),
            Action::BuildImage(build) if build.spare => format!("build the present image of {}, to compare sizes", build.service),
            Action::BuildImage(build) => format!("build the image of {}", build.service),
            Action::LookInside(look) => format!("look into the image of {}", look.service),
            Action::DropImage(drop) => format!("remove the image {}", drop.image),
            Action::TryStack(trial) => format!("try {} in a throwaway project", trial.stack),
            Action::KeepContainers(keep) => format!("note the containers of {}", keep.call.stack),
            Action::Recreate(recreate) => format!("recreate {} of {}", recreate.services.join(", "), recreate.call.stack),
            Action::PullImage(pull) => format!("pull {} {}", pull.image, short_digest(&pull.digest)),
            Action::NameImage(NameImage { name, image_id: Some(id) }) => format!("give {} the name {name}", short_digest(id)),
            Action::NameImage(NameImage { name, image_id: None }) => format!("take the name {name} away"),
            Action::Hook(hook) => hook.label(),
            Action::KeepFiles(keep) => {
                let paths: Vec<String> = keep.files.iter().map(|file| file.path.display().to_string()).collect();
                format!("keep {} as before for when this is put back", paths.join(", "))
            }
            Action::KeepStack(keep) => format!("note the containers of {}", keep.call.stack),
            Action::Replace(replace) => replace.label(),
            Action::StartService(start) => start.label(),
            Action::StopService(stop) => format!("stop {} of {}", stop.service, stop.call.stack),
            Action::RemoveContainers(remove) => format!("remove {} replaced containers", remove.ids.len()),
            Action::CreateFolder(create) => format!("create the folder {}", create.path.display()),
            Action::SaveRelease(save) => format!("save the release {} of {}", save.id, save.shelf.stack),
            Action::MoveCurrent(to) => format!("make {} the current release of {}", to.id, to.shelf.stack),
            Action::MakeRepository(make) => format!("make a repository in {}", make.place.location),
            Action::TakeBackup(take) => take.label(),
            Action::ReadBack(read) => format!("read {} back", read.name),
            Action::PublishBackup(publish) | Action::KeepBackup(publish) => format!("list the backup {}", publish.name),
            Action::VerifyBackup(verify) => format!("restore {} beside everything else", verify.name),
            Action::NoteVerified(note) => format!("note what was verified of {}", note.name),
            Action::FillBeside(fill) => fill.label(),
            Action::Exchange(exchange) => exchange.label(),
            Action::ForgetBackups(forget) => format!("forget {} backups", forget.names.len()),
            Action::PruneRepository(prune) => format!("make room in {}", prune.place.location),
            Action::LayBeside(lay) => lay.label(),
            Action::DropReplaced(drop) => format!("remove the data that was replaced: {}", drop.volumes.join(", ")),
            Action::ArchiveUnused(archive) => archive.label(),
            Action::RemoveUnused(unused) => format!("remove {}", unused.label()),
            Action::BringBack(unused) => format!("bring {} back", unused.label()),
            Action::DropUnused(drop) => drop.label(),
            Action::NoteReclaimed(_) => "note what was reclaimed".to_string(),
            Action::ForgetReleases(forget) => format!("forget the releases {} of {}", forget.ids.join(", "), forget.shelf.stack),
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
            Action::Rehearse(rehearse) => rehearse.prepare(world).map(|()| Receipt::Nothing),
            Action::TryStack(trial) => trial.prepare(world).map(|()| Receipt::Nothing),
            Action::BuildImage(build) => build.prepare(world).map(|()| Receipt::Nothing),
            Action::LookInside(look) => look.prepare(world).map(|()| Receipt::Nothing),
            Action::KeepContainers(keep) => keep.prepare(world).map(Receipt::Kept),
            Action::Recreate(recreate) => recreate.prepare(world).map(|()| Receipt::Nothing),
            Action::PullImage(pull) => pull.prepare(world).map(Receipt::Pulled),
            Action::NameImage(name) => name.prepare(world).map(Receipt::Named),
            Action::Hook(_) => Ok(Receipt::Nothing),
            Action::KeepFiles(keep) => keep.prepare(world).map(|()| Receipt::Nothing),
            Action::KeepStack(keep) => keep.prepare(world).map(Receipt::Stack),
            Action::Replace(replace) => replace.prepare(world).map(Receipt::Stack),
            Action::StartService(start) => start.prepare(world).map(Receipt::Stack),
            Action::StopService(stop) => stop.prepare(world).map(Receipt::Stack),
            Action::RemoveContainers(_) => Ok(Receipt::Nothing),
            Action::CreateFolder(create) => create.prepare(world).map(|()| Receipt::Nothing),
            Action::SaveRelease(save) => save.prepare(world).map(Receipt::Saved),
            Action::MoveCurrent(to) => to.prepare(world).map(Receipt::Saved),
            Action::ForgetReleases(forget) => forget.prepare(world).map(|()| Receipt::Nothing),
            Action::TakeBackup(take) => take.prepare(world).map(|containers| Receipt::Quieted(QuietedAll { containers })),
            Action::MakeRepository(_) | Action::PublishBackup(_) | Action::KeepBackup(_) => Ok(Receipt::Nothing),
            Action::VerifyBackup(_) | Action::NoteVerified(_) | Action::ReadBack(_) => world.live().map(|_| Receipt::Nothing),
            Action::FillBeside(fill) => fill.prepare(world).map(|()| Receipt::Nothing),
            Action::Exchange(exchange) => exchange.prepare(world).map(|()| Receipt::Nothing),
            Action::DropReplaced(_) | Action::ForgetBackups(_) | Action::PruneRepository(_) | Action::DropImage(_) => Ok(Receipt::Nothing),
            Action::LayBeside(lay) => lay.prepare(world).map(|()| Receipt::Nothing),
            Action::ArchiveUnused(archive) => archive.prepare(world).map(|()| Receipt::Nothing),
            Action::RemoveUnused(_) | Action::DropUnused(_) => world.live().map(|_| Receipt::Nothing),
            Action::BringBack(unused) => unused.look(world).map(Receipt::Standing),
            Action::NoteReclaimed(note) => note.measure(world.live()?.engine.as_ref(), world.run.as_str()).map(Receipt::Reclaimed),
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
            Action::Rehearse(rehearse) => rehearse.apply(world),
            Action::TryStack(trial) => trial.apply(world),
            Action::BuildImage(build) => build.apply(world),
            Action::LookInside(look) => look.apply(world),
            Action::DropImage(drop) => drop.apply(world),
            // Its work is its undo.
            Action::KeepContainers(_) | Action::KeepStack(_) => Ok(()),
            Action::Recreate(recreate) => recreate.apply(world),
            Action::PullImage(pull) => pull.apply(world),
            Action::NameImage(name) => name.apply(world),
            Action::Hook(hook) => hook.apply(world),
            Action::KeepFiles(_) => Ok(()),
            Action::Replace(replace) => replace.apply(world, receipt.stack()?),
            Action::StartService(start) => start.apply(world, receipt.stack()?),
            Action::StopService(stop) => stop.apply(world, receipt.stack()?),
            Action::RemoveContainers(remove) => remove.apply(world),
            Action::CreateFolder(create) => create.apply(world),
            Action::SaveRelease(save) => save.apply(world, receipt.saved()?),
            Action::MoveCurrent(to) => to.apply(world),
            Action::ForgetReleases(forget) => forget.apply(world),
            Action::MakeRepository(make) => make.apply(world),
            Action::TakeBackup(take) => take.apply(world),
            Action::ReadBack(read) => read.apply(world),
            Action::PublishBackup(publish) | Action::KeepBackup(publish) => publish.apply(world),
            Action::VerifyBackup(verify) => verify.apply(world),
            Action::NoteVerified(note) => note.apply(world),
            Action::FillBeside(fill) => fill.apply(world),
            Action::Exchange(exchange) => exchange.apply(world),
            Action::LayBeside(lay) => lay.apply(world),
            Action::DropReplaced(drop) => drop.apply(world),
            Action::ForgetBackups(forget) => forget.apply(),
            Action::PruneRepository(prune) => prune.apply(),
            Action::ArchiveUnused(archive) => archive.apply(world),
            Action::RemoveUnused(unused) => unused.remove(world),
            Action::BringBack(unused) => unused.take_back(world, receipt.standing()?),
            Action::DropUnused(drop) => drop.apply(world),
            // Its work is its receipt.
            Action::NoteReclaimed(_) => Ok(()),
        }
    }

    fn undo(&self, world: &World, receipt: &Receipt) -> Result<()> {
        if let (true, Some(live)) = (self.reaches_engine(), &world.live) {
            live.await_engine();
        }
        match self {
            Action::WriteFile(write) => write.undo(world, receipt.found()?),
            Action::RemoveFile(remove) => remove.undo(world, receipt.removed()?),
            Action::CreateSymlink(link) => link.remove(world),
            Action::RemoveSymlink(link) => link.create(world),
            Action::GitUntrack(_) | Action::GitTrack(_) => receipt.entry()?.undo(world),
            Action::GitCommit(commit) => commit.undo(world, receipt.commit()?),
            Action::Rehearse(rehearse) => rehearse.undo(world),
            Action::TryStack(trial) => trial.undo(world),
            Action::BuildImage(build) => build.undo(world),
            Action::LookInside(look) => look.undo(world),
            Action::KeepContainers(keep) => keep.undo(world, receipt.kept()?),
            // The containers are put back once the files are: see KeepContainers and KeepStack.
            Action::Recreate(_) => Ok(()),
            Action::PullImage(pull) => pull.undo(world, receipt.pulled()?),
            Action::NameImage(name) => name.undo(world, receipt.named()?),
            Action::Hook(hook) => {
                hook.undo(world);
                Ok(())
            }
            Action::KeepFiles(keep) => keep.undo(world),
            Action::KeepStack(keep) => keep.undo(world, receipt.stack()?),
            Action::Replace(replace) => replace.undo(world, receipt.stack()?),
            Action::StartService(start) => start.undo(world, receipt.stack()?),
            Action::StopService(stop) => stop.undo(world, receipt.stack()?),
            Action::CreateFolder(create) => create.undo(world),
            Action::SaveRelease(save) => save.undo(world, receipt.saved()?),
            Action::MoveCurrent(to) => to.undo(world, receipt.saved()?),
            Action::MakeRepository(make) => make.undo(world),
            Action::TakeBackup(take) => take.undo(world, &receipt.quieted()?.containers),
            Action::PublishBackup(publish) => {
                publish.undo(world);
                Ok(())
            }
            Action::KeepBackup(publish) => {
                publish.keep(world);
                Ok(())
            }
            Action::VerifyBackup(verify) => verify.undo(world),
            // What was verified stays so.
            Action::NoteVerified(_) | Action::ReadBack(_) => Ok(()),
            Action::FillBeside(fill) => fill.undo(world),
            Action::Exchange(exchange) => exchange.undo(world),
            Action::LayBeside(lay) => lay.undo(world),
            Action::ArchiveUnused(archive) => archive.undo(world),
            Action::RemoveUnused(unused) => unused.undo(world),
            Action::BringBack(unused) => unused.remove_again(world, receipt.standing()?),
            // Taken only after a run is committed, when nothing is undone any more.
            Action::RemoveContainers(_) | Action::ForgetReleases(_) | Action::DropReplaced(_) => Ok(()),
            Action::ForgetBackups(_) | Action::PruneRepository(_) | Action::DropImage(_) => Ok(()),
            Action::DropUnused(_) | Action::NoteReclaimed(_) => Ok(()),
        }
    }
}

/// As people tell digests apart: the beginning.
fn short_digest(digest: &str) -> &str {
    let plain = digest.trim_start_matches("sha256:");
    &plain[..plain.len().min(12)]
}

#[cfg(test)]
mod testing;
