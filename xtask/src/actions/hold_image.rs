//! Gives an image a name of ours, so that nothing lets it go while a release may need it.

use serde::{Deserialize, Serialize};

use super::World;
use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldImage {
    pub image_id: String,
    /// As `release::hold` makes it.
    pub name: String,
}

/// The image that had the name before, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBefore {
    pub image_id: Option<String>,
}

impl HoldImage {
    pub fn prepare(&self, world: &World) -> Result<HeldBefore> {
        let engine = world.live()?.engine.as_ref();
        if engine.image(&self.image_id)?.is_none() {
            return Err(Error::refused(format!("hold the image {}", self.image_id)).why("it is not on the engine"));
        }
        Ok(HeldBefore { image_id: engine.image(&self.name)?.map(|image| image.id) })
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        world.live()?.engine.tag(&self.image_id, &self.name)
    }

    pub fn undo(&self, world: &World, before: &HeldBefore) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        match &before.image_id {
            Some(image_id) => engine.tag(image_id, &self.name),
            None => engine.untag(&self.name),
        }
    }
}
