//! Copies of what a stack binds, so that a rehearsal sees the content and cannot touch the original.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io::{ErrorKind, Result as IoResult};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::rewrite::{Copies, is_of_the_machine};
use crate::error::{Error, Result};

/// A path that holds more is not copied.
pub const LIMIT_BYTES: u64 = 100 << 20;
const LIMIT_ENTRIES: usize = 20_000;

/// What was copied, and what was not and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    pub copies: Copies,
    pub not_copied: BTreeMap<PathBuf, String>,
}

/// Copies each path into the scratch folder, which is made (0700) and must not exist. A path that
/// does not exist becomes an empty folder: that is what the engine would make of it.
///
/// # Errors
/// `Failed`: the scratch folder cannot be written. What cannot be read is among `not_copied`.
pub fn copy_all(paths: &BTreeSet<PathBuf>, scratch: &Path) -> Result<Copied> {
    let fail = |error| Error::io("make", scratch, error);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(scratch).map_err(fail)?;
    let mut copied = Copied::default();
    for (number, path) in paths.iter().enumerate() {
        let to = scratch.join(format!("bind-{number}"));
        match copy_one(path, &to) {
            Ok(()) => drop(copied.copies.insert(path.clone(), to)),
            Err(why) => {
                remove(&to)?;
                copied.not_copied.insert(path.clone(), why);
            }
        }
    }
    Ok(copied)
}

/// Removes a scratch folder; one that is gone already is fine.
///
/// # Errors
/// `Failed`: something in it cannot be removed, such as a file of another user.
pub fn remove(scratch: &Path) -> Result<()> {
    let removed = match std::fs::symlink_metadata(scratch) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(scratch),
        Ok(_) => std::fs::remove_file(scratch),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", scratch, error)),
        _ => Ok(()),
    }
}

fn copy_one(path: &Path, to: &Path) -> Result<(), String> {
    let of_the_machine = || "it belongs to the machine".to_string();
    if is_of_the_machine(path) {
        return Err(of_the_machine());
    }
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound => return std::fs::create_dir(to).map_err(|error| error.to_string()),
        Err(error) => return Err(error.to_string()),
    };
    if is_of_the_machine(&real) {
        return Err(of_the_machine());
    }
    let meta = std::fs::symlink_metadata(&real).map_err(|error| error.to_string())?;
    if !meta.is_file() && !meta.is_dir() {
        return Err("it is a socket, a pipe or a device".into());
    }
    let mut left = Left { bytes: LIMIT_BYTES, entries: LIMIT_ENTRIES };
    left.copy(&real, to, &meta)
}

/// What may still be copied of a path.
struct Left {
    bytes: u64,
    entries: usize,
}

impl Left {
    fn copy(&mut self, from: &Path, to: &Path, meta: &Metadata) -> Result<(), String> {
        let told = |error: std::io::Error| format!("{}: {error}", from.display());
        self.entries = self.entries.checked_sub(1).ok_or("it holds more than 20,000 files")?;
        if meta.is_symlink() {
            let target = std::fs::read_link(from).map_err(told)?;
            return symlink(target, to).map_err(told);
        }
        if meta.is_dir() {
            std::fs::create_dir(to).map_err(told)?;
            for entry in std::fs::read_dir(from).map_err(told)? {
                let entry = entry.map_err(told)?;
                match entry.metadata() {
                    Ok(meta) => self.copy(&entry.path(), &to.join(entry.file_name()), &meta)?,
                    // A live server goes on working: what went away meanwhile is not there.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(told(error)),
                }
            }
            return like(to, meta).map_err(told);
        }
        if !meta.is_file() {
            return Ok(());
        }
        let over = || format!("it holds more than {} MB", LIMIT_BYTES >> 20);
        self.bytes = self.bytes.checked_sub(meta.len()).ok_or_else(over)?;
        match std::fs::copy(from, to) {
            Ok(_) => like(to, meta).map_err(told),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(told(error)),
        }
    }
}

/// The owner first: to change it takes the set-user-id bit away.
fn like(to: &Path, meta: &Metadata) -> IoResult<()> {
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(to, Some(meta.uid()), Some(meta.gid()))?;
    }
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(meta.permissions().mode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_modes_and_links_are_copied_and_sockets_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        std::fs::create_dir_all(live.join("sub")).unwrap();
        std::fs::write(live.join("sub/secret"), "x").unwrap();
        std::fs::set_permissions(live.join("sub/secret"), std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink("sub/secret", live.join("link")).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(live.join("socket")).unwrap();
        let scratch = folder.path().join("scratch");
        let paths = BTreeSet::from([live.clone(), live.join("socket"), folder.path().join("gone"), "/proc/1".into()]);
        let copied = copy_all(&paths, &scratch).unwrap();
        let copy = &copied.copies[&live];
        assert_eq!(std::fs::read_to_string(copy.join("link")).unwrap(), "x");
        assert_eq!(std::fs::metadata(copy.join("sub/secret")).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(!copy.join("socket").exists());
        assert!(copied.copies[&folder.path().join("gone")].is_dir());
        assert_eq!(copied.not_copied[&live.join("socket")], "it is a socket, a pipe or a device");
        assert_eq!(copied.not_copied[Path::new("/proc/1")], "it belongs to the machine");
        assert_eq!(std::fs::metadata(&scratch).unwrap().permissions().mode() & 0o777, 0o700);
        remove(&scratch).unwrap();
        remove(&scratch).unwrap();
        assert!(!scratch.exists());
    }

    #[test]
    fn what_is_too_large_is_said_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large");
        std::fs::create_dir(&large).unwrap();
        std::fs::File::create(large.join("sparse")).unwrap().set_len(LIMIT_BYTES + 1).unwrap();
        let scratch = folder.path().join("scratch");
        let copied = copy_all(&BTreeSet::from([large.clone()]), &scratch).unwrap();
        assert_eq!(copied.not_copied[&large], "it holds more than 100 MB");
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
    }
}
