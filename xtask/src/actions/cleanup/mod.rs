//! The steps that remove what nobody uses: it is archived first, comes back by undo and by rollback, and what cannot come
//! back goes last, once everything else is proven.

mod back;
mod drop;
mod image;
mod mark;
mod reclaimed;
mod remove;

use serde::{Deserialize, Serialize};

use super::World;
use super::backup::{any_image, copy, take_away, take_out, to_bytes};
use crate::backup::{MANIFEST, Manifest, Pause, Place, Repository, Summary, VERSION, WantedCopy, Writer};
use crate::engine::remove::remove_run;
use crate::error::Result;
use crate::saga::Sha;
use mark::Mark;

pub use back::Standing;
pub use drop::DropUnused;
pub use mark::removal_was_begun;
pub use reclaimed::{NoteReclaimed, Reclaimed};
pub use remove::user_of_volume;

/// One thing that can come back as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Unused {
    Volume {
        name: String,
        /// When it was created, in the engine's words: a later one of the same name has another.
        made: String,
        place: Place,
        /// The name of what holds its content in the repository.
        archive: String,
    },
    Network {
        id: String,
        name: String,
        /// How it is made, a blob.
        spec: Sha,
    },
    Image {
        id: String,
        names: Vec<String>,
        place: Place,
        archive: String,
    },
    /// An image that its registry still had when the list was made: it is not archived.
    Served {
        id: String,
        names: Vec<String>,
        /// `HOST/PATH@sha256:...`
        reference: String,
    },
}

impl Unused {
    pub fn label(&self) -> String {
        match self {
            Unused::Volume { name, .. } => format!("the volume {name}"),
            Unused::Network { name, .. } => format!("the network {name}"),
            Unused::Image { names, .. } | Unused::Served { names, .. } => format!("the image {}", names.join(", ")),
        }
    }

    fn mark(&self, world: &World) -> Mark {
        match self {
            Unused::Volume { name, .. } => Mark::of(world, "volume", name),
            Unused::Network { id, .. } => Mark::of(world, "network", id),
            Unused::Image { id, .. } | Unused::Served { id, .. } => Mark::of(world, "image", id),
        }
    }
}

/// Stores volumes and images in the repository, as one snapshot that is no backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveUnused {
    pub place: Place,
    pub summary: Summary,
    pub volumes: Vec<String>,
    /// Ids, and the names of each.
    pub images: Vec<(String, Vec<String>)>,
    /// Versions of the engine and of Compose.
    pub engine: String,
    pub compose: String,
}

impl ArchiveUnused {
    pub fn label(&self) -> String {
        let (volumes, images) = (self.volumes.len(), self.images.len());
        format!("archive {volumes} volumes and {images} images in {}", self.place.location)
    }

    pub fn prepare(&self, world: &World) -> Result<()> {
        world.live().map(|_| ())
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let repository = Repository::open(&self.place)?;
        let mut manifest = self.blank(world);
        let total = repository.backup(&self.summary, true, |writer| {
            for (id, names) in &self.images {
                manifest.images.extend(image::store(world, writer, id, names)?);
            }
            for volume in &self.volumes {
                self.volume(world, writer, volume, &mut manifest)?;
            }
            writer.file(MANIFEST, 0o600, to_bytes(&manifest)?)
        })?;
        remove_run(world.live()?.engine.as_ref(), world.run.as_str())?;
        repository.publish(&Summary { bytes: total.bytes, ..self.summary.clone() })
    }

    /// Everything that was removed is back by now, so nobody needs it.
    pub fn undo(&self, world: &World) -> Result<()> {
        take_away(world)?;
        take_out(world, &self.place, |repository| repository.delete_run(world.run.as_str()));
        Ok(())
    }

    fn volume(&self, world: &World, writer: &mut Writer, volume: &str, manifest: &mut Manifest) -> Result<()> {
        // Whoever has it by now may write to it, and to read one that is gone would make it anew; the step that would
        // remove it leaves it.
        let engine = world.live()?.engine.as_ref();
        if engine.volume(volume)?.is_none() || user_of_volume(engine, volume)?.is_some() {
            return Ok(());
        }
        let wanted = WantedCopy {
            volume: volume.to_string(),
            writers: Vec::new(),
            way_to_be_quiet: Pause::Pause,
            users: Vec::new(),
            from: None,
            image: Some(any_image(world)?),
        };
        manifest.volumes.push(copy(world, &wanted, writer)?);
        Ok(())
    }

    fn blank(&self, world: &World) -> Manifest {
        Manifest {
            version: VERSION,
            name: self.summary.name.clone(),
            stack: String::new(),
            project: String::new(),
            run: self.summary.run.clone(),
            at_ms: self.summary.at_ms,
            xtask: env!("CARGO_PKG_VERSION").to_string(),
            engine: self.engine.clone(),
            compose: self.compose.clone(),
            root: world.root.clone(),
            git_commit: None,
            release: None,
            dumps: Vec::new(),
            volumes: Vec::new(),
            files: Vec::new(),
            images: Vec::new(),
            left_out: Vec::new(),
        }
    }
}
