//! The releases of one stack on one engine, below the state folder: one of the doors to the disk.
//!
//! A release is a folder `r0007` with `release.json` and `blobs/`; it has that name only while all of it
//! is there. `current` names the release that runs, `counter` the last number that was given. Whoever
//! changes anything holds the lock of the compose project.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Release, plain};
use crate::error::{Error, Result};
use crate::saga::{Blobs, Sha, check_own, make_dir, sync_dir};

const RECORD: &str = "release.json";
const CURRENT: &str = "current";
const COUNTER: &str = "counter";

/// A record holds places and hashes: what is larger was not written by us.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, Clone)]
pub struct Releases {
    /// `releases`, the folder of engine and project, and the one of the stack.
    folders: [PathBuf; 3],
    project: String,
    stack: String,
}

impl Releases {
    /// The releases of a stack, of which there may be none yet. `state` is the state folder, `engine_id`
    /// what the engine calls itself, `project` the compose project's name. A folder of somebody else is
    /// refused.
    pub fn open(state: &Path, engine_id: &str, project: &str, stack: &str) -> Result<Releases> {
        Releases::of_engine(state, &engine_key(engine_id), project, stack)
    }

    fn of_engine(state: &Path, engine: &str, project: &str, stack: &str) -> Result<Releases> {
        let top = state.join("releases");
        let of_project = top.join(format!("{engine}-{}", safe(project)));
        let of_stack = of_project.join(safe(stack));
        let releases = Releases { folders: [top, of_project, of_stack], project: project.to_string(), stack: stack.to_string() };
        for folder in &releases.folders {
            if !check_own(folder)? {
                break;
            }
        }
        Ok(releases)
    }

    /// Those of a stack on every engine, under every name that its compose project has had: each with the key
    /// of its engine, a piece of the engine's id's hash. The stack's files are not needed for it.
    pub fn of_stack(state: &Path, stack: &str) -> Result<Vec<(String, Releases)>> {
        let top = state.join("releases");
        let mut found = Vec::new();
        if !check_own(&top)? {
            return Ok(found);
        }
        for name in names(&top)? {
            let Some((engine, _)) = name.split_once('-') else { continue };
            let folder = top.join(&name);
            let own = folder.join(safe(stack));
            if !own.exists() {
                continue;
            }
            let releases = Releases { folders: [top.clone(), folder, own.clone()], project: String::new(), stack: stack.to_string() };
            let Some(id) = releases.ids()?.pop() else { continue };
            let path = own.join(id).join(RECORD);
            let bytes = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
            let release: Release = serde_json::from_slice(&bytes)
                .map_err(|error| corrupt(&path, error.line(), error.column(), "not the record of a release"))?;
            found.push((engine.to_string(), Releases::of_engine(state, engine, &release.project, stack)?));
        }
        Ok(found)
    }

    /// The names of the compose project under which a stack has releases on an engine: several after it was
    /// renamed.
    pub fn projects_of(state: &Path, engine_id: &str, stack: &str) -> Result<Vec<String>> {
        let key = engine_key(engine_id);
        let all = Releases::of_stack(state, stack)?.into_iter();
        Ok(all.filter(|(engine, _)| *engine == key).map(|(_, releases)| releases.project).collect())
    }

    /// All releases, oldest first.
    pub fn list(&self) -> Result<Vec<Release>> {
        self.ids()?.iter().map(|id| self.get(id)).collect()
    }

