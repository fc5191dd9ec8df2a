//! Keeps the files that services read, so that a rollback can put them back: one of the doors to the
//! disk.
//!
//! A file, link or folder is kept when it is below the project's root and no service may write to it.
//! Where one may, only what git tracks is kept: the rest is data, and to put data back would lose what
//! was written since.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use nix::fcntl::OFlag;
use serde_json::Value;

use super::kept::{Kept, KeptFile, KeptFolder, KeptLink, NotKept, Reason};
use super::sources::sources;
use crate::error::{Error, Result};
use crate::saga::Sha;
use crate::source::clean;

/// The most that is kept of one file or folder; of a folder also in files.
const LARGEST: u64 = 10 << 20;
const MOST_FILES: usize = 2000;
/// The largest file that is read for its hash alone.
const LARGEST_READ: u64 = 100 << 20;
/// As often as the kernel follows links.
const MOST_LINKS: usize = 40;

/// Keeps what the services of a rendered model read of files; `put` gets every content that is kept and
/// gives its name. `root` is the project's, absolute and without links, `tracked` are the files that git
/// tracks, absolute. What is missing, and what is no file, folder or link, is not told.
pub fn keep_files(
    root: &Path,
    rendered: &Value,
    env_files: &[PathBuf],
    tracked: &BTreeSet<PathBuf>,
    put: &mut dyn FnMut(&[u8]) -> Result<Sha>,
) -> Result<Kept> {
    let mut keeper = Keeper { root, tracked, put, found: Found::default() };
    for source in sources(rendered, env_files) {
        keeper.source(&source.path, source.writable)?;
    }
    Ok(keeper.found.kept())
}

/// By path, so that what is bound twice is kept once.
#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, KeptFile>,
    links: BTreeMap<PathBuf, KeptLink>,
    folders: BTreeMap<PathBuf, KeptFolder>,
    not_kept: BTreeMap<PathBuf, NotKept>,
}

impl Found {
    fn kept(self) -> Kept {
        Kept {
            files: self.files.into_values().collect(),
            links: self.links.into_values().collect(),
            folders: self.folders.into_values().collect(),
            not_kept: self.not_kept.into_values().collect(),
        }
    }

    /// Takes everything over from what was found in one folder.
    fn extend(&mut self, other: Found) {
        self.files.extend(other.files);
        self.links.extend(other.links);
        self.folders.extend(other.folders);
        self.not_kept.extend(other.not_kept);
    }
}

struct Keeper<'a> {
    root: &'a Path,
    tracked: &'a BTreeSet<PathBuf>,
    put: &'a mut dyn FnMut(&[u8]) -> Result<Sha>,
    found: Found,
}

/// What one folder may still take.
struct Room {
    bytes: u64,
    files: usize,
}

