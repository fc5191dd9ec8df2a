//! The step that gives an image a name, or takes a name away; and what all that move names need.

use serde::{Deserialize, Serialize};

use super::World;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Keeps an image that would go with its last name.
const KEPT: &str = "xtask.local/kept";

/// Makes a name mean this image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameImage {
    /// `redis:7`, with its tag.
    pub name: String,
    /// `None`: the name goes.
    pub image_id: Option<String>,
}

/// What the name meant before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub before: Option<String>,
}

impl NameImage {
    pub fn prepare(&self, world: &World) -> Result<Named> {
        let engine = world.live()?.engine.as_ref();
        if let Some(id) = &self.image_id
            && engine.image(id)?.is_none()
        {
            return Err(Error::refused(format!("give {id} the name {}", self.name))
                .why("the image is not on the engine any more")
                .help("pull or build it again; the releases that are kept hold their images"));
        }
        Ok(Named { before: id_of(engine, &self.name)? })
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        match &self.image_id {
            Some(id) => engine.tag(id, &self.name),
            None => take_name(engine, &self.name),
        }
    }

    /// Whoever has moved the name since is left alone.
    pub fn undo(&self, world: &World, named: &Named) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        if id_of(engine, &self.name)? != self.image_id {
            return Ok(());
        }
        name_back(engine, &self.name, named.before.as_deref())
    }
}

pub(super) fn id_of(engine: &dyn Engine, name: &str) -> Result<Option<String>> {
    Ok(engine.image(name)?.map(|image| image.id))
}

/// The name means again what it did.
pub(super) fn name_back(engine: &dyn Engine, name: &str, before: Option<&str>) -> Result<()> {
    match before {
        Some(id) => engine.tag(id, name),
        None => take_name(engine, name),
    }
}

/// Takes a name and nothing else: an engine lets an image go with its last name, and with the last tag of
/// a repository also the digests by which that knows it. Where that would happen it gets a name of ours.
fn take_name(engine: &dyn Engine, name: &str) -> Result<()> {
    let Some(image) = engine.image(name)? else { return Ok(()) };
    if image.tags.iter().all(|tag| tag == name) {
        let plain = image.id.trim_start_matches("sha256:");
        engine.tag(&image.id, &format!("{KEPT}:{}", &plain[..plain.len().min(12)]))?;
    }
    engine.untag(name).map(|_| ())
}
