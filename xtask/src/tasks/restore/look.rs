//! What a restore would replace, and who uses it now. Reads only.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::actions::{Exchange, FillBeside, Quieted, Refill, Revived, TakeBackup};
use crate::backup::{Copied, Manifest, Place, Repository, Stored};
use crate::engine::{Container, Engine, Health};
use crate::error::{Error, Result};
use crate::guards::Checked;
use crate::project::Stack;
use crate::saga::RunId;
use crate::tasks::Context;
use crate::tasks::backup::{look as backup_look, usable};
use crate::tasks::deploy::look::Standing;

use super::Request;
use super::servers::{self, Or};

/// A restore that is to be.
pub struct Planned {
    pub guards: Vec<Checked>,
    pub fill: FillBeside,
    pub exchange: Exchange,
    /// The servers to count in afterwards.
    pub revived: Vec<Revived>,
    pub safety: Safety,
    pub settle_secs: u64,
    pub projects: Vec<String>,
    /// Containers that must be well afterwards.
    pub well: Vec<String>,
}

/// The backup of what is there before.
pub struct Safety {
    pub take: TakeBackup,
    pub wanted: bool,
}

/// # Errors
/// `Unusable`: the backup's stack is not of this project, or there is nothing in it for these services.
pub fn look(cx: &Context<'_>, request: &Request, place: &Place, backup: &Stored, run: &RunId) -> Result<Planned> {
    let summary = &backup.summary;
    let stack = stack_of(cx, backup)?;
    let manifest = Repository::open(place)?.content(&summary.name, false)?.manifest()?;
    nothing_for(&manifest, &request.services)?;
    let safety = backup_look::look(cx, stack, &crate::tasks::backup::Request::default(), place, run)?;
    cx.masker.replace(crate::tasks::hidden::masker(&safety.secrets));
    let (take, apart, standing) = (safety.take, safety.apart, Standing::of_files(cx, stack)?.0);
    let engine = standing.live.engine.as_ref();
    let everybody = everybody(engine)?;
    let mut fill = FillBeside { place: place.clone(), name: summary.name.clone(), volumes: Vec::new(), servers: Vec::new() };
    let (mut wrong, mut versions, mut revived) = (Vec::new(), Vec::new(), Vec::new());
    for dump in servers::dumped(&manifest, &request.services) {
        versions.extend(servers::other_version(&standing.containers, dump));
        match servers::reload(engine, &standing.containers, &everybody, dump, run)? {
            Ok((reload, server)) => {
                fill.servers.push(reload);
                revived.push(server);
            }
            Err(why) => wrong.push(why),
        }
    }
    for copied in volumes(&manifest, &request.services) {
        // Of what is there both ways, the dump is the one that fits itself.
        if fill.servers.iter().any(|reload| reload.refill.volume == copied.volume) {
            continue;
        }
        match refill(engine, &copied.volume, run)? {
            Ok(refill) => fill.volumes.push(refill),
            Err(why) => wrong.push(why),
        }
    }
    if fill.servers.is_empty() && fill.volumes.is_empty() && wrong.is_empty() {
        wrong.push("it has dumps of files, and not the volume that they are in".to_string());
    }
    if summary.project != take.summary.project {
        wrong.push(format!("the backup is of the compose project {}, and this stack is {}", summary.project, take.summary.project));
    }
    let replaced: BTreeSet<&str> = fill.refills().map(|refill| refill.volume.as_str()).collect();
    let uses = |container: &&Container| container.mounts.iter().any(|mount| replaced.contains(mount.name.as_str()));
    let users: Vec<Quieted> = everybody.iter().filter(uses).map(quieted).collect();
    let asleep = |id: &str| standing.containers.iter().find(|container| container.id == id && !container.is_up());
    let idle: Vec<Quieted> = revived.iter().filter_map(|server| asleep(&server.container)).map(quieted).collect();
    let exchange = Exchange { refills: fill.refills().cloned().collect(), users, idle, held: Vec::new() };
    let running = exchange.users.iter().filter(|_| !request.stop).map(|user| format!("{} runs and uses the data", user.name)).collect();
    let mut guards = vec![
        Checked::new("restorable", wrong, "restore on the engine's own machine, as a user who may write to its volumes"),
        Checked::new("same-version", versions, version_help(&manifest)),
        Checked::new("nobody-uses-it", running, "stop it, or let it be stopped for the moment of the change with --stop"),
    ];
    let was_well = |container: &&Container| container.is_up() && container.state.health != Some(Health::Unhealthy);
    let mut well: Vec<String> = standing.containers.iter().filter(was_well).map(|container| container.id.clone()).collect();
    well.extend(exchange.users.iter().chain(&exchange.idle).map(|user| user.id.clone()));
    well.sort();
    well.dedup();
    let safety = Safety { take, wanted: !request.no_backup };
    guards.extend(if safety.wanted { vec![apart, usable::writable(place)?] } else { vec![usable::apart_from(place, fill.refills())] });
    Ok(Planned {
        guards,
        fill,
        exchange,
        revived,
        safety,
        settle_secs: standing.settings.settle,
        projects: vec![summary.project.clone()],
        well,
    })
}

