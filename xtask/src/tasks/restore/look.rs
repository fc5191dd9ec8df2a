//! What a restore would replace, and who uses it now. Reads only.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::actions::{PutBack, Quieted, Refill, TakeBackup};
use crate::backup::{Copied, Manifest, Place, Repository, Stored};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::guards::Checked;
use crate::saga::RunId;
use crate::tasks::Context;
use crate::tasks::backup::look as backup_look;
use crate::tasks::deploy::look::Looked;

use super::Request;

/// A restore that is to be.
pub struct Planned {
    pub guards: Vec<Checked>,
    pub put: PutBack,
    pub safety: Safety,
    pub settle_secs: u64,
    pub projects: Vec<String>,
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
    let stacks = cx.project.select(std::slice::from_ref(&summary.stack))?;
    let stack = stacks.into_iter().next().ok_or_else(|| Error::unusable(format!("there is no stack {}", summary.stack)))?;
    let content = Repository::open(place)?.content(&summary.name, false)?;
    let manifest = content.manifest()?;
    let safety = backup_look::look(cx, stack, &crate::tasks::backup::Request::default(), place, run)?;
    cx.masker.replace(crate::tasks::hidden::masker(&safety.secrets));
    let (take, standing) = (safety.take, Looked::look(cx, stack, None)?.standing);
    let engine = standing.live.engine.as_ref();
    let chosen = chosen(&manifest, &request.services)?;
    let mut wrong = Vec::new();
    let mut volumes = Vec::new();
    for copied in &chosen {
        match refill(engine, copied, run)? {
            Ok(refill) => volumes.push(refill),
            Err(why) => wrong.push(why),
        }
    }
    if summary.project != take.summary.project {
        wrong.push(format!("the backup is of the compose project {}, and this stack is {}", summary.project, take.summary.project));
    }
    let users = users(engine, &chosen)?;
    let running = users.iter().filter(|_| !request.stop).map(|user| format!("{} runs and uses the data", user.name)).collect();
    let guards = vec![
        Checked::new("restorable", wrong, "restore on the engine's own machine, as a user who may write to its volumes"),
        Checked::new("nobody-uses-it", running, "stop it, or let it be stopped for the moment of the change with --stop"),
    ];
    let put = PutBack { place: place.clone(), name: summary.name.clone(), volumes, users };
    let safety = Safety { take, wanted: !request.no_backup };
    Ok(Planned { guards, put, safety, settle_secs: standing.settings.settle, projects: vec![summary.project.clone()] })
}

/// The volumes of these services. Dumps are not restored in place: for a service that has nothing else, that is said.
fn chosen<'m>(manifest: &'m Manifest, services: &[String]) -> Result<Vec<&'m Copied>> {
    let wanted = |service: &str| services.is_empty() || services.iter().any(|one| one == service);
    let volumes: Vec<&Copied> =
        manifest.volumes.iter().filter(|copied| services.is_empty() || copied.users.iter().any(|user| wanted(&user.service))).collect();
    let dumped: BTreeSet<&str> = manifest.dumps.iter().map(|dump| dump.service.as_str()).filter(|service| wanted(service)).collect();
    let named = services.iter().find(|service| dumped.contains(service.as_str()));
    if let Some(service) = named.or(volumes.is_empty().then_some(services.first()).flatten()) {
        return Err(Error::unusable(format!("restore {service} in place"))
            .why("only volumes are restored in place, and of it the backup has a dump, or nothing")
            .help("`cargo xtask backup show --dump SERVICE/WHAT` writes a dump for its own client"));
    }
    if volumes.is_empty() {
        return Err(Error::unusable("restore in place").why("the backup has no volumes"));
    }
    if let Some(service) = dumped.first() {
        return Err(Error::unusable("restore the whole backup in place")
            .why(format!("only volumes are restored in place, and of {service} it has a dump"))
            .help("name the services whose volumes are to be restored with --service"));
    }
    Ok(volumes)
}

/// Or why it cannot be done here, as a sentence.
fn refill(engine: &dyn Engine, copied: &Copied, run: &RunId) -> Result<std::result::Result<Refill, String>> {
    let name = &copied.volume;
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
            volume: name.clone(),
            folder: folder.to_path_buf(),
            inode: meta.ino(),
            fresh: format!("{name}-xtask-{}", run.short()),
        })),
        _ => Ok(Err(format!("the folder of the volume {name} cannot be changed from here"))),
    }
}

/// Everybody on the engine who runs and has one of the volumes, also read-only.
fn users(engine: &dyn Engine, chosen: &[&Copied]) -> Result<Vec<Quieted>> {
    let mut users = Vec::new();
    for listed in engine.containers(&[])? {
        let Some(container) = engine.container(&listed.id)?.filter(|container| container.is_up()) else { continue };
        if container.mounts.iter().any(|mount| chosen.iter().any(|copied| copied.volume == mount.name)) {
            let grace_ms = u64::try_from(container.stop_grace.as_millis()).unwrap_or(u64::MAX);
            users.push(Quieted { id: container.id, name: container.name, stop: true, grace_ms });
        }
    }
    Ok(users)
}
