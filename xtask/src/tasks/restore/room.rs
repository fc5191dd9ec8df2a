//! Whether a copy of what a backup holds fits beside what is there.

use crate::backup::Manifest;
use crate::engine::Engine;
use crate::guards::deploy::Room;

/// A loaded database is larger than its dump: it has indexes, and a log of what was written.
const LOADED: u64 = 2;

/// For these volumes, and the dumps of these services. `None`: it cannot be seen from here.
pub fn room(engine: &dyn Engine, manifest: &Manifest, volumes: &[&str], services: &[&str]) -> Option<Room> {
    let copied = manifest.volumes.iter().filter(|copied| volumes.contains(&copied.volume.as_str())).map(|copied| copied.bytes);
    let dumped = manifest.dumps.iter().filter(|dump| services.contains(&dump.service.as_str()));
    let needed = copied.chain(dumped.map(|dump| dump.stream.bytes.saturating_mul(LOADED))).sum();
    free(engine).map(|free| Room { free, needed })
}

/// Bytes that are free where the engine keeps its volumes.
pub fn free(engine: &dyn Engine) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(engine.info().ok()?.root_dir.as_str()).ok()?;
    Some(stat.blocks_available().saturating_mul(stat.fragment_size()))
}