    pub fn get(&self, id: &str) -> Result<Release> {
        let path = self.folder(id)?.join(RECORD);
        let meta = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let known = self.ids()?.join(", ");
                let known = if known.is_empty() { "none yet".to_string() } else { known };
                return Err(Error::unusable(format!("there is no release `{id}` of {}", self.stack)).help(format!("the releases: {known}")));
            }
            looked => looked.map_err(|error| Error::io("look at", &path, error))?,
        };
        if !meta.is_file() || meta.len() > LARGEST {
            return Err(corrupt(&path, 1, 1, "it is not a plain file, or far too large for a record"));
        }
        let bytes = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
        let release: Release =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(&path, error.line(), error.column(), "not the record of a release"))?;
        if (&*release.id, &release.project, &release.stack) == (id, &self.project, &self.stack) {
            Ok(release)
        } else {
            Err(corrupt(&path, 1, 1, "it is the record of another release"))
        }
    }

    pub fn has(&self, id: &str) -> bool {
        self.folder(id).is_ok_and(|folder| folder.exists())
    }

    /// The id of the release that runs, as far as we brought it there.
    pub fn current(&self) -> Result<Option<String>> {
        let Some(text) = self.read(CURRENT)? else { return Ok(None) };
        if is_release_id(&text) { Ok(Some(text)) } else { Err(corrupt(&self.dir().join(CURRENT), 1, 1, "not the name of a release")) }
    }

    /// Moves the pointer, durably; as a whole or not at all. One that is there already takes no room, for an
    /// undo must be possible on a full disk; what an attempt before has left behind goes.
    pub fn set_current(&self, id: Option<&str>) -> Result<()> {
        match id {
            Some(id) if self.current().is_ok_and(|now| now.as_deref() == Some(id)) => {
                remove_file(&self.dir().join(format!(".{CURRENT}"))).and_then(|()| self.sync())
            }
            Some(id) => self.write(CURRENT, self.folder(id).map(|_| id)?),
            None => remove_file(&self.dir().join(CURRENT)).and_then(|()| self.sync()),
        }
    }

    /// The id that the next release gets: no other one had it, also none that is deleted.
    pub fn next_id(&self) -> Result<String> {
        let last = self.ids()?.iter().filter_map(|id| number(id)).max().unwrap_or(0);
        Ok(format!("r{:04}", last.max(self.counter()?) + 1))
    }

    /// Writes a release, durably, with the contents that it names, which are taken from `contents`.
    pub fn save(&self, release: &Release, contents: &Blobs) -> Result<()> {
        let folder = self.folder(&release.id)?;
        if (&release.project, &release.stack) != (&self.project, &self.stack) {
            return Err(Error::failed(format!("save the release {}", release.id)).why("it is one of another stack"));
        }
        if folder.exists() {
            return Err(Error::refused(format!("save the release {}", release.id)).why("there is one of that name"));
        }
        self.create()?;
        let new = self.dir().join(format!(".new-{}", release.id));
        remove_folder(&new)?;
        make_dir(&new)?;
        let blobs = Blobs::at(new.join("blobs"));
        make_dir(blobs.dir())?;
        for sha in release.blobs() {
            blobs.put(&contents.get(sha)?)?;
        }
        let record = serde_json::to_vec_pretty(release)
            .map_err(|error| Error::failed(format!("save the release {}", release.id)).why(error.to_string()))?;
        write(&new.join(RECORD), &record)?;
        sync_dir(&new)?;
        let counted = number(&release.id).unwrap_or(0).max(self.counter()?);
        self.write(COUNTER, &counted.to_string())?;
        fs::rename(&new, &folder).map_err(|error| Error::io("name the release", &folder, error))?;
        self.sync()
    }

    /// Deletes a release and what an unfinished `save` or `delete` has left of it. Right also when there
    /// is nothing.
    pub fn delete(&self, id: &str) -> Result<()> {
        let folder = self.folder(id)?;
        let gone = self.dir().join(format!(".gone-{id}"));
        remove_folder(&gone)?;
        match fs::rename(&folder, &gone) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("delete the release", &folder, error)),
            _ => remove_folder(&gone)?,
        }
        remove_folder(&self.dir().join(format!(".new-{id}")))?;
        remove_file(&self.dir().join(format!(".{COUNTER}")))?;
        self.sync()
    }

    /// The contents of a release.
    pub fn blobs(&self, id: &str) -> Result<Blobs> {
        Ok(Blobs::at(self.folder(id)?.join("blobs")))
    }

    pub fn dir(&self) -> &Path {
        &self.folders[2]
    }

    /// The place of a release; the name comes from a person or a file.
    fn folder(&self, id: &str) -> Result<PathBuf> {
        if is_release_id(id) {
            return Ok(self.dir().join(id));
        }
        Err(Error::unusable(format!("`{id}` is no name of a release")).help("releases are named r0001, r0002 and so on"))
    }

    fn ids(&self) -> Result<Vec<String>> {
        let mut ids: Vec<String> = names(self.dir())?.into_iter().filter(|name| is_release_id(name)).collect();
        ids.sort_by_key(|id| number(id));
        Ok(ids)
    }

    fn counter(&self) -> Result<u64> {
        let Some(text) = self.read(COUNTER)? else { return Ok(0) };
        text.parse().map_err(|_| corrupt(&self.dir().join(COUNTER), 1, 1, "not a number"))
    }

    fn create(&self) -> Result<()> {
        let [top, of_project, of_stack] = &self.folders;
        if let Some(state) = top.parent().filter(|state| !state.exists()) {
            fs::create_dir_all(state)
                .map_err(|error| Error::io("create", state, error).help("set XTASK_STATE to a folder that you may write to"))?;
        }
        for folder in [top, of_project, of_stack] {
            make_dir(folder)?;
            check_own(folder)?;
            folder.parent().map_or(Ok(()), sync_dir)?;
        }
        Ok(())
    }

    /// One of the small files, without its line break.
    fn read(&self, name: &str) -> Result<Option<String>> {
        let path = self.dir().join(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("look at", &path, error)),
            Ok(meta) if !meta.is_file() || meta.len() > 100 => return Err(corrupt(&path, 1, 1, "not a small plain file")),
            Ok(_) => {}
        }
        let bytes = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
        Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_string()))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let (new, path) = (self.dir().join(format!(".{name}")), self.dir().join(name));
        write(&new, format!("{text}\n").as_bytes())?;
        fs::rename(&new, &path).map_err(|error| Error::io("write", &path, error))?;
        self.sync()
    }

    fn sync(&self) -> Result<()> {
        if self.dir().exists() { sync_dir(self.dir()) } else { Ok(()) }
    }
}

/// `r` and at least four digits.
pub fn is_release_id(text: &str) -> bool {
    text.strip_prefix('r').is_some_and(|digits| (4..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix('r')?.parse().ok()
}

/// An engine's id may hold characters that no file name should.
fn engine_key(engine_id: &str) -> String {
    Sha::of(engine_id.as_bytes()).as_str()[..12].to_string()
}

/// A name as a part of a path; names that look alike are told apart by a piece of their hash.
fn safe(name: &str) -> String {
    format!("{}-{}", plain(name).chars().take(80).collect::<String>(), &Sha::of(name.as_bytes()).as_str()[..8])
}

fn corrupt(path: &Path, line: usize, column: usize, why: &str) -> Error {
    Error::unusable("read a release, which is corrupt")
        .at(path, line, column)
        .why(why)
        .help("Nothing was touched. Move this away, and keep it, to go on; it cannot be rolled back to")
}

/// The names in a folder, sorted; none when there is no folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(|error| Error::io("list", folder, error))?,
    };
    let mut names = Vec::new();
    for entry in listing {
        let entry = entry.map_err(|error| Error::io("list", folder, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|error| Error::io("write", path, error))
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
