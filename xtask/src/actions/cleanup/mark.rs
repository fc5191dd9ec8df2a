//! A run's note about one thing that it removes or brings back: durable before anything is done that it is about, so
//! that whoever goes on after a kill knows what this run has done and what others have.

use std::fs;
use std::path::PathBuf;

use super::super::World;
use crate::backup::segment;
use crate::error::{Error, Result};
use crate::saga::{make_dir, sync_dir};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It goes any moment, or is gone.
    Removing,
    /// It is being made again.
    Begun,
    /// It is back.
    Whole,
}

impl Word {
    fn text(self) -> &'static str {
        match self {
            Word::Removing => "removing",
            Word::Begun => "begun",
            Word::Whole => "whole",
        }
    }
}

/// The note, in a file of the run.
pub struct Mark(PathBuf);

impl Mark {
    /// `kind`: `volume`, `network` or `image`; `id`: a volume has nothing but its name.
    pub fn of(world: &World, kind: &str, id: &str) -> Mark {
        Mark(world.scratch().join(format!("{kind}-{}", segment(id))))
    }

    pub fn word(&self) -> Option<Word> {
        let text = fs::read(&self.0).ok()?;
        [Word::Removing, Word::Begun, Word::Whole].into_iter().find(|word| word.text().as_bytes() == text)
    }

    /// As a whole or not at all, whoever is killed.
    pub fn note(&self, word: Word) -> Result<()> {
        let folder = self.0.parent().map(PathBuf::from).unwrap_or_default();
        make_dir(&folder)?;
        let beside = self.0.with_added_extension("new");
        let write = || -> std::io::Result<()> {
            fs::write(&beside, word.text())?;
            fs::File::open(&beside)?.sync_all()?;
            fs::rename(&beside, &self.0)
        };
        write().map_err(|error| Error::io("write", &self.0, error))?;
        sync_dir(&folder)
    }

    /// It stays after all.
    pub fn erase(&self) -> Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &self.0, error)),
            _ => Ok(()),
        }
    }
}

/// Whether a run has come to remove this; what a step leaves alone is said, and has no note.
pub fn removal_was_begun(world: &World, kind: &str, id: &str) -> bool {
    Mark::of(world, kind, id).word().is_some()
}
