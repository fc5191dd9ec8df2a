//! Writes a file like a database would: temporary file, fsync, rename, fsync of the folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::World;
use super::file::{Original, changed_since, look, remove_if_there, replace};
use super::inside::{beside, folder, place};
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
    /// The mode that the file gets; not said, an existing file keeps its own and a new one gets 0644. The
    /// owner is always kept.
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
            world.blobs.keep_room(bytes.len() as u64)?;
        }
        Ok(Found { before: before.map(|(original, _)| original), temporary: world.temporary(&self.path) })
    }

    pub fn apply(&self, world: &World, found: &Found) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        let content = world.blobs.get(&self.content)?;
        if look(&place)?.map(|(original, _)| original) != found.before {
            return Err(changed_since(&self.path, world));
        }
        match &found.before {
            Some(original) => {
                let mode = self.mode.unwrap_or(original.mode);
                replace(&place, &found.temporary, &content, mode, Some((original.uid, original.gid)))
            }
            None => replace(&place, &found.temporary, &content, self.mode.unwrap_or(0o644), None),
        }
    }

    pub fn undo(&self, world: &World, found: &Found) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        world.blobs.give_room()?;
        remove_if_there(&beside(&place, &found.temporary)?)?;
        let current = look(&place)?.map(|(original, _)| original);
        let ours = current.as_ref().is_some_and(|current| current.content == self.content);
        match &found.before {
            before if *before == current => {}
            None if ours => remove_if_there(&place)?,
            Some(original) if ours || current.as_ref().is_some_and(|current| current.content == original.content) => {
                let content = world.blobs.get(&original.content)?;
                replace(&place, &found.temporary, &content, original.mode, Some((original.uid, original.gid)))?;
            }
            _ => return Err(changed_since(&self.path, world)),
        }
        // Also when nothing was to be done: what is seen must be durable before it is recorded.
        sync_dir(folder(&place))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    use super::super::testing::world;
    use super::*;
    use crate::error::Kind;

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
        let step = WriteFile { mode: None, ..write(&world, "a", Some(b"old"), b"new") };
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
    fn hides_an_existing_file_and_shows_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let (world, file) = (world(folder.path()), folder.path().join("a"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let step = write(&world, "a", Some(b"old"), b"new");
        let found = step.prepare(&world).unwrap();
        step.apply(&world, &found).unwrap();
        assert_eq!(mode(&file), 0o600);
        step.undo(&world, &found).unwrap();
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"old".to_vec(), 0o644));
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
    fn removes_no_file_that_an_edited_journal_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        fs::create_dir_all(root.join("sub/.git")).unwrap();
        fs::write(folder.path().join("precious"), "theirs").unwrap();
        let world = world(&root);
        let step = write(&world, "a", None, b"new");
        let found = step.prepare(&world).unwrap();
        for name in ["../precious", ".xtask-/../../precious.tmp", "precious"] {
            let edited = Found { temporary: name.into(), ..found.clone() };
            assert!(step.undo(&world, &edited).is_err() && step.apply(&world, &edited).is_err());
        }
        for path in ["../precious", "/etc/hostname", ".git/config", "sub/.git/config", ".xtask/lock", ""] {
            let step = WriteFile { path: path.into(), ..step.clone() };
            assert!(step.undo(&world, &found).is_err() && step.apply(&world, &found).is_err(), "{path}");
        }
        assert_eq!(fs::read(folder.path().join("precious")).unwrap(), b"theirs");
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
