//! The step that fetches the image of a release from its registry.

use serde::{Deserialize, Serialize};

use super::World;
use super::name_image::{id_of, name_back};
use crate::error::{Error, Result};
use crate::registry::{Logins, Reference, Resolver};

/// Fetches an image by its digest, then moves the name to it: a tag that moves meanwhile changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullImage {
    /// As the compose file has it.
    pub image: String,
    /// `sha256:...`, the one that the plan has shown.
    pub digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulled {
    /// The id of the image that the name meant before.
    pub before: Option<String>,
    /// The image was on the engine before, whatever its name.
    pub had: bool,
}

impl PullImage {
    pub fn prepare(&self, world: &World) -> Result<Pulled> {
        let (engine, reference) = (world.live()?.engine.as_ref(), self.reference()?);
        let before = match reference.movable() {
            Some(name) => id_of(engine, &name)?,
            None => None,
        };
        Ok(Pulled { before, had: engine.image(&reference.by_digest(&self.digest))?.is_some() })
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let (engine, reference) = (world.live()?.engine.as_ref(), self.reference()?);
        let by_digest = reference.by_digest(&self.digest);
        if engine.image(&by_digest)?.is_none() {
            let logins = Logins::of_this_process();
            Resolver::new(engine, &logins, &world.cancel)?.pull(&reference, &self.digest)?;
        }
        let Some(name) = reference.movable() else { return Ok(()) };
        let id = id_of(engine, &by_digest)?.ok_or_else(|| {
            Error::failed(format!("pull {by_digest}")).why("the engine does not have it, though it was pulled: somebody removes images")
        })?;
        engine.tag(&id, &name)
    }

    /// The name goes back, unless somebody else has moved it meanwhile; then the image goes if it came
    /// with this step and nobody has named it since.
    pub fn undo(&self, world: &World, pulled: &Pulled) -> Result<()> {
        let (engine, reference) = (world.live()?.engine.as_ref(), self.reference()?);
        let by_digest = reference.by_digest(&self.digest);
        let Some(image) = engine.image(&by_digest)? else { return Ok(()) };
        if let Some(name) = reference.movable()
            && image.tags.contains(&name)
            && pulled.before.as_ref() != Some(&image.id)
        {
            if pulled.before.is_none() && !pulled.had {
                // With its last name the image goes as well, but not from under a container.
                return engine.untag(&name).map(|_| ());
            }
            name_back(engine, &name, pulled.before.as_deref())?;
        }
        let unnamed = engine.image(&by_digest)?.is_some_and(|image| image.tags.is_empty());
        if !pulled.had && unnamed && pulled.before.as_ref() != Some(&image.id) {
            engine.untag(&by_digest)?;
        }
        Ok(())
    }

    fn reference(&self) -> Result<Reference> {
        Reference::parse(&self.image)
    }
}
