//! What a server keeps, made anew from its dumps: a server like it fills a new volume, in no network, and ends.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use super::super::World;
use super::revive::{Base, Server, Tally};
use crate::backup::adapters::counted;
use crate::backup::{Content, Dump, Manifest, Place, Repository};
use crate::error::{Error, Result};

/// So many tables that have changed are named.
const NAMED: usize = 5;

/// Fills the volume of the base with all dumps of the service. `folders` are those of the live volume and of the new
/// one, which gets the owner and the mode of the first.
///
/// # Errors
/// `Failed`: the server does not take a dump, has not what was counted, or does not end by itself.
pub fn load(
    world: &World,
    content: &Content,
    manifest: &Manifest,
    service: &str,
    base: Base<'_>,
    folders: Option<(&Path, &Path)>,
) -> Result<()> {
    let dumps = dumps_of(manifest, service);
    let none = || Error::failed(format!("restore {service}")).why("the backup has no dump of it");
    let server = Server::make(world, dumps.first().ok_or_else(none)?, base)?;
    // The engine has given it those of the image's folder by now; whoever does not run as root could not change them.
    folders.map_or(Ok(()), |(live, fresh)| own_alike(live, fresh))?;
    server.load(&dumps, content, |dump, tally| restored(world, dump, tally))?;
    server.end(service)
}

pub fn dumps_of<'m>(manifest: &'m Manifest, service: &str) -> Vec<&'m Dump> {
    manifest.dumps.iter().filter(|dump| dump.service == service).collect()
}

/// Says of a dump that it was restored, and what was compared.
pub fn restored(world: &World, dump: &Dump, tally: &Tally) {
    let sums = if tally.sums.is_empty() { "" } else { ", and their contents" };
    let counted =
        counted(&dump.adapter, &tally.counts).map_or_else(String::new, |counted| format!(": {counted}{sums}, as when it was dumped"));
    world.proven(format!("the dump {} of {}", dump.what, dump.service), format!("restored into {}{counted}", dump.image));
}

fn own_alike(live: &Path, fresh: &Path) -> Result<()> {
    let meta = std::fs::symlink_metadata(live).map_err(|error| Error::io("look at", live, error))?;
    chown(fresh, Some(meta.uid()), Some(meta.gid())).map_err(|error| Error::io("give its owner to", fresh, error))?;
    let mode = std::fs::Permissions::from_mode(meta.mode() & 0o7777);
    std::fs::set_permissions(fresh, mode).map_err(|error| Error::io("give its mode to", fresh, error))
}

/// A live server on restored data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revived {
    pub service: String,
    /// What runs it.
    pub container: String,
    /// Nobody else reaches it, so nobody writes to it at once.
    pub alone: bool,
}

/// What the live servers now say of what was restored into them.
///
/// # Errors
/// `Failed`: a server is not ready, or has not what was restored: whatever was counted must be there, and as much of
/// it where nobody else reaches the server.
pub fn recount(world: &World, place: &Place, name: &str, servers: &[Revived]) -> Result<()> {
    if servers.is_empty() {
        return Ok(());
    }
    let manifest = Repository::open(place)?.content(name, false)?.manifest()?;
    for revived in servers {
        let label = format!("{} on the restored data", revived.service);
        let (mut changed, mut found, mut kind) = (Vec::new(), BTreeMap::new(), String::new());
        for dump in dumps_of(&manifest, &revived.service) {
            let server = Server::running(world, &revived.container, &dump.adapter)?;
            server.ready(&revived.service)?;
            let tally = server.counts(dump)?;
            let (missing, different) = (tally.missing(dump), tally.differences(dump));
            if !missing.is_empty() {
                return Err(Error::failed(label).why(format!("{} has no {}", dump.what, missing.join(", "))));
            }
            if revived.alone && !different.is_empty() {
                return Err(Error::failed(label).why(format!("{}: {}", dump.what, different.join("; "))));
            }
            found.extend(tally.counts.into_iter().map(|(name, count)| (format!("{}/{name}", dump.what), count)));
            changed.extend(different);
            kind.clone_from(&dump.adapter);
        }
        if changed.is_empty() {
            let counted = counted(&kind, &found).unwrap_or_else(|| "it is ready".to_string());
            world.proven(label, format!("{counted}, as in {name}"));
        } else {
            changed.truncate(NAMED);
            world.not_proven(label, format!("nobody who writes to it already: {}", changed.join("; ")));
        }
    }
    Ok(())
}
