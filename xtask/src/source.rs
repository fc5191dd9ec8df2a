//! The only reader of the project's files. What is to be written can be laid over what is there,
//! so that a plan is judged before a byte is touched.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;

use crate::error::{Error, Result};

/// Files by absolute path. `Ok(None)` means there is no such file.
pub trait Files: Sync {
    fn read(&self, path: &Path) -> Result<Option<Arc<[u8]>>>;

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    /// An absolute path whose first link, seen from the root, is replaced by where it leads.
    fn behind_first_link(&self, path: &Path) -> PathBuf {
        let mut seen = PathBuf::new();
        let mut parts = path.components();
        while let Some(part) = parts.next() {
            seen.push(part);
            if seen.is_symlink() {
                return seen.canonicalize().map_or_else(|_| path.to_path_buf(), |target| target.join(parts.as_path()));
            }
        }
        path.to_path_buf()
    }
}

/// Nobody writes so large a file by hand; what is larger, or never ends, would only fill the memory.
const LARGEST: u64 = 64 << 20;

/// Everything that a reader gives, unless it is more than is ever read.
pub fn read_all(reader: impl Read, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let io = |error| Error::io("read", path, error).kind(crate::error::Kind::Unusable);
    reader.take(LARGEST + 1).read_to_end(&mut bytes).map_err(io)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(Error::unusable(format!("read {}", path.display())).why(format!("it is larger than {} MiB", LARGEST >> 20))),
        false => Ok(bytes),
    }
}

/// The files as they are on disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Option<Arc<[u8]>>> {
        match open_plain(path) {
            Ok(Some(file)) => read_all(file, path).map(|bytes| Some(bytes.into())),
            Ok(None) => Err(Error::unusable(format!("read {}", path.display())).why("it is a pipe or a device, not a file")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path, error).kind(crate::error::Kind::Unusable)),
        }
    }
}

/// A file to be read; `None` for what could keep its reader waiting, or never ends.
fn open_plain(path: &Path) -> std::io::Result<Option<File>> {
    // Opening a pipe must not wait for somebody who writes to it.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let kind = file.metadata()?.file_type();
    // The usual name for "no env file".
    let nothing = path == Path::new("/dev/null");
    Ok((kind.is_file() || kind.is_dir() || nothing).then_some(file))
}

/// Other files with some replaced, added (`Some`) or taken away (`None`).
pub struct Overlay<'a> {
    below: &'a dyn Files,
    changed: BTreeMap<PathBuf, Option<Arc<[u8]>>>,
}

impl<'a> Overlay<'a> {
    pub fn new(below: &'a dyn Files) -> Self {
        Overlay { below, changed: BTreeMap::new() }
    }

    pub fn set(&mut self, path: impl Into<PathBuf>, content: Option<Vec<u8>>) {
        self.changed.insert(path.into(), content.map(Into::into));
    }
}

impl Files for Overlay<'_> {
    fn read(&self, path: &Path) -> Result<Option<Arc<[u8]>>> {
        match self.changed.get(path) {
            Some(content) => Ok(content.clone()),
            // Asking where a link leads takes longer than reading a small file.
            None if self.changed.is_empty() => self.below.read(path),
            // Through a link one sees what is laid over its target.
            None => match self.changed.get(&real(path)) {
                Some(content) => Ok(content.clone()),
                None => self.below.read(path),
            },
        }
    }
}

/// A file as text; an error where it is none.
pub fn text_of(files: &dyn Files, path: &Path) -> Result<Option<String>> {
    let Some(bytes) = files.read(path)? else { return Ok(None) };
    String::from_utf8(bytes.to_vec()).map(Some).map_err(|error| {
        Error::unusable(format!("read {}", path.display())).why(format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })
}

/// Where a path leads when its links are followed; the path itself where it leads nowhere.
pub fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Folders that hold other people's files.
const FOREIGN: &[&str] = &["node_modules", "vendor", "target", "__pycache__", "venv"];

/// Every file below a folder where no git tells which of them count: hidden folders and those of
/// package managers are left out, links are not followed. Sorted.
pub fn walk(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // A folder that cannot be listed holds nothing that Compose could read either.
        let Ok(listing) = std::fs::read_dir(&folder) else { continue };
        for entry in listing {
            let entry = entry.map_err(|error| Error::io("list", &folder, error))?;
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_file() {
                files.push(entry.path());
            } else if kind.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&name.as_ref()) {
                folders.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A path without `.` and `..`, by its text alone: what Compose does with relative paths.
pub fn clean(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                if !result.pop() {
                    result.push("..");
                }
            }
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_shows_what_will_be() {
        let mut plan = Overlay::new(&Disk);
        plan.set("/nowhere/.env", Some(b"A=1".to_vec()));
        assert_eq!(plan.read(Path::new("/nowhere/.env")).unwrap().as_deref(), Some(&b"A=1"[..]));
        assert_eq!(plan.read(Path::new("/nowhere/else")).unwrap(), None);
        plan.set("/nowhere/.env", None);
        assert_eq!(plan.read(Path::new("/nowhere/.env")).unwrap(), None);
    }

    #[test]
    fn a_link_shows_what_lies_over_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let root = real(folder.path());
        std::fs::write(root.join(".env"), "A=1").unwrap();
        std::os::unix::fs::symlink(".env", root.join("link")).unwrap();
        let mut plan = Overlay::new(&Disk);
        plan.set(root.join(".env"), Some(b"A=2".to_vec()));
        assert_eq!(plan.read(&root.join("link")).unwrap().as_deref(), Some(&b"A=2"[..]));
    }

    #[test]
    fn nothing_that_never_ends_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join(".env");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            assert_eq!(Disk.read(path).unwrap_err().kind, crate::error::Kind::Unusable);
        }
        assert!(Disk.read(folder.path()).is_err());
        assert!(read_all(std::io::repeat(b'#'), Path::new("<stdin>")).unwrap_err().to_string().contains("larger than 64 MiB"));
        let large = folder.path().join("large.yaml");
        File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(Disk.read(&large).unwrap_err().kind, crate::error::Kind::Unusable);
        assert_eq!(Disk.read(Path::new("/dev/null")).unwrap().as_deref(), Some(&b""[..]));
    }

    #[test]
    fn clean_goes_by_text() {
        assert_eq!(clean(Path::new("/a/b/../../c/./d")), Path::new("/c/d"));
    }
}
