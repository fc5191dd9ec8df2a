//! A repository in restic's format. Its errors are told as ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use rustic_core::repofile::{SnapshotFile, SnapshotId, StringList};
use rustic_core::{
    BackupOptions, CheckOptions, CheckResults, ConfigOptions, Credentials, FileType, KeyOptions, OpenStatus, ParentOptions, PruneOptions,
    RepositoryBackends, RepositoryOptions, RusticError, SnapshotOptions, WriteBackend,
};

use super::content::Content;
use super::feed::{Feed, Shared};
use super::reach::{Files, reached};
use super::unlock::{note, unlock};
use super::writer::Writer;
use super::{Extent, Fault, Location, PENDING, Place, Purpose, Stored, Summary, key, unchanged};
use crate::error::{Error, Kind, Result};
use crate::saga::sync_dir;

/// Every snapshot of ours carries it.
const OURS: &str = "xtask";
/// So many entries wait for whoever stores them.
const WAITING: usize = 4;

pub(super) type Inner<S> = rustic_core::Repository<S>;

/// An open repository.
pub struct Repository {
    inner: Inner<OpenStatus>,
    files: Files,
    place: Place,
}

impl Repository {
    /// Whether there is one at this place.
    ///
    /// # Errors
    /// Of another machine's, which does not answer or is none that this build reaches.
    pub fn exists(place: &Place) -> Result<bool> {
        match &place.location {
            Location::Folder(folder) => Ok(folder.join("config").exists()),
            remote => is_there(&*reached(remote)?, remote),
        }
    }

    /// Makes one, as a whole or not at all, and its key where there is none yet. In a folder it is made beside and renamed;
    /// elsewhere what counts, and is written last, is its configuration.
    ///
    /// # Errors
    /// `Failed`: the folder cannot be written. `Refused`: it holds something else.
    pub fn create(place: &Place, run: &str) -> Result<()> {
        key::make(&place.key)?;
        let Location::Folder(folder) = &place.location else { return create_remote(place) };
        let unfinished = unfinished(folder, run);
        remove_all(&unfinished)?;
        let parent = folder.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
        init(place, &reached(&Location::Folder(unfinished.clone()))?)?;
        private(&unfinished)?;
        match fs::rename(&unfinished, folder) {
            Ok(()) => sync_dir(parent),
            Err(error) => {
                remove_all(&unfinished)?;
                Err(Error::refused(format!("make a repository in {}", folder.display()))
                    .why(error.to_string())
                    .help("name a folder that is empty or not there yet"))
            }
        }
    }

    /// Removes what `create` has left when it was killed.
    pub fn forget_unfinished(place: &Place, run: &str) -> Result<()> {
        place.location.folder().map_or(Ok(()), |folder| remove_all(&unfinished(folder, run)))
    }

