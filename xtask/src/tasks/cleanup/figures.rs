//! How much room there is before and after, as the engine and the file systems say.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::engine;
use super::look::Found;
use super::stock::{Kind, Thing};
use crate::actions::NoteReclaimed;
use crate::backup::Place;
use crate::engine::DiskUsage;
use crate::error::Result;
use crate::saga::RunId;
use crate::tasks::Context;

/// What was there before.
#[derive(Debug, Clone)]
pub struct Figures {
    /// What the run will note of it in its journal.
    pub note: NoteReclaimed,
    engine_bytes: u64,
    /// Of the engine's data, and of the repository, as far as this machine has them.
    places: Vec<(PathBuf, u64)>,
    pub free_for_archive: Option<u64>,
}

/// One file system, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// A folder in it.
    pub path: PathBuf,
    pub free_before: u64,
    pub free_after: u64,
}

/// In bytes. Others use the engine and the machine too, so what those say is more than what a cleanup did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reclaimed {
    /// Of images, volumes and build cache together, as the engine says.
    pub engine_before: u64,
    pub engine_after: u64,
    /// The sizes of what was on the list and is gone.
    pub removed: u64,
    /// What the archive has added to the repository.
    pub archived: u64,
    /// What was removed, less what was archived; negative where the archive is larger.
    pub net: i64,
    pub disks: Vec<Disk>,
}

fn total(usage: &DiskUsage) -> u64 {
    let cache = usage.cache.iter().filter(|record| !record.shared).map(|record| record.bytes);
    usage.layers_bytes + usage.volumes.values().sum::<u64>() + cache.sum::<u64>()
}

fn free(path: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    Some(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

fn note(found: &Found, place: &Place) -> NoteReclaimed {
    let sizes = |kind: Kind| found.of(kind).filter_map(|thing| Some((thing.id.clone(), thing.bytes?))).collect();
    let alone = |thing: &Thing| Some((thing.id.clone(), *found.usage.images.get(&thing.id)?));
    let images = found.of(Kind::Image).filter_map(alone).collect();
    NoteReclaimed { place: place.clone(), volumes: sizes(Kind::Volume), images, cache: sizes(Kind::Cache) }
}

impl Figures {
    pub fn before(cx: &Context<'_>, found: &Found, place: &Place) -> Result<Figures> {
        let device = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.dev());
        let root = Some(PathBuf::from(engine(cx)?.known()?.root_dir)).filter(|root| root.is_dir());
        let repository = place.location.folder().and_then(|folder| folder.ancestors().find(|up| up.is_dir()).map(Path::to_path_buf));
        let free_for_archive = repository.as_deref().and_then(free);
        let mut places: Vec<PathBuf> = root.into_iter().collect();
        places.extend(repository.filter(|path| places.iter().all(|other| device(other) != device(path))));
        let places = places.into_iter().filter_map(|path| free(&path).map(|free| (path, free))).collect();
        Ok(Figures { note: note(found, place), engine_bytes: total(&found.usage), places, free_for_archive })
    }

    pub fn reclaimed(&self, cx: &Context<'_>, run: &RunId) -> Result<Reclaimed> {
        let engine = engine(cx)?;
        let noted = self.note.measure(engine.as_ref(), run.as_str())?;
        let after =
            |(path, before): &(PathBuf, u64)| free(path).map(|after| Disk { path: path.clone(), free_before: *before, free_after: after });
        Ok(Reclaimed {
            engine_before: self.engine_bytes,
            engine_after: total(&engine.disk_usage()?),
            removed: noted.removed_bytes,
            archived: noted.archived_bytes,
            net: noted.reclaimed_bytes,
            disks: self.places.iter().filter_map(after).collect(),
        })
    }
}
