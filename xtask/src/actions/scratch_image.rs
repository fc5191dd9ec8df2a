//! The steps that build an image to be looked at, under a name of the run's own, and let it go again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::live::IN_THE_MAKING;
use crate::error::{Error, Kind, Result};
use crate::saga::Sha;

/// Compilers take their time.
const BUILDING: Duration = Duration::from_secs(60 * 60);
/// A container of it that is being removed holds an image for a moment.
const ATTEMPTS: u32 = 20;

/// Builds an image. Nothing that runs changes by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildImage {
    pub service: String,
    /// The name that it gets, with its tag: nobody else's.
    pub image: String,
    /// A model with this image's build section alone, a blob of the run.
    pub model: Sha,
    /// It is only to be compared with: that it cannot be built holds nothing up.
    #[serde(default)]
    pub spare: bool,
}

impl BuildImage {
    pub fn prepare(&self, world: &World) -> Result<()> {
        world.blobs.get(&self.model)?;
        match world.live()?.engine.image(&self.image)? {
            None => Ok(()),
            Some(_) => Err(Error::refused(format!("build {}", self.image)).why("there is an image of this name already").help("remove it")),
        }
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let live = world.live()?;
        let project = format!("xtask-{}", world.run.as_str().to_lowercase());
        let built = live.compose.build_frozen(&world.blobs.get(&self.model)?, &project, BUILDING, &world.masker, &live.cancel);
        match built {
            Err(error) if self.spare && error.kind != Kind::Interrupted => {
                let why = error.why.unwrap_or_default();
                let first = why.lines().next().unwrap_or_default();
                world.warn(format!("the present image of {} cannot be built, so nothing is compared with it: {first}", self.service));
                return Ok(());
            }
            built => built.map_err(|error| Error { what: format!("build the image of {}", self.service), ..error })?,
        }
        if live.engine.image(&self.image)?.is_none() {
            return Err(Error::failed(format!("build the image of {}", self.service)).why("it was built, but the engine does not have it"));
        }
        Ok(())
    }

    /// What a killed program has asked the engine for may still be in the making.
    pub fn undo(&self, world: &World) -> Result<()> {
        std::thread::sleep(IN_THE_MAKING);
        drop_image(world, &self.image)
    }
}

/// Lets such an image go, once the run is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropImage {
    pub image: String,
}

impl DropImage {
    pub fn apply(&self, world: &World) -> Result<()> {
        drop_image(world, &self.image)
    }
}

fn drop_image(world: &World, image: &str) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    for _ in 0..ATTEMPTS {
        if engine.untag(image)? && engine.image(image)?.is_none() {
            return Ok(());
        }
        std::thread::sleep(IN_THE_MAKING);
    }
    Err(Error::failed(format!("remove the image {image}")).why("a container was made of it").help("remove that container"))
}
