//! The way back of what was removed. Right at any moment, and again: a volume that was being filled when somebody was
//! killed is known by a mark in the run, and filled anew.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::World;
use super::super::backup::{fill, take_away};
use super::Unused;
use super::remove::{intact, spec};
use crate::backup::{Place, Repository, segment};
use crate::engine::Volume;
use crate::error::{Error, Result};
use crate::saga::{make_dir, sync_dir};

/// Whether a thing was there before it was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub there: bool,
}

/// What the mark of a volume says once it is whole.
const WHOLE: &[u8] = b"whole";

impl Unused {
    /// For a rollback: nothing of its name may be there, but the thing itself.
    pub fn look(&self, world: &World) -> Result<Standing> {
        let engine = world.live()?.engine.as_ref();
        let (there, other) = match self {
            Unused::Volume { name, made, .. } => {
                let now = engine.volume(name)?;
                (now.as_ref().is_some_and(|volume| volume.created == *made), now.is_some_and(|volume| volume.created != *made))
            }
            Unused::Network { id, name, .. } => {
                let now = engine.network(name)?;
                (now.as_ref().is_some_and(|network| network.id == *id), now.is_some_and(|network| network.id != *id))
            }
            Unused::Image { id, .. } => (engine.image(id)?.is_some(), false),
        };
        if other {
            return Err(taken(&self.label()));
        }
        Ok(Standing { there })
    }

    /// Takes a rollback back.
    pub fn remove_again(&self, world: &World, standing: &Standing) -> Result<()> {
        if standing.there {
            return Ok(());
        }
        take_away(world)?;
        let engine = world.live()?.engine.as_ref();
        match self {
            Unused::Volume { name, .. } => engine.remove_volume(name),
            Unused::Network { name, .. } => match engine.network(name)? {
                Some(network) => engine.remove_network(&network.id),
                None => Ok(()),
            },
            Unused::Image { names, .. } => names.iter().try_for_each(|name| engine.untag(name).map(|_| ())),
        }
    }

    pub fn bring_back(&self, world: &World) -> Result<()> {
        match self {
            Unused::Volume { name, made, place, archive } => bring_volume(world, name, made, place, archive),
            Unused::Network { name, spec, .. } => bring_network(world, name, spec),
            Unused::Image { id, names, place, archive } => bring_image(world, id, names, place, archive),
        }
    }
}

fn taken(what: &str) -> Error {
    Error::refused(format!("bring {what} back"))
        .why("there is another one of that name by now")
        .help("look at it, and remove or rename it when nobody needs it; what was removed stays in the repository")
}

fn bring_volume(world: &World, name: &str, made: &str, place: &Place, archive: &str) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    let mark = mark(world, name);
    let marked = fs::read(&mark).ok();
    match (engine.volume(name)?, marked.as_deref()) {
        // It was never removed; or it is back already.
        (Some(volume), None) if volume.created == made => return Ok(()),
        (Some(_), Some(WHOLE)) => return Ok(()),
        (Some(_), None) => return Err(taken(&format!("the volume {name}"))),
        (Some(_), Some(_)) => {
            take_away(world)?;
            engine.remove_volume(name)?;
        }
        (None, _) => {}
    }
    let content = Repository::open(place)?.content(archive, false)?;
    let manifest = content.manifest()?;
    let missing = || Error::failed(format!("bring the volume {name} back")).why("the archive does not have it");
    let copied = manifest.volumes.iter().find(|copied| copied.volume == name).ok_or_else(missing)?;
    note(&mark, b"begun")?;
    engine.make_volume(&Volume {
        name: name.to_string(),
        driver: copied.driver.clone(),
        mountpoint: String::new(),
        created: String::new(),
        labels: copied.labels.clone(),
        options: copied.options.clone(),
    })?;
    let entries = fill(world, &content, copied, name)?;
    note(&mark, WHOLE)?;
    world.proven(format!("the volume {name}"), format!("{entries} entries, {} bytes, back and read equal", copied.bytes));
    Ok(())
}

fn mark(world: &World, volume: &str) -> PathBuf {
    world.scratch().join(format!("volume-{}", segment(volume)))
}

/// Durable before anything is done that it is about.
fn note(mark: &PathBuf, word: &[u8]) -> Result<()> {
    let folder = mark.parent().map(PathBuf::from).unwrap_or_default();
    make_dir(&folder)?;
    let written = fs::write(mark, word).and_then(|()| fs::File::open(mark)?.sync_all());
    written.map_err(|error| Error::io("write", mark, error))?;
    sync_dir(&folder)
}

fn bring_network(world: &World, name: &str, kept: &crate::saga::Sha) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    if engine.network(name)?.is_some() {
        return Ok(());
    }
    let wanted = spec(world, kept)?;
    engine.make_network(&wanted)?;
    if engine.network_spec(name)?.is_some_and(|made| made != wanted) {
        world.warn(format!("the network {name} is back with other addresses: somebody else has those that it had"));
    } else {
        world.proven(format!("the network {name}"), "back, as it was defined".to_string());
    }
    Ok(())
}

fn bring_image(world: &World, id: &str, names: &[String], place: &Place, archive: &str) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    if engine.image(id)?.is_none() {
        let content = Repository::open(place)?.content(archive, false)?;
        let manifest = content.manifest()?;
        let missing = || Error::failed(format!("bring the image {} back", names.join(", "))).why("the archive does not have it");
        let stored = manifest.images.iter().find(|stored| stored.id == id).ok_or_else(missing)?;
        intact(&content, &stored.path, &stored.stream)?;
        engine.load_images(&mut content.stream(&stored.path, &stored.stream))?;
        if engine.image(id)?.is_none() {
            return Err(Error::failed(format!("bring the image {} back", names.join(", "))).why("the engine gives it another id"));
        }
    }
    for name in names {
        match engine.image(name)? {
            None => engine.tag(id, name)?,
            Some(image) if image.id == id => {}
            Some(_) => world.warn(format!("the name {name} stays with another image, which has it by now")),
        }
    }
    world.proven(format!("the image {}", names.join(", ")), "back, by its id".to_string());
    Ok(())
}
