//! Removal of exactly one thing, by its id. What somebody has come to use since the plan stays, and that is said.

use super::super::World;
use super::super::backup::{any_image, go_on};
use super::Unused;
use crate::backup::{Content, Listing, Place, Repository, segment};
use crate::engine::remove::RUN_LABEL;
use crate::engine::{Container, Engine, HELD_AT};
use crate::error::{Error, Result};
use crate::saga::Sha;

/// Who has a volume, running or not.
pub fn user_of_volume(engine: &dyn Engine, volume: &str) -> Result<Option<String>> {
    user(engine, |container| container.mounts.iter().any(|mount| mount.kind == "volume" && mount.name == volume))
}

fn user_of_network(engine: &dyn Engine, id: &str, name: &str) -> Result<Option<String>> {
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
    /// The engine refuses, though nobody uses it; or a volume is not what was archived of it.
    pub fn remove(&self, world: &World) -> Result<()> {
        match self {
            Unused::Volume { name, made, place, archive } => remove_volume(world, name, made, place, archive),
            Unused::Network { id, name, .. } => remove_network(world, id, name),
            Unused::Image { id, names, .. } => remove_image(world, id, names),
        }
    }
}

fn stays(world: &World, what: &str, why: &str) -> Result<()> {
    world.warn(format!("{what} stays: {why}"));
    Ok(())
}

fn remove_volume(world: &World, name: &str, made: &str, place: &Place, archive: &str) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    let what = format!("the volume {name}");
    let Some(volume) = engine.volume(name)? else { return Ok(()) };
    if volume.created != made {
        return stays(world, &what, "it is another one of that name by now");
    }
    let Some(copied) = archived(world, name, place, archive)? else {
        return stays(world, &what, "somebody has come to use it");
    };
    if let Some(user) = user_of_volume(engine, name)? {
        return stays(world, &what, &format!("{user} has come to use it"));
    }
    read_back(world, name, &copied.0, &copied.1)?;
    let removed = engine.remove_volume(name);
    match (removed, user_of_volume(engine, name)?) {
        (Err(_), Some(user)) => stays(world, &what, &format!("{user} has come to use it")),
        (removed, _) => removed,
    }
}

/// The archive, and where in it the volume is; `None`: it was in use when the others were archived.
fn archived(world: &World, name: &str, place: &Place, archive: &str) -> Result<Option<(Content, String)>> {
    go_on(world)?;
    let content = Repository::open(place)?.content(archive, false)?;
    let path = content.manifest()?.volumes.into_iter().find(|copied| copied.volume == name).map(|copied| copied.path);
    Ok(path.map(|path| (content, path)))
}

/// What the repository gives back must be what the volume holds now, entry by entry.
fn read_back(world: &World, name: &str, content: &Content, path: &str) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    let what = || Error::failed(format!("read the archive of the volume {name}"));
    let holder = format!("xtask-{}-{}-now", world.run.short(), segment(name).replace('%', "_"));
    let holder = engine.create_holder(&holder, &any_image(world)?, (RUN_LABEL, world.run.as_str()), name)?;
    let now = Listing::read(engine.read_archive(&holder, HELD_AT)?)?;
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

fn remove_network(world: &World, id: &str, name: &str) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    let what = format!("the network {name}");
    if engine.network(id)?.is_none() {
        return Ok(());
    }
    if let Some(user) = user_of_network(engine, id, name)? {
        return stays(world, &what, &format!("{user} has come to use it"));
    }
    match (engine.remove_network(id), user_of_network(engine, id, name)?) {
        (Err(_), Some(user)) => stays(world, &what, &format!("{user} has come to use it")),
        (removed, _) => removed,
    }
}

fn remove_image(world: &World, id: &str, names: &[String]) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    let what = format!("the image {}", names.join(", "));
    let Some(image) = engine.image(id)? else { return Ok(()) };
    if let Some(user) = user_of_image(engine, id)? {
        return stays(world, &what, &format!("{user} was made of it meanwhile"));
    }
    if image.tags.iter().any(|tag| !names.contains(tag)) {
        return stays(world, &what, "it has got another name");
    }
    for name in names {
        let same = engine.image(name)?.is_some_and(|image| image.id == id);
        if same && !engine.untag(name)? {
            return stays(world, &what, "something was made of it meanwhile");
        }
    }
    Ok(())
}

/// Of what was archived: whole, and as it was.
pub(super) fn intact(content: &Content, path: &str, stream: &crate::backup::Stream) -> Result<()> {
    use sha2::{Digest, Sha256};
    let failed = |error: std::io::Error| Error::failed("read the archive of an image").why(error.to_string());
    let (mut from, mut whole, mut piece) = (content.stream(path, stream), Sha256::new(), vec![0; 64 << 10]);
    loop {
        match std::io::Read::read(&mut from, &mut piece).map_err(failed)? {
            0 => break,
            read => whole.update(&piece[..read]),
        }
    }
    if crate::backup::hex(&whole.finalize()) == stream.sha256 {
        return Ok(());
    }
    Err(Error::failed("read the archive of an image").why("it is not what was stored"))
}

/// The definition that a run has kept.
pub(super) fn spec(world: &World, spec: &Sha) -> Result<crate::engine::NetworkSpec> {
    crate::engine::NetworkSpec::from_bytes(&world.blobs.get(spec)?)
}
