//! Whether a repository can be where it is to be. Looks only: nothing is made, and nothing is tried by writing.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use serde_json::Value;

use crate::actions::{Refill, TakeBackup};
use crate::backup::{Place, Repository};
use crate::engine::{Container, Engine};
use crate::error::Result;
use crate::event::Event;
use crate::guards::Checked;
use crate::proof::rehearsal::rewrite::bound_paths;
use crate::tasks::Context;

/// What is written in a repository of restic's format.
const PARTS: [&str; 3] = ["data", "index", "snapshots"];

/// That the repository can be written, or be made there with its key. What another machine has is asked when it is
/// reached.
///
/// # Errors
/// That of `Repository::exists`.
pub fn writable(place: &Place) -> Result<Checked> {
    let mut why = Vec::new();
    if let Some(folder) = place.location.folder() {
        if Repository::exists(place)? {
            why.extend(PARTS.iter().find_map(|part| no_entry(&folder.join(part))));
        } else {
            why.extend(no_room_for(folder));
            why.extend((!place.key.exists()).then(|| parent_of(&place.key)).and_then(no_entry));
        }
    }
    Ok(Checked::new("repository", why, "name a folder that can be written, with --to or `backup: {to: ..., key: ...}` in xtask.yaml"))
}

/// A repository is made beside its place, and takes it as a whole.
fn no_room_for(folder: &Path) -> Option<String> {
    let shown = folder.display();
    let parent = parent_of(folder);
    match std::fs::symlink_metadata(folder) {
        Ok(meta) if meta.is_symlink() => return Some(format!("{shown} is a link: name what it leads to")),
        Ok(meta) if !meta.is_dir() => return Some(format!("{shown} is no folder")),
        Ok(meta) => {
            if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
                return Some(format!("{shown} holds something else than a repository: name a folder that is empty or not there yet"));
            }
            if std::fs::metadata(parent).is_ok_and(|above| above.dev() != meta.dev()) {
                return Some(format!("{shown} is where another file system begins: name a folder in it"));
            }
        }
        Err(_) => {}
    }
    no_entry(parent)
}

/// Why nothing can be made in this folder, or in the nearest one above that is there.
fn no_entry(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok())?;
    if !there.is_dir() {
        return Some(format!("{} is no folder", there.display()));
    }
    let denied = access(there, AccessFlags::W_OK | AccessFlags::X_OK).err()?;
    Some(format!("{} cannot be written: {}", there.display(), denied.desc()))
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// That the repository is in nothing of the stack's: each backup would hold those before it, and a restore would replace
/// them. `containers`: those of the stack.
///
/// # Errors
/// The engine does not answer.
pub fn apart(engine: &dyn Engine, root: &Path, take: &TakeBackup, containers: &[Container], model: &Value) -> Result<Checked> {
    let mounted = containers.iter().flat_map(|container| &container.mounts).filter(|mount| mount.kind == "volume");
    let mut places = of_volumes(engine, mounted.map(|mount| &mount.name).chain(take.copies.iter().map(|copy| &copy.volume)))?;
    let root = real(root);
    let bound = bound_paths(model).into_iter().filter(|path| real(path).starts_with(&root));
    places.extend(bound.map(|path| (path.clone(), format!("{}, which a service binds and the backup copies", path.display()))));
    Ok(outside(&take.place, &places))
}

/// The same of the volumes that a restore replaces.
pub fn apart_from<'r>(place: &Place, refills: impl Iterator<Item = &'r Refill>) -> Checked {
    outside(place, &refills.map(|refill| (refill.folder.clone(), format!("the volume {}", refill.volume))).collect::<Vec<_>>())
}

/// The same of volumes that are removed.
///
/// # Errors
/// The engine does not answer.
pub fn apart_from_volumes<'n>(engine: &dyn Engine, place: &Place, names: impl Iterator<Item = &'n String>) -> Result<Checked> {
    Ok(outside(place, &of_volumes(engine, names)?))
}

