//! Which repository, and who else is at it.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::backup::{Place, Repository};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::saga::{Held, Holder, Lock, Sha, try_lock};
use crate::source::clean;
use crate::tasks::Context;

/// What the caller says, else the settings, else a folder below the state folder.
///
/// # Errors
/// `Unusable`: a kind of repository that this build does not reach, or a key in the repository's folder.
pub fn of(cx: &Context<'_>, to: Option<&str>) -> Result<Place> {
    let state = cx.state_folder()?;
    let settings = &cx.project.settings.backup;
    let below = |path: &Path| clean(&cx.project.root.join(path));
    let location = match (to, &settings.to) {
        (Some(to), _) => clean(&std::env::current_dir().unwrap_or_else(|_| cx.project.root.clone()).join(folder(to)?)),
        (None, Some(to)) => below(Path::new(folder(&to.to_string_lossy())?)),
        (None, None) => Place::usual(&state),
    };
    Place::at(location, settings.key.as_deref().map(below), &state)
}

/// A URL names a kind of repository, and so does restic's `s3:...`; only folders are reached.
fn folder(to: &str) -> Result<&str> {
    let named = |scheme: &str| scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    match to.split_once(':') {
        Some(("file", rest)) => Ok(rest.strip_prefix("//").unwrap_or(rest)),
        Some((scheme, _)) if named(scheme) => Err(Error::unusable(format!("use a repository at {scheme}:"))
            .why("this xtask reaches folders only")
            .help("name a folder, for instance of a mounted file system, or `./NAME:...`; restic and rclone copy a repository elsewhere as it is")),
        _ => Ok(to),
    }
}

/// Whether the repository is there. One that was there and is gone is on a disk that is not mounted, most likely: a new
/// one in its stead would fill another disk, and nobody would miss the backups.
///
/// # Errors
/// `Refused`: it was seen there before, and is gone.
pub fn there(cx: &Context<'_>, place: &Place) -> Result<bool> {
    if Repository::exists(place) {
        return Ok(true);
    }
    let seen = seen(cx, place)?;
    if !seen.exists() {
        return Ok(false);
    }
    Err(Error::refused(format!("use the repository {}", place.location.display()))
        .why("it is not there, but was: is its disk mounted?")
        .help(format!("bring it back; to begin a new one there, remove {} first", seen.display())))
}

/// # Errors
/// `Refused`: it was there before, and is gone. `Unusable`: there is none, or the key is another one's.
pub fn open(cx: &Context<'_>, place: &Place) -> Result<Repository> {
    there(cx, place)?;
    Repository::open(place)
}

/// Notes that the repository was seen. Without the note only that question is lost.
pub fn note_seen(cx: &Context<'_>, place: &Place) -> Result<()> {
    let seen = seen(cx, place)?;
    if Repository::exists(place) && !seen.exists() {
        let folder = seen.parent().unwrap_or(Path::new("/"));
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| std::fs::write(&seen, b""));
    }
    Ok(())
}

fn seen(cx: &Context<'_>, place: &Place) -> Result<PathBuf> {
    Ok(cx.state_folder()?.join("backups/seen").join(name(place)))
}

/// What the repository is called in the state folder.
fn name(place: &Place) -> String {
    Sha::of(place.location.as_os_str().as_encoded_bytes()).as_str()[..12].to_string()
}

/// One at a time: who deletes must not meet who writes.
pub fn lock(cx: &Context<'_>, place: &Place) -> Result<Lock> {
    let folder = cx.state_folder()?.join("locks");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| Error::io("create the folder for locks", &folder, error))?;
    note_seen(cx, place)?;
    let path = folder.join(format!("backup-{}.lock", name(place)));
    try_lock(&path, &Holder::me(format!("backup, repository {}", place.location.display())))?.map_err(Held::into_error)
}

/// A disk that breaks takes both with it.
pub fn warn(cx: &Context<'_>, place: &Place) -> Result<()> {
    let Some(engine) = &cx.doors.engine else { return Ok(()) };
    let root = PathBuf::from(engine.info()?.root_dir);
    let of = |path: &Path| path.ancestors().find_map(|up| std::fs::metadata(up).ok()).map(|meta| meta.dev());
    if root.exists() && of(&root).is_some() && of(&root) == of(&place.location) {
        let text = format!(
            "{} is on the same file system as the data: when that disk breaks, both are lost; --to or `backup: {{to: DIR}}` names another",
            place.location.display()
        );
        cx.events.emit(Event::Warning(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_folder_is_refused_and_makes_none() {
        for (to, wanted) in [("/a/b", "/a/b"), ("file:///a", "/a"), ("./s3:a", "./s3:a"), ("c:d", "c:d"), ("A:b", "A:b")] {
            assert_eq!(folder(to).unwrap(), wanted);
        }
        for to in ["s3:https://h/bucket", "sftp:me@host:/a", "rest:http://h", "b2:bucket", "https://h/a"] {
            assert!(folder(to).unwrap_err().to_string().contains("folders only"), "{to}");
        }
    }
}
