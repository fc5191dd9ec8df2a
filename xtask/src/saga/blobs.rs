//! Contents by their hash.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};

use super::plan::Sha;
use crate::error::{Error, Kind, Result};

/// The file that stands for room set aside, and what a small file takes.
const ROOM: &str = "room";
const BLOCK: u64 = 4096;

/// Contents by their hash: of one run, what it writes and what it found; or of a release. For this user
/// alone.
#[derive(Debug, Clone)]
pub struct Blobs {
    pub(super) dir: PathBuf,
}

impl Blobs {
    /// Those in this folder, which holds nothing else.
    pub fn at(dir: PathBuf) -> Self {
        Blobs { dir }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps `content`, durably, and returns its name.
    pub fn put(&self, content: &[u8]) -> Result<Sha> {
        let sha = Sha::of(content);
        let path = self.path(&sha)?;
        if self.has(&sha) {
            return Ok(sha);
        }
        let temporary = self.dir.join(format!("{sha}.tmp"));
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        if let Err(error) = write() {
            // On a full disk the undo needs this room; a leftover is overwritten by the next try.
            let _ = fs::remove_file(&temporary);
            return Err(Error::io("keep a copy in", &path, error));
        }
        sync_dir(&self.dir)?;
        Ok(sha)
    }

    /// The content of that name, checked against it.
    pub fn get(&self, sha: &Sha) -> Result<Vec<u8>> {
        let path = self.path(sha)?;
        let content = fs::read(&path).map_err(|error| Error::io("read the kept copy", &path, error))?;
        if Sha::of(&content) == *sha {
            Ok(content)
        } else {
            Err(Error::failed(format!("read the kept copy {}", path.display())).why("its content has changed"))
        }
    }

    pub fn has(&self, sha: &Sha) -> bool {
        self.path(sha).is_ok_and(|path| path.exists())
    }

    /// Sets room aside, so that an undo can write `bytes` more even when the disk has become full. Where
    /// a file system cannot, the undo has to find its own.
    pub fn keep_room(&self, bytes: u64) -> Result<()> {
        let path = self.dir.join(ROOM);
        let keep = || -> std::io::Result<()> {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            let size = bytes.next_multiple_of(BLOCK).max(BLOCK);
            match fallocate(&file, FallocateFlags::empty(), file.metadata()?.len() as i64, size as i64) {
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(()),
                done => done.map_err(Into::into),
            }
        };
        keep().map_err(|error| Error::io("keep room for an undo in", &path, error).help("Free some disk space"))
    }

    /// Gives up the room that was set aside: for an undo, or because there will be none.
    pub fn give_room(&self) -> Result<()> {
        let path = self.dir.join(ROOM);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", &path, error)),
            _ => Ok(()),
        }
    }

    fn path(&self, sha: &Sha) -> Result<PathBuf> {
        if sha.is_well_formed() {
            Ok(self.dir.join(sha.as_str()))
        } else {
            Err(Error::new(Kind::Unusable, format!("find the kept copy {sha}")).why("this is not a SHA-256"))
        }
    }
}

/// Makes names in a folder durable.
pub fn sync_dir(path: &Path) -> Result<()> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|error| Error::io("sync the folder", path, error))
}