fn of_volumes<'n>(engine: &dyn Engine, names: impl Iterator<Item = &'n String>) -> Result<Vec<(PathBuf, String)>> {
    let mut places = Vec::new();
    for name in names.collect::<BTreeSet<_>>() {
        places.extend(engine.volume(name)?.map(|volume| (PathBuf::from(volume.mountpoint), format!("the volume {name}"))));
    }
    Ok(places)
}

fn outside(place: &Place, places: &[(PathBuf, String)]) -> Checked {
    let folder = place.location.folder().map(|folder| real(folder)).unwrap_or_default();
    let within = places.iter().filter(|(path, _)| folder.starts_with(real(path)));
    let why = within.map(|(_, name)| format!("the repository {} is in {name}", folder.display())).collect();
    Checked::new("repository-apart", why, "move it elsewhere, and name that place with --to or `backup: {to: DIR}` in xtask.yaml")
}

/// With all links resolved, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    there.map_or_else(|| path.to_path_buf(), |(above, real)| real.join(path.strip_prefix(above).unwrap_or(Path::new(""))))
}

/// What is in the project is committed with it, unless git is told otherwise.
pub fn warn(cx: &Context<'_>, place: &Place) {
    let Some(folder) = place.location.folder() else { return };
    let root = real(&cx.project.root);
    let shown = |path: &Path| real(path).strip_prefix(&root).ok().map(Path::to_path_buf);
    let committed = |path: &PathBuf| cx.git.as_ref().is_none_or(|git| !git.ignored(path).unwrap_or_default());
    if let Some(path) = shown(folder).filter(committed) {
        let text = format!(
            "the repository {} is in the project, whose disk it shares and with which it would be committed: name another place, or let .gitignore name it",
            path.display()
        );
        cx.events.emit(Event::Warning(text));
    }
    if let Some(path) = shown(&place.key).filter(committed) {
        let text = format!(
            "the key {} is in the project: once it is committed, whoever has the project can read every backup; `backup: {{key: PATH}}` names another place",
            path.display()
        );
        cx.events.emit(Event::Warning(text));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::backup::Location;

    #[test]
    fn a_place_that_cannot_take_a_repository_is_told_before() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("file"), "x").unwrap();
        std::fs::create_dir_all(root.join("full/one")).unwrap();
        std::fs::create_dir(root.join("empty")).unwrap();
        symlink(root.join("empty"), root.join("link")).unwrap();
        let why = |path: &Path| {
            let place = Place::at(Location::Folder(path.into()), Some(root.join("keys/key")), Path::new("/state")).unwrap();
            writable(&place).unwrap().refusal.map(|refusal| refusal.why.join("; ")).unwrap_or_default()
        };
        assert_eq!((why(&root.join("empty")), why(&root.join("new/deep"))), (String::new(), String::new()));
        for (path, wanted) in
            [("file", "is no folder"), ("file/below", "file is no folder"), ("full", "something else"), ("link", "a link")]
        {
            assert!(why(&root.join(path)).contains(wanted), "{path}: {}", why(&root.join(path)));
        }
        // Whoever is root may write anywhere.
        if !nix::unistd::geteuid().is_root() {
            std::fs::set_permissions(root.join("empty"), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
            assert!(why(&root.join("empty/below")).contains("cannot be written"));
        }
        let place = Place::at(Location::Folder(root.join("empty")), Some(root.join("file/key")), Path::new("/state")).unwrap();
        assert!(writable(&place).unwrap().refusal.is_some_and(|refusal| refusal.why[0].contains("file is no folder")));
    }

    #[test]
    fn a_path_that_is_not_there_yet_is_where_its_folders_lead() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("data")).unwrap();
        symlink(root.join("data"), root.join("link")).unwrap();
        assert_eq!(real(&root.join("link/a/b")), root.join("data/a/b"));
    }
}
