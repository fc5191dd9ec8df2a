//! Paths that stay in the project.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// The place of a project path on disk: the path has no way out of the root, by its text or by a
/// link on its way, and its folder exists. The last part may be missing, or a link.
pub fn place(root: &Path, path: &Path) -> Result<PathBuf> {
    let refuse = |why: &str| Error::refused(format!("change {}", path.display())).why(why.to_string());
    let mut parts = path.components();
    if path.as_os_str().is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
        return Err(refuse("the path is not one below the project's root"));
    }
    if path.iter().any(|part| part == ".git" || part == ".xtask") {
        return Err(refuse("it belongs to git or to xtask's own state"));
    }
    let place = root.join(path);
    let folder = place.parent().unwrap_or(root);
    let real_root = root.canonicalize().map_err(|error| Error::io("find", root, error))?;
    let real_folder = folder.canonicalize().map_err(|error| Error::io("find", folder, error))?;
    if !real_folder.starts_with(&real_root) {
        return Err(refuse("a link on its way leads out of the project"));
    }
    Ok(place)
}

/// A temporary file of ours beside a place. The name comes from a journal, and what it names is removed.
pub fn beside(place: &Path, temporary: &str) -> Result<PathBuf> {
    let ours = temporary.starts_with(".xtask-") && temporary.ends_with(".tmp") && !temporary.contains('/');
    if ours {
        return Ok(folder(place).join(temporary));
    }
    Err(Error::refused("use the journal's name of a temporary file").why("it is not one of ours"))
}

/// The folder of a place that [`place`] gave.
pub fn folder(place: &Path) -> &Path {
    place.parent().unwrap_or(Path::new("/"))
}
