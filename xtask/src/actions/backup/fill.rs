//! A new volume that holds what a backup holds of one: written through the engine, and read back.

use std::io::{self, Read, Write};

use super::super::World;
use super::copy::direct;
use super::go_on;
use crate::backup::{Content, Copied, Listing};
use crate::engine::remove::RUN_LABEL;
use crate::engine::{Engine, HELD_AT, Scratch};
use crate::error::{Error, Result};

/// Writes it into the volume, which must be new, and compares what is then in it. Says how many
/// entries that are.
///
/// # Errors
/// `Failed`: the backup is damaged, or the volume does not hold what was written.
pub fn fill(world: &World, content: &Content, copied: &Copied, volume: &str) -> Result<usize> {
    let engine = world.live()?.engine.as_ref();
    world.cancel.now(&format!("restoring the volume {}", copied.volume));
    let image = any_image(world)?;
    let name = format!("{volume}-holder");
    // A folder's owner and mode come back only where it is an entry of the archive itself. Some images name no program; it
    // is never started.
    let label = (RUN_LABEL, world.run.as_str());
    let scratch = Scratch { image: &image, label, volumes: &[(volume, HELD_AT)], program: Some(":"), env: Vec::new() };
    let holder = engine.create_scratch(&name, &scratch)?;
    let wanted = write(world, content, copied, &holder)?;
    let found = held(world, engine, &holder, volume)?;
    engine.remove_container(&holder)?;
    let differences = wanted.differences(&found);
    if differences.is_empty() {
        return Ok(found.entries());
    }
    Err(Error::failed(format!("restore the volume {}", copied.volume)).why(format!("not what was stored: {}", differences.join(", "))))
}

/// What is in a volume now: in its folder, where this machine has it, else as the engine says.
pub fn held(world: &World, engine: &dyn Engine, holder: &str, volume: &str) -> Result<Listing> {
    go_on(world)?;
    let made = engine.volume(volume)?;
    match made.map_or(Ok(None), |made| direct(engine, &made, holder, HELD_AT))? {
        Some(folder) => Listing::of_folder(&folder),
        None => Listing::read(engine.read_archive(holder, HELD_AT)?),
    }
}

/// What was written, as it was written.
fn write(world: &World, content: &Content, copied: &Copied, holder: &str) -> Result<Listing> {
    let engine = world.live()?.engine.as_ref();
    let unmade = |error: io::Error| Error::failed("make a pipe").why(error.to_string());
    let (from, into) = io::pipe().map_err(unmade)?;
    let (noted, note) = io::pipe().map_err(unmade)?;
    std::thread::scope(|scope| {
        let listing = scope.spawn(move || Listing::read(noted));
        let packing = scope.spawn(move || content.pack(&copied.path, HELD_AT.trim_start_matches('/'), &mut Both(into, note)));
        let written = engine.write_archive(holder, "/", &mut Watched { from, world });
        let died = || Error::failed(format!("restore the volume {}", copied.volume));
        let packed = packing.join().map_err(|_| died())?;
        let listing = listing.join().map_err(|_| died())?;
        // Whoever listens to a pipe that breaks says less than who has broken it.
        go_on(world)?;
        packed.and(written).and(listing)
    })
}

/// Ends when somebody wants to stop.
struct Watched<'w, R> {
    from: R,
    world: &'w World,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        go_on(self.world).map_err(|error| io::Error::other(error.to_string()))?;
        self.from.read(into)
    }
}

struct Both<A, B>(A, B);

impl<A: Write, B: Write> Write for Both<A, B> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.write_all(piece)?;
        self.1.write_all(piece)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
}

/// A container that is never started may be made of any.
pub fn any_image(world: &World) -> Result<String> {
    let images = world.live()?.engine.images("")?;
    let smallest = images.into_iter().min_by_key(|image| image.size_bytes);
    smallest.map(|image| image.id).ok_or_else(|| Error::failed("restore a volume").why("the engine has no image to make a container of"))
}
