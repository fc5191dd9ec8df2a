//! Images: how one is archived, how the archive is proven, and how one comes back, from there or from its registry.

use std::io::Read;

use super::super::World;
use super::super::backup::{Hashed, go_on};
use super::Unused;
use super::back::stored;
use super::mark::Word;
use super::remove::user_of_image;
use crate::backup::{Listing, Place, StoredImage, Writer, segment};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::registry::{Logins, Reference, Resolver};

/// Stores it by its id: whatever its names mean by now, and so that they are given back one by one. `None`: it is gone, or
/// somebody has come to use it; the step that would remove it leaves it.
pub fn store(world: &World, writer: &mut Writer, id: &str, names: &[String]) -> Result<Option<StoredImage>> {
    let engine = world.live()?.engine.as_ref();
    if engine.image(id)?.is_none() || user_of_image(engine, id)?.is_some() {
        return Ok(None);
    }
    let path = format!("/images/{}", segment(id));
    let unread = |error: std::io::Error| Error::failed(format!("read the image {}", names.join(", "))).why(error.to_string());
    let mut from = engine.save_images(&[id.to_string()])?;
    let mut parts = writer.stream(&path);
    let mut piece = vec![0; 64 << 10];
    loop {
        go_on(world)?;
        match from.read(&mut piece).map_err(unread)? {
            0 => break,
            read => parts.write(&piece[..read])?,
        }
    }
    Ok(Some(StoredImage { id: id.to_string(), names: names.to_vec(), stream: parts.finish()?, path }))
}

/// Whether the archive has it, which then is read: it is what was stored, and whole.
pub fn is_archived(id: &str, place: &Place, archive: &str) -> Result<bool> {
    let (content, manifest) = stored(place, archive)?;
    let Some(image) = manifest.images.iter().find(|stored| stored.id == id) else { return Ok(false) };
    let failed = |why: String| Error::failed("read the archive of an image").why(why);
    let mut hashed = Hashed::of(content.stream(&image.path, &image.stream));
    let listing = Listing::read(&mut hashed).map_err(|error| failed(error.to_string()))?;
    let whole = hashed.is(&image.stream).map_err(|error| failed(error.to_string()))?;
    if listing.entries() == 0 || !whole {
        return Err(failed("it is not what was stored".to_string()));
    }
    Ok(true)
}

impl Unused {
    /// Under its id, and under all of its names that nobody else has by now.
    pub(super) fn bring_image(&self, world: &World) -> Result<()> {
        let (Unused::Image { id, names, .. } | Unused::Served { id, names, .. }) = self else { return Ok(()) };
        let engine = world.live()?.engine.as_ref();
        let mark = self.mark(world);
        mark.note(Word::Begun)?;
        if engine.image(id)?.is_none() {
            match self {
                Unused::Image { place, archive, .. } => load(engine, id, place, archive)?,
                Unused::Served { reference, .. } => pull(engine, reference)?,
                _ => {}
            }
            if engine.image(id)?.is_none() {
                return Err(Error::failed(format!("bring {} back", self.label())).why("the engine gives it another id"));
            }
        }
        for name in names {
            match engine.image(name)? {
                None => engine.tag(id, name)?,
                Some(image) if image.id == *id => {}
                Some(_) => world.warn(format!("the name {name} stays with another image, which has it by now")),
            }
        }
        mark.note(Word::Whole)?;
        world.proven(self.label(), "back, by its id".to_string());
        Ok(())
    }
}

fn load(engine: &dyn Engine, id: &str, place: &Place, archive: &str) -> Result<()> {
    if !is_archived(id, place, archive)? {
        return Err(Error::failed("bring an image back").why("the archive does not have it"));
    }
    let (content, manifest) = stored(place, archive)?;
    match manifest.images.iter().find(|stored| stored.id == id) {
        Some(stored) => engine.load_images(&mut content.stream(&stored.path, &stored.stream)),
        None => Ok(()),
    }
}

/// Also after somebody has asked to stop: then it is what puts everything back.
fn pull(engine: &dyn Engine, reference: &str) -> Result<()> {
    let (reference, logins, cancel) = (Reference::parse(reference)?, Logins::of_this_process(), Cancel::default());
    let digest = reference.digest.clone().unwrap_or_default();
    Resolver::new(engine, &logins, &cancel)?.pull(&reference, &digest)
}