pub fn stack_of<'c>(cx: &'c Context<'_>, backup: &Stored) -> Result<&'c Stack> {
    let stacks = cx.project.select(std::slice::from_ref(&backup.summary.stack))?;
    stacks.into_iter().next().ok_or_else(|| Error::unusable(format!("there is no stack {}", backup.summary.stack)))
}

/// A dump goes into a server of its own version; the image is named by which it was made.
pub fn version_help(manifest: &Manifest) -> String {
    let images: BTreeSet<&str> = manifest.dumps.iter().map(|dump| dump.image.as_str()).collect();
    let images = images.into_iter().collect::<Vec<_>>().join(", ");
    format!(
        "start the service with the image that was dumped (of {images}) and restore then, or load `backup show --dump SERVICE/WHAT` by hand"
    )
}

/// # Errors
/// `Unusable`: the backup has nothing, or nothing of one of the services.
pub fn nothing_for(manifest: &Manifest, services: &[String]) -> Result<()> {
    let has = |service: &&String| {
        manifest.dumps.iter().any(|dump| dump.service == **service)
            || manifest.volumes.iter().any(|copied| copied.users.iter().any(|user| user.service == **service))
    };
    if let Some(service) = services.iter().find(|service| !has(service)) {
        return Err(Error::unusable(format!("restore {service}"))
            .why(format!("{} has no dump and no volume of it", manifest.name))
            .help("`cargo xtask backup show` says what is in a backup"));
    }
    if manifest.dumps.is_empty() && manifest.volumes.is_empty() {
        return Err(Error::unusable("restore").why(format!("{} has no dumps and no volumes", manifest.name)));
    }
    Ok(())
}

/// The volumes of these services; all, when none is named.
pub fn volumes<'m>(manifest: &'m Manifest, services: &[String]) -> Vec<&'m Copied> {
    let wanted = |copied: &&Copied| services.is_empty() || copied.users.iter().any(|user| services.contains(&user.service));
    manifest.volumes.iter().filter(wanted).collect()
}

/// Or why it cannot be done here.
pub fn refill(engine: &dyn Engine, name: &str, run: &RunId) -> Result<Or<Refill>> {
    let Some(volume) = engine.volume(name)? else {
        return Ok(Err(format!("there is no volume {name}: create it, empty, by starting the stack")));
    };
    if volume.driver != "local" || !volume.options.is_empty() {
        return Ok(Err(format!("the volume {name} is not a plain folder of the engine")));
    }
    let folder = Path::new(&volume.mountpoint);
    let parent = folder.parent().unwrap_or(Path::new("/"));
    let writable = nix::unistd::access(parent, nix::unistd::AccessFlags::W_OK).is_ok();
    match std::fs::symlink_metadata(folder) {
        Ok(meta) if meta.is_dir() && writable => Ok(Ok(Refill {
            volume: name.to_string(),
            folder: folder.to_path_buf(),
            inode: meta.ino(),
            fresh: format!("{name}-xtask-{}", run.short()),
        })),
        _ => Ok(Err(format!("the folder of the volume {name} cannot be changed from here"))),
    }
}

/// Every container of the engine that runs.
pub fn everybody(engine: &dyn Engine) -> Result<Vec<Container>> {
    let mut found = Vec::new();
    for listed in engine.containers(&[])? {
        found.extend(engine.container(&listed.id)?.filter(Container::is_up));
    }
    Ok(found)
}

pub fn quieted(container: &Container) -> Quieted {
    let grace_ms = u64::try_from(container.stop_grace.as_millis()).unwrap_or(u64::MAX);
    Quieted { id: container.id.clone(), name: container.name.clone(), stop: true, grace_ms }
}
