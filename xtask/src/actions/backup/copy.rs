//! Volumes, file by file: from their mount point on this machine, or as the engine's archive.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::World;
use super::quiet::Silence;
use super::{go_on, to_bytes};
use crate::backup::{Copied, Extent, Pause, Quiet, WantedCopy, Way, Writer, segment};
use crate::engine::remove::RUN_LABEL;
use crate::engine::{Engine, HELD_AT, Volume};
use crate::error::{Error, Result};

/// # Errors
/// The volume is gone, a container cannot be paused, or something cannot be read.
pub fn copy(world: &World, wanted: &WantedCopy, writer: &mut Writer) -> Result<Copied> {
    go_on(world)?;
    let began = Instant::now();
    world.cancel.now(&format!("copying the volume {}", wanted.volume));
    let engine = world.live()?.engine.as_ref();
    let missing = || Error::failed(format!("copy the volume {}", wanted.volume)).why("there is none");
    let volume = engine.volume(&wanted.volume)?.ok_or_else(missing)?;
    let (container, at) = match &wanted.from {
        Some((container, at)) => (container.clone(), at.clone()),
        None => (holder(world, wanted)?, HELD_AT.to_string()),
    };
    let own = format!("/volumes/{}", segment(&wanted.volume));
    let path = format!("{own}/data");
    let silence = Silence::over(world, &wanted.writers, wanted.way_to_be_quiet)?;
    let (extent, way) = match direct(engine, &volume, &container, &at)? {
        Some(folder) => (writer.folder(&path, &folder, wanted.way_to_be_quiet == Pause::Hot)?, Way::Direct),
        None => (archive(world, engine, &container, &at, &path, writer)?, Way::Engine),
    };
    let not_kept = if way == Way::Engine { vec!["xattrs".to_string(), "holes".to_string(), "sockets".to_string()] } else { Vec::new() };
    let copied = Copied {
        volume: wanted.volume.clone(),
        path,
        entries: extent.entries,
        bytes: extent.bytes,
        quiet: match wanted.way_to_be_quiet {
            _ if wanted.writers.is_empty() => Quiet::Nobody,
            Pause::Pause => Quiet::Paused,
            Pause::Stop => Quiet::Stopped,
            Pause::Hot => Quiet::Hot,
        },
        quieted: wanted.writers.iter().filter(|_| wanted.way_to_be_quiet != Pause::Hot).map(|writer| writer.name.clone()).collect(),
        way,
        driver: volume.driver,
        options: volume.options,
        labels: volume.labels,
        users: wanted.users.clone(),
        not_kept,
        seconds: began.elapsed().as_secs_f64(),
    };
    writer.file(&format!("{own}/volume.json"), 0o600, to_bytes(&copied)?)?;
    // Files are read after they are handed over: they go on once all of them are.
    writer.settle(&|| go_on(world))?;
    silence.end()?;
    Ok(copied)
}

/// Never started, and removed with everything else of the run.
fn holder(world: &World, wanted: &WantedCopy) -> Result<String> {
    let nobody =
        || Error::failed(format!("copy the volume {}", wanted.volume)).why("no container has it, and no image is there to make one of");
    let image = wanted.image.as_ref().ok_or_else(nobody)?;
    let name = format!("xtask-{}-{}", world.run.short(), segment(&wanted.volume).replace('%', "_"));
    world.live()?.engine.create_holder(&name, image, (RUN_LABEL, world.run.as_str()), &wanted.volume)
}

/// The volume's folder, where this machine has it: the engine must say the same of it, or it is another machine's.
pub(super) fn direct(engine: &dyn Engine, volume: &Volume, container: &str, at: &str) -> Result<Option<PathBuf>> {
    let folder = Path::new(&volume.mountpoint);
    let Ok(found) = std::fs::symlink_metadata(folder) else { return Ok(None) };
    if volume.driver != "local" || !found.is_dir() || std::fs::read_dir(folder).is_err() {
        return Ok(None);
    }
    let nanos = found.mtime().rem_euclid(60).cast_unsigned() * 1_000_000_000 + found.mtime_nsec().cast_unsigned();
    let same = engine.stat(container, at)?.is_some_and(|said| said.mode == found.mode() & 0o777 && said.nanos_of_minute == nanos);
    Ok(same.then(|| folder.to_path_buf()))
}

fn archive(world: &World, engine: &dyn Engine, container: &str, at: &str, path: &str, writer: &mut Writer) -> Result<Extent> {
    let mut again = |below: &Path| -> Result<Box<dyn Read>> {
        go_on(world)?;
        let whole = Path::new(at).join(below);
        let name = whole.to_str().ok_or_else(|| Error::failed(format!("read {}", whole.display())).why("its name is not UTF-8"))?;
        engine.read_archive(container, name)
    };
    writer.tar(path, engine.read_archive(container, at)?, &mut again)
}
