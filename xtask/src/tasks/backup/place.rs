//! Which repository, and who else is at it.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::backup::{Location, Place};
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

/// One at a time: who deletes must not meet who writes.
pub fn lock(cx: &Context<'_>, place: &Place) -> Result<Lock> {
    let folder = cx.state_folder()?.join("locks");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| Error::io("create the folder for locks", &folder, error))?;
    let path = folder.join(format!("backup-{}.lock", Place::mark_of(&place.location)));
    try_lock(&path, &Holder::me(format!("backup, repository {}", place.location)))?.map_err(Held::into_error)
}

/// A disk that breaks takes both with it.
pub fn warn(cx: &Context<'_>, place: &Place) -> Result<()> {
    let (Some(engine), Some(folder)) = (&cx.doors.engine, place.location.folder()) else { return Ok(()) };
    let root = PathBuf::from(engine.info()?.root_dir);
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
