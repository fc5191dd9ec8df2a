//! Writes a file like a database would: temporary file, fsync, rename, fsync of the folder.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::World;
use super::inside::{folder, place};
use crate::error::{Error, Result};
use crate::saga::{Sha, sync_dir};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// Below the project's root.
    pub path: PathBuf,
    /// The new content, a blob of the run.
    pub content: Sha,
    /// The content that the plan saw; `None`: there was no file.
    pub before: Option<Sha>,
    /// The mode of a new file, 0644 if not said. An existing file keeps its mode and owner.
    pub mode: Option<u32>,
}

/// What undo needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The file that was there; its content is a blob of the run.
    pub before: Option<Original>,
    /// The name of the temporary file, in the same folder.
    pub temporary: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    pub content: Sha,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

impl WriteFile {
    pub fn prepare(&self, world: &World) -> Result<Found> {
        let place = place(&world.root, &self.path)?;
        // A blob that is missing or damaged must be found out before the file is touched.
        world.blobs.get(&self.content)?;
        let before = look(&place)?;
        let seen = before.as_ref().map(|(original, _)| &original.content);
        if seen != self.before.as_ref() {
            return Err(Error::refused(format!("write {}", self.path.display()))
                .why("it is not as it was when the plan was made")
                .help("Run the command again: it makes a new plan"));
        }
        if let Some((_, bytes)) = &before {
            world.blobs.put(bytes)?;
        }
        let name = Sha::of(self.path.as_os_str().as_encoded_bytes());
        let temporary = format!(".xtask-{}-{}.tmp", world.run, &name.as_str()[..8]);
        Ok(Found { before: before.map(|(original, _)| original), temporary })
    }

    pub fn apply(&self, world: &World, found: &Found) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        let content = world.blobs.get(&self.content)?;
        match &found.before {
            Some(original) => replace(&place, &found.temporary, &content, original.mode, Some((original.uid, original.gid))),
            None => replace(&place, &found.temporary, &content, self.mode.unwrap_or(0o644), None),
        }
    }

    pub fn undo(&self, world: &World, found: &Found) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        remove_if_there(&folder(&place).join(&found.temporary))?;
        let current = look(&place)?.map(|(original, _)| original);
        let ours = current.as_ref().is_some_and(|current| current.content == self.content);
        match &found.before {
            before if *before == current => {}
            None if ours => remove_if_there(&place)?,
            Some(original) if ours || current.as_ref().is_some_and(|current| current.content == original.content) => {
                let content = world.blobs.get(&original.content)?;
                replace(&place, &found.temporary, &content, original.mode, Some((original.uid, original.gid)))?;
            }
            _ => {
                return Err(Error::failed(format!("put back {}", self.path.display()))
                    .why("it was changed by somebody else since")
                    .help(format!("Look at {} and at the kept copies in {}", place.display(), world.blobs.dir().display())));
            }
        }
        // Also when nothing was to be done: what is seen must be durable before it is recorded.
        sync_dir(folder(&place))
    }
}

/// What is at a place. Links are refused: a write through one changes a file elsewhere, a rename
/// over one separates what belonged together.
fn look(place: &Path) -> Result<Option<(Original, Vec<u8>)>> {
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

fn replace(place: &Path, temporary: &str, content: &[u8], mode: u32, owner: Option<(u32, u32)>) -> Result<()> {
    let folder = folder(place);
    let temporary = folder.join(temporary);
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

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::saga::{Plan, RunId, Store};

    fn world(root: &Path) -> World {
        let store = Store::at(root);
        store.create().unwrap();
        let run = RunId::new("test");
        store.begin(&run, &Plan::<()>::new("test", vec![])).unwrap();
        World { root: root.to_path_buf(), blobs: store.blobs(&run), run }
    }

    fn write(world: &World, path: &str, before: Option<&[u8]>, after: &[u8]) -> WriteFile {
        WriteFile { path: path.into(), content: world.blobs.put(after).unwrap(), before: before.map(Sha::of), mode: Some(0o600) }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn replaces_and_puts_back_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (world, file) = (world(folder.path()), folder.path().join("a"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let step = write(&world, "a", Some(b"old"), b"new");
        let found = step.prepare(&world).unwrap();
        step.undo(&world, &found).unwrap();
        step.apply(&world, &found).unwrap();
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"new".to_vec(), 0o640));
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        for _ in 0..2 {
            step.undo(&world, &found).unwrap();
            assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"old".to_vec(), 0o640));
        }
    }

    #[test]
    fn creates_and_removes() {
        let folder = tempfile::tempdir().unwrap();
        let (world, file) = (world(folder.path()), folder.path().join("a"));
        let step = write(&world, "a", None, b"new");
        let found = step.prepare(&world).unwrap();
        step.apply(&world, &found).unwrap();
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"new".to_vec(), 0o600));
        step.undo(&world, &found).unwrap();
        step.undo(&world, &found).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn takes_away_a_temporary_file_that_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let world = world(folder.path());
        let step = write(&world, "a", None, b"new");
        let found = step.prepare(&world).unwrap();
        fs::write(folder.path().join(&found.temporary), "ne").unwrap();
        step.undo(&world, &found).unwrap();
        assert!(!folder.path().join(&found.temporary).exists());
    }

    #[test]
    fn leaves_what_somebody_else_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let (world, file) = (world(folder.path()), folder.path().join("a"));
        fs::write(&file, "old").unwrap();
        let step = write(&world, "a", Some(b"old"), b"new");
        let found = step.prepare(&world).unwrap();
        fs::write(&file, "theirs").unwrap();
        assert!(step.undo(&world, &found).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"theirs");
        assert_eq!(step.prepare(&world).unwrap_err().kind, Kind::Refused);
    }

    #[test]
    fn refuses_links_and_ways_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let world = world(&root);
        fs::write(folder.path().join("outside"), "old").unwrap();
        fs::write(root.join("one"), "old").unwrap();
        fs::hard_link(root.join("one"), root.join("two")).unwrap();
        std::os::unix::fs::symlink("../outside", root.join("link")).unwrap();
        std::os::unix::fs::symlink("..", root.join("up")).unwrap();
        for path in ["one", "link", "up/outside", "../outside", "/etc/hostname", "", ".git/config", ".xtask/lock"] {
            let error = write(&world, path, Some(b"old"), b"new").prepare(&world).unwrap_err();
            assert_eq!(error.kind, Kind::Refused, "{path}: {error}");
        }
        assert_eq!(fs::read(folder.path().join("outside")).unwrap(), b"old");
    }
}
