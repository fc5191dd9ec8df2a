//! The data that goes back with a release: as it was when that release was left.

use std::collections::{BTreeMap, BTreeSet};

use super::backup::chosen;
use super::found::{Found, missing};
use crate::actions::{Action, DropReplaced, Exchange, FillBeside, PublishBackup, Quieted, ReadBack, Revived, TakeBackup, World, recount};
use crate::backup::Place;
use crate::engine::{Container, Mount, Spec};
use crate::error::Result;
use crate::guards::Checked;
use crate::guards::deploy::room_for_data;
use crate::project::Stack;
use crate::release::Release;
use crate::saga::{Lock, Proof, RunId, Sha, Verdict, now_ms};
use crate::tasks::Context;
use crate::tasks::backup::look::{self, Planned};
use crate::tasks::backup::{Request, place, usable, verify};
use crate::tasks::deploy::look::{Standing, containers};
use crate::tasks::deploy::records::Recorded;
use crate::tasks::history::readable;
use crate::tasks::restore::look::{everybody, quieted, version_help};
use crate::tasks::restore::room::room;
use crate::tasks::restore::servers::is_alone;
use crate::text::age;

/// What the caller wants of the data.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The backup by name, or the beginning of it; without one, the last that was made while the release ran.
    pub backup: Option<String>,
    /// What is there now is not backed up first.
    pub no_backup: bool,
}

/// Before anything is looked at: which repository, and the backup of what is there now.
pub struct Before {
    pub place: Place,
    pub safety: Option<Planned>,
}

/// A service of the release: the image's name, and the specifications of its containers with their contents' names.
pub struct Tenancy<'s> {
    pub image: &'s str,
    pub specs: Vec<(&'s Spec, &'s Sha)>,
}

/// The data of a release, and what is done so that it is back.
pub struct Data {
    pub guards: Vec<Checked>,
    /// For people, before anybody is asked.
    pub lines: Vec<String>,
    /// What is asked, to be answered with the project's name.
    pub question: String,
    pub backup: String,
    /// Services that use what is replaced, in the release or now.
    pub users: BTreeSet<String>,
    /// Servers that load dumps.
    pub servers: BTreeSet<String>,
    place: Place,
    safety: Option<TakeBackup>,
    fill: FillBeside,
    exchange: Exchange,
}

/// Nobody else is at the repository meanwhile.
pub fn lock(cx: &Context<'_>) -> Result<Option<Lock>> {
    if cx.dry_run { Ok(None) } else { place::lock(cx, &place::of(cx, None)?).map(Some) }
}

/// Looked for before anything else, for each look says anew what must not be shown.
pub fn before(cx: &Context<'_>, stack: &Stack, wanted: &Wanted, run: &RunId) -> Result<Before> {
    let place = place::of(cx, None)?;
    let safety = if wanted.no_backup {
        None
    } else {
        let without = "--no-backup leaves out the backup of what is there now";
        let planned = look::look(cx, stack, &Request::default(), &place, run).map_err(|error| {
            let help = error.help.as_ref().map_or_else(|| without.to_string(), |help| format!("{help}; {without}"));
            error.help(help)
        })?;
        (!planned.is_empty()).then_some(planned)
    };
    Ok(Before { place, safety })
}

