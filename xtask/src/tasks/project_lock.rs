//! One changing run at a time for each compose project of an engine, whatever checkout it comes from. A run that
//! was killed is known by its own checkout; that there is one, a note beside the lock tells all others.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Context;
use crate::error::{Error, Result};
use crate::saga::{Held, Holder, Lock, RunId, Sha, Store, held, try_lock};

/// Takes the locks of these compose projects, in one order for everybody; none without an engine.
/// They are freed when the process and every program that it started have ended.
pub fn lock_projects(cx: &Context<'_>, projects: &[String], doing: &str) -> Result<Vec<Lock>> {
    let mut names: Vec<&String> = projects.iter().collect();
    names.sort();
    names.dedup();
    let Some((folder, engine)) = place(cx)? else { return Ok(Vec::new()) };
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| {
        Error::io("create the folder for locks", &folder, error).help("set XTASK_STATE to a folder that you may write to")
    })?;
    let mut locks = Vec::new();
    for name in names {
        let path = folder.join(format!("{engine}-{name}.lock"));
        locks.push(try_lock(&path, &Holder::me(format!("{doing}, compose project {name}")))?.map_err(Held::into_error)?);
    }
    refuse_foreign_run(cx, projects)?;
    Ok(locks)
}

/// The folder of the locks, and the engine as their names have it: its id may hold characters that no file name
/// should. None without an engine.
fn place(cx: &Context<'_>) -> Result<Option<(PathBuf, String)>> {
    let Some(engine) = &cx.doors.engine else { return Ok(None) };
    let key = Sha::of(engine.known()?.id.as_bytes()).as_str()[..12].to_string();
    Ok(Some((cx.state_folder()?.join("locks"), key)))
}

/// A run that changes the containers of compose projects: what a note says.
#[derive(Serialize, Deserialize)]
struct Note {
    run: String,
    root: PathBuf,
}

/// Notes that a run begins; its project's locks are held. Left behind when it is killed.
///
/// # Errors
/// The note cannot be written.
pub fn note_run(cx: &Context<'_>, projects: &[String], run: &RunId) -> Result<()> {
    let Some((folder, engine)) = place(cx)? else { return Ok(()) };
    for name in projects {
        let path = folder.join(format!("{engine}-{name}.run"));
        let note = serde_json::to_vec(&Note { run: run.to_string(), root: cx.project.root.clone() }).unwrap_or_default();
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(&note)?;
            file.sync_all()
        };
        write().map_err(|error| Error::io("note the run in", &path, error))?;
    }
    Ok(())
}

/// Takes back the notes of this checkout, unless a run of it is still open.
///
/// # Errors
/// The folder cannot be read, or a note cannot be removed.
pub fn forget_runs(cx: &Context<'_>) -> Result<()> {
    let Some((folder, engine)) = place(cx)? else { return Ok(()) };
    if cx.store.open_run()?.is_some() {
        return Ok(());
    }
    for path in notes(&folder, &engine)? {
        if read_note(&path).is_some_and(|note| note.root == cx.project.root) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Refuses while a run of another checkout about one of these projects did not come to its end: what it has
/// noted lies there, so that only there it can be put back.
///
/// # Errors
/// `Refused`: there is one.
pub fn refuse_foreign_run(cx: &Context<'_>, projects: &[String]) -> Result<()> {
    let Some((folder, engine)) = place(cx)? else { return Ok(()) };
    for name in projects {
        let path = folder.join(format!("{engine}-{name}.run"));
        // One that is at work just now is told by its lock, to whoever takes it.
        let at_work = || held(&folder.join(format!("{engine}-{name}.lock"))).map(|held| held.is_some_and(|held| !is_me(&held)));
        match read_note(&path) {
            Some(note) if note.root != cx.project.root && !at_work()? => refuse(&note, &path)?,
            _ => {}
        }
    }
    Ok(())
}

fn refuse(note: &Note, path: &Path) -> Result<()> {
    let refused = |why: String, help: String| Err(Error::refused("nothing was touched").why(why).help(help));
    let root = note.root.display();
    if !note.root.exists() {
        let why = format!("the run {} was begun in {root}, which is gone, and it is not known whether it came to its end", note.run);
        return refused(why, format!("look with `cargo xtask status` at what runs; then remove {}", path.display()));
    }
    match Store::at(&note.root).open_run()? {
        Some(open) => refused(
            format!("the run {} of {root} did not come to its end", open.id),
            format!("run `cargo xtask -C {root} recover`: what it needs for that is there"),
        ),
        // It was killed when nothing was left to do.
        None => Ok(()),
    }
}

fn is_me(held: &Held) -> bool {
    held.holder.as_ref().is_some_and(|holder| holder.pid == std::process::id())
}

fn notes(folder: &Path, engine: &str) -> Result<Vec<PathBuf>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(|error| Error::io("list", folder, error))?,
    };
    let own = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&format!("{engine}-")) && path.extension().is_some_and(|end| end == "run")
    };
    Ok(listing.filter_map(|entry| Some(entry.ok()?.path())).filter(own).collect())
}

/// None: there is no note, or half of one, which was written before its run began.
fn read_note(path: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}
