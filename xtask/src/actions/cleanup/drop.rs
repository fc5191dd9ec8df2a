//! Removes what cannot come back, once the run is committed: stopped containers, images without a name, records of the
//! build cache. Each by its id; what somebody has come to use stays.

use serde::{Deserialize, Serialize};

use super::super::World;
use super::super::backup::go_on;
use super::remove::user_of_image;
use crate::error::Result;

/// Right again and again, and never undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropUnused {
    pub containers: Vec<String>,
    pub images: Vec<String>,
    pub cache: Vec<String>,
}

impl DropUnused {
    pub fn label(&self) -> String {
        let DropUnused { containers, images, cache } = self;
        let counted = [(containers.len(), "stopped containers"), (images.len(), "images without a name"), (cache.len(), "cache records")];
        let words: Vec<String> = counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        format!("remove {}", words.join(", "))
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        for id in &self.containers {
            go_on(world)?;
            if !engine.remove_stopped(id)? {
                world.warn(format!("the container {id} stays: it runs again"));
            }
        }
        for id in &self.images {
            go_on(world)?;
            let Some(image) = engine.image(id)? else { continue };
            let named = !image.tags.is_empty();
            if named || user_of_image(engine, id)?.is_some() || !engine.remove_image(id)? {
                world.warn(format!("the image {id} stays: something has come to use it, or was made of it"));
            }
        }
        for id in &self.cache {
            go_on(world)?;
            engine.remove_cache(id)?;
        }
        Ok(())
    }
}