impl Data {
    /// # Errors
    /// `Refused`: there is no backup of that time. `Unusable`: the repository cannot be read.
    pub fn look(
        cx: &Context<'_>,
        standing: &Standing<'_>,
        recorded: &Recorded,
        target: &Release,
        services: &BTreeMap<String, Tenancy<'_>>,
        (before, wanted): (Before, &Wanted),
        run: &RunId,
    ) -> Result<Data> {
        let engine = standing.live.engine.as_ref();
        let Before { place, safety } = before;
        let backup = chosen(cx, standing, recorded, target, &place, wanted.backup.as_deref())?;
        let name = backup.summary.name.clone();
        let manifest = place::open(cx, &place)?.content(&name, false)?.manifest()?;
        let mut found = Found::default();
        let fill = found.fill(standing, &manifest, services, &place, run)?;
        let mut guards = match &safety {
            Some(planned) => vec![planned.apart.clone(), usable::writable(&place)?],
            None => vec![usable::apart_from(&place, fill.refills())],
        };
        let safety = safety.map(|planned| planned.take);
        let volumes: BTreeSet<&str> = fill.refills().map(|refill| refill.volume.as_str()).collect();
        let running = everybody(engine)?;
        let uses = |mounts: &[Mount]| mounts.iter().any(|mount| volumes.contains(mount.name.as_str()));
        let own = |container: &Container| standing.containers.iter().any(|one| one.id == container.id);
        let held: Vec<Quieted> = running.iter().filter(|one| own(one) && uses(&one.mounts)).map(quieted).collect();
        let others = running.iter().filter(|one| !own(one) && uses(&one.mounts));
        let others = others.map(|one| format!("{} runs, is no part of this stack, and uses the data", one.name)).collect();
        let mut users: BTreeSet<String> =
            standing.containers.iter().filter(|one| uses(&one.mounts)).map(|one| one.service().to_string()).collect();
        let then = services.iter().filter(|(_, service)| service.specs.iter().any(|(spec, _)| uses(&spec.mounts())));
        users.extend(then.map(|(name, _)| name.clone()));
        let at = readable(backup.summary.at_ms);
        let lost = format!(
            "everything that was written to {} since {at}, {} ago, goes",
            volumes.iter().copied().collect::<Vec<_>>().join(", "),
            age(now_ms().saturating_sub(backup.summary.at_ms))
        );
        let missing = missing(cx, services, &volumes);
        let named: Vec<&str> = fill.volumes.iter().map(|refill| refill.volume.as_str()).collect();
        let servers: BTreeSet<String> = fill.servers.iter().map(|reload| reload.service.clone()).collect();
        let room = room(engine, &manifest, &named, &servers.iter().map(String::as_str).collect::<Vec<_>>());
        let cover = format!(
            "`cargo xtask backup show {name}` says what is in it; --with-data=BACKUP names another one; overridden, what is missing stays as it is today"
        );
        guards.extend([
            Checked::new("restorable", found.wrong, "restore on the engine's own machine, as a user who may write to its volumes"),
            Checked::new("same-version", found.versions, version_help(&manifest)),
            Checked::new("covered", missing, cover),
            Checked::new("nobody-else-uses-it", others, "stop it until this is done"),
            room_for_data(room),
        ]);
        let exchange = Exchange { refills: fill.refills().cloned().collect(), users: Vec::new(), idle: Vec::new(), held };
        let mut lines = Vec::new();
        lines.extend(safety.iter().map(|take| format!("back up what is there now, as {}", take.summary.name)));
        let ran = backup.summary.release.as_ref().map_or_else(String::new, |id| format!(" while {id} ran"));
        lines.push(format!("put the data of {name} back, made {at}{ran}: {lost}"));
        let hot =
            backup.summary.hot.then(|| "volumes of it were copied while they were written to: files may not fit each other".to_string());
        lines.extend(hot);
        lines.extend(servers.iter().map(|service| {
            format!("{service}: its dumps are loaded into a server as it was in {}, beside everything else; users and their passwords are those of then", target.id)
        }));
        lines.extend(found.lines);
        let question = format!("The data of {} goes back with the release: {lost}.", standing.stack.id);
        Ok(Data { guards, lines, question, backup: name, users, servers, place, safety, fill, exchange })
    }

    /// What is there now is backed up, and that backup read back; it stays, whatever becomes of the run.
    pub fn saving(&self) -> Vec<Action> {
        let Some(take) = &self.safety else { return Vec::new() };
        let publish = PublishBackup { place: self.place.clone(), name: take.summary.name.clone() };
        vec![Action::TakeBackup(Box::new(take.clone())), Action::ReadBack(ReadBack::of(take)), Action::KeepBackup(publish)]
    }

    /// While everybody still works.
    pub fn filling(&self) -> Action {
        Action::FillBeside(self.fill.clone())
    }

    /// When nobody does.
    pub fn exchanging(&self) -> Action {
        Action::Exchange(self.exchange.clone())
    }

    /// After the commit.
    pub fn dropping(&self) -> Action {
        Action::DropReplaced(DropReplaced { volumes: self.fill.refills().map(|refill| refill.fresh.clone()).collect() })
    }

    /// The live servers have what was restored. What steps have said is in the proof already.
    ///
    /// # Errors
    /// `Failed`: one has not.
    pub fn prove(
        &self,
        cx: &Context<'_>,
        world: &World,
        standing: &Standing<'_>,
        replaced: &[String],
        mut proof: Proof,
    ) -> Result<Verdict> {
        world.said.take();
        let engine = standing.live.engine.as_ref();
        let running = everybody(engine)?;
        let here: Vec<Container> =
            containers(engine, &standing.call)?.into_iter().filter(|one| one.is_up() && !replaced.contains(&one.id)).collect();
        let of = |service: &String| here.iter().find(|one| one.service() == service);
        let revived: Vec<Revived> = self
            .servers
            .iter()
            .filter_map(|service| {
                let container = of(service)?;
                Some(Revived { service: service.clone(), container: container.id.clone(), alone: is_alone(container, &running) })
            })
            .collect();
        recount(world, &self.place, &self.backup, &revived)?;
        verify::proven(cx, world, &mut proof);
        Ok(Verdict::Holds(proof))
    }
}