impl Keeper<'_> {
    fn source(&mut self, path: &Path, writable: bool) -> Result<()> {
        let Some(path) = self.behind_links(path)? else { return Ok(()) };
        let Some(meta) = look(&path)? else { return Ok(()) };
        if !path.starts_with(self.root) {
            self.leave(&path, Reason::Outside, &meta);
        } else if meta.is_file() {
            self.file_alone(&path, writable, &meta)?;
        } else if meta.is_dir() {
            self.folder_alone(&path, writable, &meta)?;
        }
        Ok(())
    }

    /// Where the links on the way to a path lead; those of the project are kept. `None`: nowhere that
    /// could be kept, which is noted.
    fn behind_links(&mut self, path: &Path) -> Result<Option<PathBuf>> {
        let mut path = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            let Ok(below) = path.strip_prefix(self.root) else { return Ok(Some(path)) };
            let parts: Vec<Component<'_>> = below.components().collect();
            let link = (1..=parts.len()).map(|n| self.root.join(parts[..n].iter().collect::<PathBuf>())).find(|way| way.is_symlink());
            let Some(link) = link else { return Ok(Some(path)) };
            let rest = path.strip_prefix(&link).unwrap_or(Path::new("")).to_path_buf();
            match self.link(&link)? {
                Some(target) => path = clean(&target.join(rest)),
                None => return Ok(None),
            }
        }
        self.found.not_kept.insert(path.clone(), NotKept { path, reason: Reason::LeadsOut, content: None });
        Ok(None)
    }

    /// Keeps a link and says where it leads; only links that stay in the project can be put back.
    fn link(&mut self, path: &Path) -> Result<Option<PathBuf>> {
        let target = fs::read_link(path).map_err(|error| Error::io("read the link", path, error))?;
        let leads_to = clean(&path.parent().unwrap_or(self.root).join(&target));
        let path = path.to_path_buf();
        if target.is_absolute() || !leads_to.starts_with(self.root) {
            self.found.not_kept.insert(path.clone(), NotKept { path, reason: Reason::LeadsOut, content: None });
            return Ok(None);
        }
        self.found.links.insert(path.clone(), KeptLink { path, target });
        Ok(Some(leads_to))
    }

    fn file_alone(&mut self, path: &Path, writable: bool, meta: &Metadata) -> Result<()> {
        if writable && !self.tracked.contains(path) {
            self.leave(path, Reason::Data, meta);
            return Ok(());
        }
        let mut room = Room { bytes: LARGEST, files: 1 };
        if !self.file(path, meta, &mut room)? {
            self.leave(path, Reason::TooLarge, meta);
        }
        Ok(())
    }

    /// All of a folder, or what git tracks of it, or, when that is too much, nothing.
    fn folder_alone(&mut self, path: &Path, writable: bool, meta: &Metadata) -> Result<()> {
        let outer = std::mem::take(&mut self.found);
        let mut room = Room { bytes: LARGEST, files: MOST_FILES };
        // Of the project as a whole it is not known what belongs to it.
        let whole = !writable && path != self.root;
        let fits = if whole { self.whole(path, meta, &mut room)? } else { self.tracked_below(path, &mut room)? };
        let inner = std::mem::replace(&mut self.found, outer);
        if !fits {
            self.leave(path, Reason::TooLarge, meta);
            return Ok(());
        }
        self.found.extend(inner);
        if writable {
            self.leave(path, Reason::Data, meta);
        }
        Ok(())
    }

    /// Whether it had room.
    fn whole(&mut self, folder: &Path, meta: &Metadata, room: &mut Room) -> Result<bool> {
        let Ok(listing) = fs::read_dir(folder) else {
            self.leave(folder, Reason::Unreadable, meta);
            return Ok(true);
        };
        self.found.folders.insert(folder.to_path_buf(), KeptFolder { path: folder.to_path_buf(), mode: meta.mode() & 0o7777 });
        for entry in listing {
            let entry = entry.map_err(|error| Error::io("list", folder, error))?;
            let path = entry.path();
            if entry.file_name() == ".git" || entry.file_name() == ".xtask" {
                continue;
            }
            let Some(meta) = look(&path)? else { continue };
            let fits = if meta.is_symlink() {
                self.link(&path)?;
                true
            } else if meta.is_dir() {
                self.whole(&path, &meta, room)?
            } else {
                !meta.is_file() || self.file(&path, &meta, room)?
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tracked_below(&mut self, folder: &Path, room: &mut Room) -> Result<bool> {
        let tracked: Vec<PathBuf> = self.tracked.iter().filter(|path| path.starts_with(folder)).cloned().collect();
        for path in tracked {
            let Some(meta) = look(&path)? else { continue };
            if meta.is_symlink() {
                self.link(&path)?;
            } else if meta.is_file() && !self.file(&path, &meta, room)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps one file, if there is room for it.
    fn file(&mut self, path: &Path, meta: &Metadata, room: &mut Room) -> Result<bool> {
        if room.files == 0 || meta.len() > room.bytes {
            return Ok(false);
        }
        let Ok(content) = read(path) else {
            self.leave(path, Reason::Unreadable, meta);
            return Ok(true);
        };
        // It may have grown since it was looked at.
        if content.len() as u64 > room.bytes {
            return Ok(false);
        }
        (room.files, room.bytes) = (room.files - 1, room.bytes - content.len() as u64);
        let kept = KeptFile { path: path.to_path_buf(), content: (self.put)(&content)?, mode: meta.mode() & 0o7777 };
        self.found.files.insert(kept.path.clone(), kept);
        Ok(true)
    }

    /// Notes what is not kept; pipes and the like never can be, and are not told.
    fn leave(&mut self, path: &Path, reason: Reason, meta: &Metadata) {
        if !meta.is_file() && !meta.is_dir() {
            return;
        }
        let hashed = meta.is_file() && meta.len() <= LARGEST_READ && reason != Reason::Data;
        let content = if hashed { read(path).ok().map(|content| Sha::of(&content)) } else { None };
        self.found.not_kept.insert(path.to_path_buf(), NotKept { path: path.to_path_buf(), reason, content });
    }
}

/// What is at a path, links not followed.
fn look(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(Error::io("look at", path, error)),
    }
}

/// The bytes of a plain file. It may have been exchanged for a pipe, which must not be waited for.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW;
    let file: File = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut content = Vec::new();
    file.take(LARGEST_READ + 1).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
#[path = "keep_tests.rs"]
mod tests;
