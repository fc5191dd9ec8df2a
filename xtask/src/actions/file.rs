//! Reading and replacing one file, for the steps that do.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::World;
use super::inside::{beside, folder};
use crate::error::{Error, Result};
use crate::saga::{Sha, sync_dir};

/// A file as it was: its content is a blob of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    pub content: Sha,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// What is at a place. Links are refused: a write through one changes a file elsewhere, a rename
/// over one separates what belonged together.
pub(super) fn look(place: &Path) -> Result<Option<(Original, Vec<u8>)>> {
    let refuse = |why: &str| Error::refused(format!("change {}", place.display())).why(why.to_string());
    let meta = match fs::symlink_metadata(place) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("look at", place, error)),
    };
    if meta.file_type().is_symlink() {
        return Err(refuse("it is a symbolic link").help("Replace the link by a file, or name the file that it leads to"));
    }
    if !meta.is_file() {
        return Err(refuse("it is not a file"));
    }
    if meta.nlink() > 1 {
        return Err(refuse("it has several names (hard links), of which only one would change").help("Copy it to a file of its own"));
    }
    let bytes = fs::read(place).map_err(|error| Error::io("read", place, error))?;
    let original = Original { content: Sha::of(&bytes), mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid() };
    Ok(Some((original, bytes)))
}

/// Writes it as a whole or not at all; durable when it returns.
pub(super) fn replace(place: &Path, temporary: &str, content: &[u8], mode: u32, owner: Option<(u32, u32)>) -> Result<()> {
    let folder = folder(place);
    let temporary = beside(place, temporary)?;
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        set_owner(&file, owner)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, place)
    };
    write().map_err(|error| Error::io("write", place, error))?;
    sync_dir(folder)
}

/// Before the mode: a change of owner takes setuid bits away.
fn set_owner(file: &File, owner: Option<(u32, u32)>) -> std::io::Result<()> {
    let Some((uid, gid)) = owner else { return Ok(()) };
    let meta = file.metadata()?;
    if (meta.uid(), meta.gid()) == (uid, gid) { Ok(()) } else { fchown(file, Some(uid), Some(gid)) }
}

/// A read-only file system refuses before it looks whether there is something.
pub(super) fn remove_if_there(path: &Path) -> Result<()> {
    let Err(error) = fs::remove_file(path) else { return Ok(()) };
    match fs::symlink_metadata(path) {
        Err(gone) if gone.kind() == ErrorKind::NotFound => Ok(()),
        _ => Err(Error::io("remove", path, error)),
    }
}

/// What is there is neither what the run found nor what it left.
pub(super) fn changed_since(path: &Path, world: &World) -> Error {
    let kept = format!("Look at it, and at the kept copies in {}", world.blobs.dir().display());
    Error::failed(format!("change {}", path.display())).why("somebody else has changed it since").help(kept)
}
