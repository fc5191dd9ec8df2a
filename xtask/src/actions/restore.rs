//! The steps that turn today's files into those that a release has kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Action, CreateFolder, RemoveFile, Symlink, WriteFile};
use crate::error::{Error, Result};
use crate::release::Release;
use crate::saga::Sha;
use crate::source::clean;

/// The way back to the files of a release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// In the order in which they are to be taken; none where a file is as it was.
    pub steps: Vec<Action>,
    /// Contents that the run's blobs must have: those of the release do.
    pub contents: Vec<Sha>,
}

/// What has to happen so that the files below `root`, which is the project's root today, are those of
/// the release. Files stay that the release does not know, but for those in folders of which it kept
/// everything. Reads only. The owner of a file and the mode of a folder that is there stay as they are.
pub fn restore_steps(release: &Release, root: &Path) -> Result<Restored> {
    let kept = &release.kept;
    let below = |path: &PathBuf| {
        path.strip_prefix(&release.root).map(Path::to_path_buf).map_err(|_| {
            Error::unusable(format!("put back {}", path.display()))
                .why(format!("the release {} was not made with it in its project", release.id))
        })
    };
    let mut back = Back { root, removals: Vec::new(), others: Vec::new(), contents: Vec::new() };
    let mut known = BTreeSet::new();
    let mut modes = BTreeMap::new();
    for folder in &kept.folders {
        modes.insert(below(&folder.path)?, folder.mode);
    }
    for path in kept.files.iter().map(|file| &file.path).chain(kept.links.iter().map(|link| &link.path)) {
        known.insert(below(path)?);
    }
    known.extend(kept.not_kept.iter().filter_map(|not| below(&not.path).ok()));
    for folder in modes.keys() {
        back.remove_strangers(folder, &known, &modes)?;
    }
    back.folders(&known, &modes);
    for file in &kept.files {
        back.file(below(&file.path)?, &file.content, file.mode)?;
    }
    for link in &kept.links {
        back.link(below(&link.path)?, &link.target)?;
    }
    let Back { removals, others, contents, .. } = back;
    Ok(Restored { steps: [removals, others].concat(), contents })
}

struct Back<'a> {
    root: &'a Path,
    /// What goes comes first: it may stand where a folder or a link has to be.
    removals: Vec<Action>,
    others: Vec<Action>,
    contents: Vec<Sha>,
}

/// What is at a place today.
enum Now {
    Nothing,
    File { content: Sha, mode: u32 },
    Link(PathBuf),
    Folder,
    Other,
}

impl Back<'_> {
    fn now(&self, path: &Path) -> Result<Now> {
        let place = self.root.join(path);
        let meta = match fs::symlink_metadata(&place) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Now::Nothing),
            looked => looked.map_err(|error| Error::io("look at", &place, error))?,
        };
        Ok(if meta.is_symlink() {
            Now::Link(fs::read_link(&place).map_err(|error| Error::io("read the link", &place, error))?)
        } else if meta.is_dir() {
            Now::Folder
        } else if meta.is_file() {
            let content = fs::read(&place).map_err(|error| Error::io("read", &place, error))?;
            Now::File { content: Sha::of(&content), mode: meta.mode() & 0o7777 }
        } else {
            Now::Other
        })
    }

    /// Removes what is in a folder, and below it, and is not of the release.
    fn remove_strangers(&mut self, folder: &Path, known: &BTreeSet<PathBuf>, kept: &BTreeMap<PathBuf, u32>) -> Result<()> {
        let place = self.root.join(folder);
        // Behind a link it is not this folder any more.
        let listing = match fs::symlink_metadata(&place) {
            Ok(meta) if meta.is_dir() => fs::read_dir(&place).map_err(|error| Error::io("list", &place, error))?,
            _ => return Ok(()),
        };
        let mut names = Vec::new();
        for entry in listing {
            names.push(entry.map_err(|error| Error::io("list", &place, error))?.file_name());
        }
        names.sort();
        for name in names.into_iter().filter(|name| name != ".git" && name != ".xtask") {
            let path = folder.join(name);
            match self.now(&path)? {
                _ if known.contains(&path) => {}
                Now::Folder if kept.contains_key(&path) => {}
                Now::Folder => self.remove_strangers(&path, known, kept)?,
                now => self.remove(path, now)?,
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: PathBuf, now: Now) -> Result<()> {
        match now {
            Now::File { content, .. } => self.removals.push(Action::RemoveFile(RemoveFile { path, before: content })),
            Now::Link(target) => {
                // Its undo would have to make it again, and makes none that leads out.
                let leads_to = clean(&self.root.join(&path).parent().unwrap_or(self.root).join(&target));
                if target.is_absolute() || !leads_to.starts_with(self.root) {
                    return Err(in_the_way(&path, "it is a link out of the project"));
                }
                self.removals.push(Action::RemoveSymlink(Symlink { path, target }));
            }
            Now::Folder => return Err(in_the_way(&path, "it is a folder")),
            Now::Nothing | Now::Other => {}
        }
        Ok(())
    }

    /// The folders that files and links need, and those that were kept for themselves; outer ones first.
    fn folders(&mut self, known: &BTreeSet<PathBuf>, kept: &BTreeMap<PathBuf, u32>) {
        let around = known.iter().flat_map(|path| path.ancestors().skip(1));
        let needed: BTreeSet<&Path> = around.chain(kept.keys().map(PathBuf::as_path)).filter(|path| !path.as_os_str().is_empty()).collect();
        for path in needed {
            if !self.root.join(path).is_dir() {
                let mode = kept.get(path).copied().unwrap_or(0o755);
                self.others.push(Action::CreateFolder(CreateFolder { path: path.to_path_buf(), mode }));
            }
        }
    }

    fn file(&mut self, path: PathBuf, content: &Sha, mode: u32) -> Result<()> {
        let now = self.now(&path)?;
        let before = match now {
            Now::File { content: ref here, mode: as_is } if (here, as_is) == (content, mode) => return Ok(()),
            Now::File { content, .. } => Some(content),
            Now::Other => return Err(in_the_way(&path, "it is neither a file nor a folder")),
            other => self.remove(path.clone(), other).map(|()| None)?,
        };
        self.contents.push(content.clone());
        self.others.push(Action::WriteFile(WriteFile { path, content: content.clone(), before, mode: Some(mode) }));
        Ok(())
    }

    fn link(&mut self, path: PathBuf, target: &Path) -> Result<()> {
        match self.now(&path)? {
            Now::Link(here) if here == target => return Ok(()),
            Now::Other => return Err(in_the_way(&path, "it is neither a file nor a folder")),
            now => self.remove(path.clone(), now)?,
        }
        self.others.push(Action::CreateSymlink(Symlink { path, target: target.to_path_buf() }));
        Ok(())
    }
}

fn in_the_way(path: &Path, why: &str) -> Error {
    Error::refused(format!("put back {}", path.display())).why(why).help("Look at it, and move it away when nobody needs it")
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