    /// # Errors
    /// `Unusable`: there is none, or the key is another one's. `Failed`: it cannot be read.
    pub fn open(place: &Place) -> Result<Repository> {
        let files = reached(&place.location)?;
        let there = if place.location.is_remote() { is_there(&*files, &place.location)? } else { Repository::exists(place)? };
        if !there {
            return Err(Error::unusable(format!("there is no repository in {}", place.location))
                .help("`cargo xtask backup` makes one with the first backup"));
        }
        let opened = unlock(&files, place, &key::read(&place.key)?)?.map_err(|error| {
            if error.is_incorrect_password() {
                return Error::unusable(format!("open the repository {}", place.location))
                    .why(format!("{} is not its key", place.key.display()))
                    .help("put the copy of its key there, or name its place with `backup: {key: PATH}` in xtask.yaml");
            }
            failed(&format!("open the repository {}", place.location), &error)
        })?;
        Ok(Repository { inner: opened, files, place: place.clone() })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The backups that count, oldest first.
    ///
    /// # Errors
    /// `Failed`: a snapshot cannot be read.
    pub fn stored(&self) -> Result<Vec<Stored>> {
        self.stored_for(Purpose::Backup)
    }

    /// What cleanups have removed, oldest first.
    pub fn removed(&self) -> Result<Vec<Stored>> {
        self.stored_for(Purpose::Removed)
    }

    fn stored_for(&self, purpose: Purpose) -> Result<Vec<Stored>> {
        let all = self.snapshots()?;
        let mut stored: Vec<Stored> = all.iter().filter(|snapshot| !snapshot.tags.contains(PENDING)).filter_map(stored).collect();
        stored.retain(|stored| stored.summary.purpose == purpose);
        stored.sort_by(|one, other| (one.summary.at_ms, &one.summary.name).cmp(&(other.summary.at_ms, &other.summary.name)));
        // A verification that was killed leaves the same backup twice; the one that knows more comes last.
        stored.dedup_by(|later, earlier| {
            let same = later.summary.name == earlier.summary.name;
            if same && later.summary.verified.is_some() {
                std::mem::swap(later, earlier);
            }
            same
        });
        Ok(stored)
    }

    /// Takes a backup that does not count yet: what `write` writes. It is stored as it comes. A file of this machine that is
    /// unchanged since the backup before is not read, unless this one is to be `full`.
    ///
    /// # Errors
    /// That of `write`, or why the repository could not take it. It may leave a pending snapshot behind.
    pub fn backup(&self, summary: &Summary, full: bool, write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<Extent> {
        let indexed = self.again()?.to_indexed_ids().map_err(|error| self.failed("read the index of", &error))?;
        let mut snapshot = SnapshotOptions::default().to_snapshot().map_err(|error| self.failed("write to", &error))?;
        snapshot.tags.add_list(tags(summary, true));
        snapshot.description = Some(described(summary)?);
        snapshot.program_version = concat!("xtask ", env!("CARGO_PKG_VERSION")).to_string();
        let stored = if full { Vec::new() } else { self.stored()? };
        let options = BackupOptions::default().parent_opts(going_by(unchanged::parent(&stored, summary))).no_scan(true);
        let (send, receive) = sync_channel(WAITING);
        let (feed, shared) = (Feed::new(receive), Shared::default());
        let mut writer = Writer::new(
            send,
            shared.clone(),
            summary.at_ms,
            full,
            self.place.location.folder().cloned().unwrap_or_else(std::env::temp_dir),
        );
        let (written, total, stored) = std::thread::scope(|scope| {
            let storing = scope.spawn(|| indexed.archive(&options, &feed, snapshot, &[PathBuf::from("/")]).map(|_| ()));
            let written = write(&mut writer);
            let total = writer.total();
            if written.is_err() {
                shared.stop();
            }
            drop(writer);
            (written, total, storing.join())
        });
        // Whose stream was cut off says less than who cut it.
        match stored {
            Ok(Ok(())) => written?,
            Ok(Err(error)) => {
                let help = match self.place.location {
                    Location::Folder(_) => "free some disk space, or look at the repository with `backup check`",
                    _ => "look whether it can be reached and has room, or look at the repository with `backup check`",
                };
                return Err(self.failed("write to", &error).help(help));
            }
            Err(_) => return Err(Error::failed(format!("write to the repository {}", self.place.location))),
        }
        match shared.trouble() {
            Some(why) => Err(Error::failed("store the backup").why(why)),
            None => Ok(total),
        }
    }

    /// The contents of a backup: of a pending one too, when it is this run's.
    ///
    /// # Errors
    /// `Unusable`: there is none of that name.
    pub fn content(&self, name: &str, pending: bool) -> Result<Content> {
        let snapshot = self.snapshot(name, pending)?;
        let indexed = self.again()?.to_indexed().map_err(|error| self.failed("read the index of", &error))?;
        Ok(Content::new(Box::new(indexed), self.files.clone(), snapshot.tree))
    }

    /// Makes a pending backup count, and says what is known of it now.
    pub fn publish(&self, summary: &Summary) -> Result<()> {
        self.save_again(self.snapshot(&summary.name, true)?, summary)
    }

    /// Says something else of a backup that counts: that it was verified.
    pub fn describe(&self, summary: &Summary) -> Result<()> {
        self.save_again(self.snapshot(&summary.name, false)?, summary)
    }

    /// Deletes what this run has put there, pending or not. Right also when there is nothing.
    pub fn delete_run(&self, run: &str) -> Result<()> {
        self.delete(|snapshot| snapshot.tags.contains(&run_tag(run)))
    }

    /// Deletes what this run has put there and does not count yet.
    pub fn delete_pending(&self, run: &str) -> Result<()> {
        self.delete(|snapshot| snapshot.tags.contains(PENDING) && snapshot.tags.contains(&run_tag(run)))
    }

    /// Deletes what any of these runs has left there unfinished.
    pub fn delete_leftovers(&self, runs: &BTreeSet<String>) -> Result<()> {
        self.delete(|snapshot| snapshot.tags.contains(PENDING) && stored(snapshot).is_some_and(|found| runs.contains(&found.summary.run)))
    }

    /// Lets these backups go. Right also when there are none of these names any more.
    pub fn forget(&self, names: &[String]) -> Result<()> {
        self.delete(|snapshot| {
            !snapshot.tags.contains(PENDING) && stored(snapshot).is_some_and(|found| names.contains(&found.summary.name))
        })
    }

    /// Makes room of what no backup needs. It is marked first and deleted by a prune that comes a day later: who backs
    /// up from another machine meanwhile may just have found that it is there.
    pub fn prune(&self) -> Result<()> {
        let options = PruneOptions::default();
        let plan = self.inner.prune_plan(&options).map_err(|error| self.failed("look for room in", &error))?;
        self.inner.prune(&options, plan).map_err(|error| self.failed("make room in", &error))
    }

    /// Looks whether everything that backups need is there, and with `read_data` whether it is what it was.
    pub fn check(&self, read_data: bool) -> Result<Vec<Fault>> {
        let results = self.inner.check(CheckOptions::default().read_data(read_data)).map_err(|error| self.failed("check", &error))?;
        let fault = |(level, error)| {
            let what = format!("{error}");
            Fault { severe: CheckResults(vec![(level, error)]).is_ok().is_err(), what }
        };
        Ok(results.0.into_iter().map(fault).collect())
    }

    /// The same once more, to be used up.
    fn again(&self) -> Result<Inner<OpenStatus>> {
        let key = Credentials::Masterkey(self.inner.key());
        over(&self.files)?.open(&key).map_err(|error| self.failed("open", &error))
    }

    fn save_again(&self, found: SnapshotFile, summary: &Summary) -> Result<()> {
        let mut tags_now = StringList::default();
        tags_now.add_list(tags(summary, false));
        let again = SnapshotFile {
            tags: tags_now,
            description: Some(described(summary)?),
            original: found.original.or(Some(found.id)),
            ..found.clone()
        };
        self.inner.save_snapshots(vec![again]).map_err(|error| self.failed("write to", &error))?;
        self.inner.delete_snapshots(&[found.id]).map_err(|error| self.failed("write to", &error))
    }

    fn delete(&self, which: impl Fn(&SnapshotFile) -> bool) -> Result<()> {
        let ids: Vec<SnapshotId> = self.snapshots()?.iter().filter(|snapshot| which(snapshot)).map(|snapshot| snapshot.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.inner.delete_snapshots(&ids).map_err(|error| self.failed("delete from", &error))
    }

    fn snapshot(&self, name: &str, pending: bool) -> Result<SnapshotFile> {
        let wanted = |snapshot: &SnapshotFile| {
            snapshot.tags.contains(PENDING) == pending && stored(snapshot).is_some_and(|found| found.summary.name == name)
        };
        let mut found: Vec<SnapshotFile> = self.snapshots()?.into_iter().filter(wanted).collect();
        found.sort_by_key(|snapshot| stored(snapshot).is_some_and(|found| found.summary.verified.is_some()));
        found.pop().ok_or_else(|| Error::unusable(format!("there is no backup {name}")).help("`cargo xtask backup list` shows them"))
    }

    fn snapshots(&self) -> Result<Vec<SnapshotFile>> {
        self.inner.get_matching_snapshots(|snapshot| snapshot.tags.contains(OURS)).map_err(|error| self.failed("list", &error))
    }

    fn failed(&self, verb: &str, error: &RusticError) -> Error {
        failed(&format!("{verb} the repository {}", self.place.location), error)
    }
}

/// What the library does not read again: a file of the parent's path, size, time of content, number, and where both have
/// one time of change; and only while all of its pieces are in the index. That would be too little for what has no
/// number or time of change, so a body that must be read complains when it is not: what we make ourselves has the time of
/// its backup, and what comes out of an archive numbers that no file has.
fn going_by(parent: Option<&Stored>) -> ParentOptions {
    // The switch is the other way round in this version: numbers are looked at when it is on. A test holds it to that.
    let options = ParentOptions::default().ignore_inode(true);
    match parent {
        Some(parent) => options.parents(vec![parent.snapshot.clone()]),
        None => options.force(true),
    }
}

/// A key alone is none: what was begun and not finished.
fn is_there(files: &dyn WriteBackend, location: &Location) -> Result<bool> {
    let listed = files.list(FileType::Config).map_err(|error| failed(&format!("reach {location}"), &error))?;
    Ok(!listed.is_empty())
}

fn create_remote(place: &Place) -> Result<()> {
    let files = reached(&place.location)?;
    files.create().map_err(|error| failed(&format!("make a repository in {}", place.location), &error))?;
    let keys = files.list(FileType::Key).map_err(|error| failed(&format!("reach {}", place.location), &error))?;
    if keys.is_empty() {
        return init(place, &files);
    }
    // One of them could be opened with the same key, and say something else.
    Err(Error::refused(format!("make a repository in {}", place.location))
        .why("there are keys of one, and no configuration")
        .help("when it was begun and not finished, remove what is in its folder `keys`; else name another place"))
}

fn init(place: &Place, files: &Files) -> Result<()> {
    let key = key::read(&place.key)?;
    let mut options = ConfigOptions::default();
    // Several are held in memory at once. It is what restic takes.
    options.set_datapack_size = "16MiB".parse().ok();
    let made = over(files)?.init(&Credentials::password(key.expose()), &KeyOptions::default(), &options);
    let made = made.map_err(|error| failed(&format!("make a repository in {}", place.location), &error))?;
    note(place, &key, &made);
    Ok(())
}

pub(super) fn over(files: &Files) -> Result<Inner<()>> {
    let backends = RepositoryBackends::new(files.clone(), None);
    Inner::new(&RepositoryOptions::default().no_cache(true), &backends).map_err(|error| failed("use a repository", &error))
}

/// The library's words, on one line.
pub(super) fn failed(what: &str, error: &RusticError) -> Error {
    let said = error.display_log();
    let said = said.strip_prefix("Error: ").unwrap_or(&said).split_whitespace().collect::<Vec<_>>().join(" ");
    Error::new(Kind::Failed, what).why(said)
}

fn stored(snapshot: &SnapshotFile) -> Option<Stored> {
    let summary: Summary = serde_json::from_str(snapshot.description.as_deref()?).ok()?;
    let added_bytes = snapshot.summary.as_ref().map_or(0, |summary| summary.data_added_packed);
    Some(Stored { summary, snapshot: snapshot.id.to_string(), added_bytes })
}

fn described(summary: &Summary) -> Result<String> {
    serde_json::to_string(summary).map_err(|error| Error::failed("describe the backup").why(error.to_string()))
}

fn tags(summary: &Summary, pending: bool) -> StringList {
    let mut tags = StringList::default();
    tags.add(OURS.to_string());
    tags.add(run_tag(&summary.run));
    // A comma would be two tags to restic.
    match summary.purpose {
        Purpose::Backup => tags.add(format!("stack:{}", summary.stack.replace(',', "_"))),
        Purpose::Removed => tags.add("removed".to_string()),
    }
    if pending {
        tags.add(PENDING.to_string());
    }
    tags
}

fn run_tag(run: &str) -> String {
    format!("run:{run}")
}

fn unfinished(folder: &Path, run: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_os_string();
    name.push(format!(".new-{run}"));
    name.into()
}

/// What is in it is encrypted, but names and sizes of packs are nobody's business.
fn private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(|error| Error::io("make private", folder, error))
}

fn remove_all(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", folder, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "unchanged_tests.rs"]
mod unchanged_tests;
