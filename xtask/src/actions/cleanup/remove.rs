//! Removal of exactly one thing, by its id. What somebody has come to use since the plan stays, and that is said.

use super::super::World;
use super::super::backup::{any_image, go_on, held};
use super::back::stored;
use super::mark::Word;
use super::{Unused, image};
use crate::backup::{Content, Listing, Place, segment};
use crate::engine::remove::RUN_LABEL;
use crate::engine::{Container, Engine, HELD_AT};
use crate::error::{Error, Result};
use crate::saga::Sha;

/// Who has a volume, running or not.
pub fn user_of_volume(engine: &dyn Engine, volume: &str) -> Result<Option<String>> {
    user(engine, |container| container.mounts.iter().any(|mount| mount.kind == "volume" && mount.name == volume))
}

pub(super) fn user_of_network(engine: &dyn Engine, id: &str, name: &str) -> Result<Option<String>> {
    let names =
        |container: &Container| container.networks.contains_key(name) || container.networks.values().any(|one| one.network_id == id);
    user(engine, |container| names(container) || container.network_mode == name)
}

pub fn user_of_image(engine: &dyn Engine, id: &str) -> Result<Option<String>> {
    user(engine, |container| container.image_id == id)
}

fn user(engine: &dyn Engine, has: impl Fn(&Container) -> bool) -> Result<Option<String>> {
    for listed in engine.containers(&[])? {
        if engine.container(&listed.id)?.is_some_and(|container| has(&container)) {
            return Ok(Some(listed.name));
        }
    }
    Ok(None)
}

impl Unused {
    /// # Errors
    /// The engine refuses, though nobody uses it; or the archive is not what the thing is.
    pub fn remove(&self, world: &World) -> Result<()> {
        match self {
            Unused::Volume { name, made, place, archive } => self.remove_volume(world, name, made, (place, archive)),
            Unused::Network { id, name, .. } => self.remove_network(world, id, name),
            Unused::Image { id, names, .. } | Unused::Served { id, names, .. } => self.remove_image(world, id, names),
        }
    }

    fn stays(&self, world: &World, why: &str) -> Result<()> {
        world.warn(format!("{} stays: {why}", self.label()));
        self.mark(world).erase()
    }

    fn remove_volume(&self, world: &World, name: &str, made: &str, (place, archive): (&Place, &str)) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let Some(volume) = engine.volume(name)? else { return Ok(()) };
        if volume.created != made {
            return self.stays(world, "it is another one of that name by now");
        }
        go_on(world)?;
        let (content, manifest) = stored(place, archive)?;
        let Some(copied) = manifest.volumes.iter().find(|copied| copied.volume == name) else {
            return self.stays(world, "somebody has come to use it");
        };
        if let Some(user) = user_of_volume(engine, name)? {
            return self.stays(world, &format!("{user} has come to use it"));
        }
        read_back(world, name, &content, &copied.path)?;
        self.mark(world).note(Word::Removing)?;
        let removed = engine.remove_volume(name);
        match (removed, user_of_volume(engine, name)?) {
            (Err(_), Some(user)) => self.stays(world, &format!("{user} has come to use it")),
            (removed, _) => removed,
        }
    }

    fn remove_network(&self, world: &World, id: &str, name: &str) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        if engine.network(id)?.is_none() {
            return Ok(());
        }
        if let Some(user) = user_of_network(engine, id, name)? {
            return self.stays(world, &format!("{user} has come to use it"));
        }
        self.mark(world).note(Word::Removing)?;
        match (engine.remove_network(id), user_of_network(engine, id, name)?) {
            (Err(_), Some(user)) => self.stays(world, &format!("{user} has come to use it")),
            (removed, _) => removed,
        }
    }

    fn remove_image(&self, world: &World, id: &str, names: &[String]) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let Some(image) = engine.image(id)? else { return Ok(()) };
        if let Some(user) = user_of_image(engine, id)? {
            return self.stays(world, &format!("{user} was made of it meanwhile"));
        }
        if image.tags.iter().any(|tag| !names.contains(tag)) {
            return self.stays(world, "it has got another name");
        }
        go_on(world)?;
        if let Unused::Image { place, archive, .. } = self
            && !image::is_archived(id, place, archive)?
        {
            return self.stays(world, "something was made of it meanwhile");
        }
        self.mark(world).note(Word::Removing)?;
        for name in &image.tags {
            engine.untag(name)?;
        }
        // A registry's name of another repository keeps it as well.
        for digest in engine.image(id)?.map(|left| left.digests).unwrap_or_default() {
            engine.untag(&digest)?;
        }
        // The engine keeps what a container or another image is made of, if need be without a name.
        if engine.image(id)?.is_none() || engine.remove_image(id)? {
            return Ok(());
        }
        for name in image.tags.iter().filter(|name| names.contains(name)) {
            if engine.image(name)?.is_none() {
                engine.tag(id, name)?;
            }
        }
        self.stays(world, "something else is made of it")
    }
}

/// What the repository gives back must be what the volume holds now, entry by entry.
fn read_back(world: &World, name: &str, content: &Content, path: &str) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    let what = || Error::failed(format!("read the archive of the volume {name}"));
    let holder = format!("xtask-{}-{}-now", world.run.short(), segment(name).replace('%', "_"));
    let holder = engine.create_holder(&holder, &any_image(world)?, (RUN_LABEL, world.run.as_str()), name)?;
    let now = held(world, engine, &holder, name)?;
    engine.remove_but_volumes(&holder)?;
    let (from, mut into) = std::io::pipe().map_err(|error| what().why(error.to_string()))?;
    let stored = std::thread::scope(|scope| {
        let listing = scope.spawn(move || Listing::read(from));
        let packed = content.pack(path, HELD_AT.trim_start_matches('/'), &mut into);
        drop(into);
        let listing = listing.join().map_err(|_| what())?;
        packed.and(listing)
    })?;
    let differences = stored.differences(&now);
    if !differences.is_empty() {
        return Err(what().why(format!("it is not what the volume holds: {}", differences.join(", "))));
    }
    let detail = format!("{} entries, archived and read back equal ({})", now.entries(), &now.digest()[..12]);
    world.proven(format!("the volume {name}"), detail);
    Ok(())
}

/// The definition that a run has kept.
pub(super) fn spec(world: &World, spec: &Sha) -> Result<crate::engine::NetworkSpec> {
    crate::engine::NetworkSpec::from_bytes(&world.blobs.get(spec)?)
}
