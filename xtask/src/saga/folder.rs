//! Folders for this user alone, and where on this machine they are.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What must outlive a checkout: `XTASK_STATE`, else root's `/var/lib/xtask`, else the user's state folder.
pub fn state_folder(variable: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if let Some(folder) = variable("XTASK_STATE").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/xtask"));
    }
    let set = |name: &str| variable(name).filter(|value| value.starts_with('/'));
    let home = set("XDG_STATE_HOME").map(PathBuf::from).or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    let home =
        home.ok_or_else(|| Error::unusable("find the state folder").why("neither HOME nor XDG_STATE_HOME is set").help("set XTASK_STATE"))?;
    Ok(home.join("xtask"))
}

/// Refuses a folder that is not this user's own: who can write to it decides what is put back, and its
/// copies may hold secrets. Makes it private. Returns whether there is one; one that is missing is fine.
pub fn check_own(path: &Path) -> Result<bool> {
    let Some(meta) = check_folder(path)? else { return Ok(false) };
    let refuse = |why: String, help: &str| Err(Error::refused(format!("use {}", path.display())).why(why).help(help));
    if meta.uid() != nix::unistd::geteuid().as_raw() {
        let owner = nix::unistd::User::from_uid(meta.uid().into()).ok().flatten();
        let owner = owner.map_or_else(|| format!("user {}", meta.uid()), |user| user.name);
        return refuse(format!("it belongs to {owner}"), "Work as that user, or give the folder to yourself once you know what is in it");
    }
    if meta.mode() & 0o077 != 0 {
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(path, private).map_err(|error| Error::io("make private", path, error))?;
    }
    Ok(true)
}

/// What is at `path`, if anything: a folder, and not by way of a link.
pub fn check_folder(path: &Path) -> Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(Some(meta)),
        Ok(_) => Err(Error::refused(format!("use {}", path.display()))
            .why("it is a link or a file, not a folder")
            .help("Look where it comes from, then move it away; xtask makes its own")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("look at", path, error)),
    }
}

/// Makes a folder for this user alone, where there is none.
pub fn make_dir(path: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::io("create", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_can_be_moved() {
        let set = |name: &str| (name == "XTASK_STATE").then(|| "/srv/state".to_string());
        assert_eq!(state_folder(&set).unwrap(), PathBuf::from("/srv/state"));
    }
}
