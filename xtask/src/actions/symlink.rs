//! The one link that the tool writes: a stack's `.env` that leads to another one of the project.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::World;
use super::file::changed_since;
use super::inside::{folder, place};
use crate::error::{Error, Result};
use crate::saga::sync_dir;
use crate::source::clean;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symlink {
    /// Below the project's root.
    pub path: PathBuf,
    /// Relative to the link's folder, and inside the project.
    pub target: PathBuf,
}

impl Symlink {
    pub fn prepare_to_create(&self, world: &World) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        self.check_target(world, &place)?;
        self.expect(world, &place, false)
    }

    fn check_target(&self, world: &World, place: &Path) -> Result<()> {
        let leads_to = clean(&folder(place).join(&self.target));
        if self.target.is_absolute() || !leads_to.starts_with(clean(&world.root)) {
            return Err(Error::refused(format!("link {}", self.path.display())).why("it would lead out of the project"));
        }
        Ok(())
    }

    pub fn prepare_to_remove(&self, world: &World) -> Result<()> {
        self.expect(world, &place(&world.root, &self.path)?, true)
    }

    /// Right also when the link is there already.
    pub fn create(&self, world: &World) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        if !self.is_there(world, &place)? {
            self.check_target(world, &place)?;
            std::os::unix::fs::symlink(&self.target, &place).map_err(|error| Error::io("link", &place, error))?;
        }
        sync_dir(folder(&place))
    }

    /// Right also when the link is gone already; anything but our link is left alone.
    pub fn remove(&self, world: &World) -> Result<()> {
        let place = place(&world.root, &self.path)?;
        if self.is_there(world, &place)? {
            fs::remove_file(&place).map_err(|error| Error::io("remove", &place, error))?;
        }
        sync_dir(folder(&place))
    }

    fn expect(&self, world: &World, place: &Path, there: bool) -> Result<()> {
        match self.is_there(world, place) {
            Ok(is) if is == there => Ok(()),
            _ => Err(Error::refused(format!("link {}", self.path.display()))
                .why("what is there is not what was there when the plan was made")
                .help("Run the command again: it makes a new plan")),
        }
    }

    /// Our link is there, or nothing is; something else is an error.
    fn is_there(&self, world: &World, place: &Path) -> Result<bool> {
        match fs::read_link(place) {
            Ok(target) if target == self.target => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            // InvalidInput: not a link.
            Err(error) if error.kind() != ErrorKind::InvalidInput => Err(Error::io("look at", place, error)),
            _ => Err(changed_since(&self.path, world)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::world;
    use super::*;

    #[test]
    fn creates_removes_and_leaves_what_is_not_ours() {
        let root = tempfile::tempdir().unwrap();
        let (world, place) = (world(root.path()), root.path().join("a/.env"));
        fs::create_dir(root.path().join("a")).unwrap();
        let link = Symlink { path: "a/.env".into(), target: "../.env".into() };
        link.prepare_to_create(&world).unwrap();
        for _ in 0..2 {
            link.create(&world).unwrap();
            assert_eq!(fs::read_link(&place).unwrap(), Path::new("../.env"));
        }
        link.prepare_to_remove(&world).unwrap();
        for _ in 0..2 {
            link.remove(&world).unwrap();
            assert!(fs::symlink_metadata(&place).is_err());
        }
        fs::write(&place, "theirs").unwrap();
        assert!(link.remove(&world).is_err() && link.prepare_to_create(&world).is_err());
        assert_eq!(fs::read(&place).unwrap(), b"theirs");
    }

    #[test]
    fn refuses_a_link_that_leads_out() {
        let root = tempfile::tempdir().unwrap();
        let world = world(root.path());
        for target in ["../outside", "/etc/hostname"] {
            let link = Symlink { path: ".env".into(), target: target.into() };
            assert!(link.prepare_to_create(&world).is_err() && link.create(&world).is_err());
        }
    }
}
