//! Which repository, and who else is at it.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::backup::{Location, Place, Repository};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::saga::{Held, Holder, Lock, try_lock};
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
    let here = || std::env::current_dir().unwrap_or_else(|_| cx.project.root.clone());
    let location = match (to, &settings.to) {
        (Some(to), _) => absolute(Location::parse(to)?, &here()),
        (None, Some(to)) => absolute(Location::parse(&to.to_string_lossy())?, &cx.project.root),
        (None, None) => Place::usual(&state),
    };
    Place::at(location, settings.key.as_deref().map(below), &state)
}

fn absolute(location: Location, from: &Path) -> Location {
    match location {
        Location::Folder(folder) => Location::Folder(clean(&from.join(folder))),
        remote => remote,
    }
}

/// Whether the repository is there. One that was there and is gone is on a disk that is not mounted, most likely: a new
/// one in its stead would fill another disk, and nobody would miss the backups.
///
/// # Errors
/// `Refused`: it was seen there before, and is gone.
pub fn there(cx: &Context<'_>, place: &Place) -> Result<bool> {
    if Repository::exists(place)? {
        return Ok(true);
    }
    let seen = seen(cx, place)?;
    if !seen.exists() {
        return Ok(false);
    }
    Err(Error::refused(format!("use the repository {}", place.location))
        .why("it is not there, but was: is its disk mounted?")
        .help(format!("bring it back; to begin a new one there, remove {} first", seen.display())))
}

/// # Errors
/// `Refused`: it was there before, and is gone. `Unusable`: there is none, or the key is another one's.
pub fn open(cx: &Context<'_>, place: &Place) -> Result<Repository> {
    there(cx, place)?;
    Repository::open(place)
}

/// Opens the repository, where there is one, while somebody looks at something else: to stretch its key takes long, and
/// is done once. Whoever opens it then hears what is wrong with it.
pub fn open_ahead(cx: &Context<'_>, to: Option<&str>) {
    if let Ok(place) = of(cx, to) {
        std::thread::spawn(move || Repository::open(&place).map(|_| ()));
    }
}

/// Notes that the repository was seen. Without the note only that question is lost.
pub fn note_seen(cx: &Context<'_>, place: &Place) -> Result<()> {
    let seen = seen(cx, place)?;
    if !seen.exists() && Repository::exists(place)? {
        let folder = seen.parent().unwrap_or(Path::new("/"));
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| std::fs::write(&seen, b""));
    }
    Ok(())
}

fn seen(cx: &Context<'_>, place: &Place) -> Result<PathBuf> {
    Ok(cx.state_folder()?.join("backups/seen").join(Place::mark_of(&place.location)))
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
    let path = folder.join(format!("backup-{}.lock", Place::mark_of(&place.location)));
    try_lock(&path, &Holder::me(format!("backup, repository {}", place.location)))?.map_err(Held::into_error)
}

/// A disk that breaks takes both with it.
pub fn warn(cx: &Context<'_>, place: &Place) -> Result<()> {
    let (Some(engine), Some(folder)) = (&cx.doors.engine, place.location.folder()) else { return Ok(()) };
    let root = PathBuf::from(engine.known()?.root_dir);
    let of = |path: &Path| path.ancestors().find_map(|up| std::fs::metadata(up).ok()).map(|meta| meta.dev());
    if root.exists() && of(&root).is_some() && of(&root) == of(folder) {
        let text = format!(
            "{} is on the same file system as the data: when that disk breaks, both are lost; --to or `backup: {{to: ...}}` names another",
            place.location
        );
        cx.events.emit(Event::Warning(text));
    }
    Ok(())
}
