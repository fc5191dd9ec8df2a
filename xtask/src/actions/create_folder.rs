//! Creates a folder that a file of an earlier release needs.

use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::World;
use super::file::changed_since;
use super::inside::{folder, place};
use crate::error::{Error, Result};
use crate::saga::sync_dir;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateFolder {
    /// Below the project's root; the folder that it lies in exists.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
}

impl CreateFolder {
    pub fn prepare(&self, world: &World) -> Result<()> {
        match fs::symlink_metadata(place(&world.root, &self.path)?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            _ => Err(Error::refused(format!("create the folder {}", self.path.display()))
                .why("it is not as it was when the plan was made")
                .help("Run the command again: it makes a new plan")),
        }
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        let create = || -> std::io::Result<()> {
            DirBuilder::new().mode(0o700).create(&place)?;
            fs::set_permissions(&place, Permissions::from_mode(self.mode))
        };
        create().map_err(|error| Error::io("create the folder", &place, error))?;
        sync_dir(folder(&place))
    }

    /// What this run put into it is gone already; what others did stays theirs.
    pub fn undo(&self, world: &World) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        match fs::remove_dir(&place) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => return Err(changed_since(&self.path, world)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("remove the folder", &place, error)),
            _ => {}
        }
        sync_dir(folder(&place))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::super::testing::world;
    use super::*;

    #[test]
    fn creates_with_its_mode_and_takes_back_only_its_own() {
        let root = tempfile::tempdir().unwrap();
        let (world, folder) = (world(root.path()), root.path().join("conf"));
        let step = CreateFolder { path: "conf".into(), mode: 0o2775 };
        step.prepare(&world).unwrap();
        step.undo(&world).unwrap();
        step.apply(&world).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o2775);
        assert!(step.prepare(&world).is_err());
        fs::write(folder.join("theirs"), "").unwrap();
        assert!(step.undo(&world).is_err() && folder.join("theirs").exists());
        fs::remove_file(folder.join("theirs")).unwrap();
        for _ in 0..2 {
            step.undo(&world).unwrap();
            assert!(!folder.exists());
        }
        for path in ["../conf", "/tmp/conf", ".git/conf", ".xtask/conf", ""] {
            let step = CreateFolder { path: path.into(), mode: 0o755 };
            assert!(step.prepare(&world).is_err() && step.apply(&world).is_err() && step.undo(&world).is_err(), "{path}");
        }
    }
}
