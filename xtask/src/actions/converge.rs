//! The one undo of everything that replaces containers: from whatever state, what was recorded runs again.
//!
//! Each pass looks at what is there and does what is missing; passes go on until one finds nothing to
//! do. So it is the same after a failed step, after a kill at any call, and when it was killed itself.

use std::collections::BTreeSet;

use super::World;
use super::keep_stack::{KeptContainer, KeptStack, needs, of_service};
use super::live::{IN_THE_MAKING, StackCall};
use crate::cancel::Cancel;
use crate::engine::wait::{SETTLE, until_well};
use crate::engine::{Container, Engine, Listed, NetworkSpec, Spec, Status};
use crate::error::{Error, Result};

/// More passes than these mean that somebody else works against it.
const PASSES: usize = 8;

pub(super) struct Converge<'a> {
    call: &'a StackCall,
    kept: &'a KeptStack,
    /// Only the containers of this service; all of the stack when none is named.
    service: Option<&'a str>,
    /// A request to stop may be at work on any of them.
    stopping: bool,
    /// What was recorded can serve beside what the run made, so it starts first, and this is done then.
    beside: Option<&'a dyn Fn()>,
}

/// What a recorded container has become.
struct Its<'k> {
    kept: &'k KeptContainer,
    spec: Spec,
    now: Option<Container>,
    /// The namespace that it lives in is gone, so it can never run again.
    broken: Option<String>,
}

impl<'a> Converge<'a> {
    pub fn of(call: &'a StackCall, kept: &'a KeptStack) -> Self {
        Converge { call, kept, service: None, stopping: false, beside: None }
    }

    pub fn service(self, service: &'a str) -> Self {
        Converge { service: Some(service), ..self }
    }

    pub fn stopping(self) -> Self {
        Converge { stopping: true, ..self }
    }

    pub fn beside(self, serving: &'a dyn Fn()) -> Self {
        Converge { beside: Some(serving), ..self }
    }

    /// # Errors
    /// The engine refuses, or the containers are changed by somebody else meanwhile: `Failed`.
    pub fn carry_out(&self, world: &World) -> Result<()> {
        let mut started = BTreeSet::new();
        if let Some(serving) = self.beside
            && self.start_beside(world, &mut started)?
        {
            serving();
        }
        for pass in 0..PASSES {
            if !self.pass(world, pass == 0, &mut started)? {
                return Ok(());
            }
            std::thread::sleep(IN_THE_MAKING);
        }
        Err(Error::failed(format!("put the containers of {} back", self.call.stack)).why("somebody else changes them meanwhile"))
    }

    /// Whether there was anything to do.
    fn pass(&self, world: &World, first: bool, started: &mut BTreeSet<String>) -> Result<bool> {
        let engine = world.live()?.engine.as_ref();
        let (its, newcomers) = self.look(world)?;
        let broken: Vec<&String> = its.iter().filter_map(|one| one.broken.as_ref()).collect();
        let mut changed = !newcomers.is_empty() || !broken.is_empty();
        changed |= self.networks(world)?;
        // Who was started by us a moment ago was found stopped, so no request was at work on it.
        for one in its.iter().filter(|one| one.now.as_ref().is_none_or(|now| !started.contains(&now.id))) {
            changed |= self.outlive_stop(engine, one, &newcomers, first)?;
        }
        for listed in &newcomers {
            if let Some(container) = engine.container(&listed.id)?.filter(Container::is_up) {
                engine.stop(&container.id, container.stop_grace)?;
            }
        }
        for listed in &newcomers {
            engine.remove_container(&listed.id)?;
        }
        for id in broken {
            engine.remove_but_volumes(id)?;
        }
        for one in &its {
            changed |= self.put_back(world, one, &its, started)?;
        }
        Ok(changed)
    }

    /// The recorded containers, and those that the run has made.
    fn look(&self, world: &World) -> Result<(Vec<Its<'a>>, Vec<Listed>)> {
        let engine = world.live()?.engine.as_ref();
        let mut others = of_service(world, self.call, self.service)?;
        others.retain(|listed| !self.kept.containers.iter().any(|kept| kept.id == listed.id));
        let mut its = Vec::new();
        for kept in &self.kept.containers {
            let spec = kept.spec(world)?;
            let mut now = engine.container(&kept.id)?;
            if now.is_none()
                && let Some(place) = made_again(engine, kept, &spec, &others)?
            {
                now = engine.container(&others.remove(place).id)?;
            }
            let broken = match &now {
                Some(container) if !can_run(engine, container)? && knows_owner(&spec, container) => Some(container.id.clone()),
                _ => None,
            };
            its.push(Its { kept, spec, now: now.filter(|_| broken.is_none()), broken });
        }
        Ok((its, others))
    }

    /// A killed client's request to stop may still be at work in the engine, on a container that looks well:
    /// the name says that it was set aside, or Compose has made the one that was to take its place. Stopped
    /// and started by us, it stays up. One that Compose has stopped already is started while its successor
    /// still tells of that: it would else look like a job that came to its end.
    fn outlive_stop(&self, engine: &dyn Engine, one: &Its<'_>, newcomers: &[Listed], first: bool) -> Result<bool> {
        let Some(container) = one.now.as_ref().filter(|_| one.kept.ran) else { return Ok(false) };
        let half_replaced = newcomers.iter().any(|new| replaces(new, &container.id));
        let set_aside = container.name != one.kept.name;
        if half_replaced || (container.is_up() && (set_aside || (self.stopping && first))) {
            engine.restart(&container.id, container.stop_grace)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Somebody may have taken the stack down meanwhile.
    fn networks(&self, world: &World) -> Result<bool> {
        let engine = world.live()?.engine.as_ref();
        let mut changed = false;
        for sha in &self.kept.networks {
            let spec = NetworkSpec::from_bytes(&world.blobs.get(sha)?)?;
            if engine.network(spec.name())?.is_none() {
                engine.make_network(&spec)?;
                changed = true;
            }
        }
        Ok(changed)
    }

    fn put_back(&self, world: &World, one: &Its<'_>, all: &[Its<'_>], started: &mut BTreeSet<String>) -> Result<bool> {
        let engine = world.live()?.engine.as_ref();
        let Some(container) = &one.now else {
            let id = engine.create(&one.kept.name, &one.spec)?;
            if one.kept.ran {
                await_needs(world, one, all)?;
                start(world, &id)?;
                started.insert(id);
            }
            return Ok(true);
        };
        let mut changed = false;
        if container.name != one.kept.name {
            engine.rename(&container.id, &one.kept.name)?;
            changed = true;
        }
        changed |= reconnect(engine, container, &one.spec)?;
        if !can_run(engine, container)? {
            // The next pass makes it again. Recorded when its owner was gone already, it is left to the
            // undo that knows more.
            return Ok(changed || knows_owner(&one.spec, container));
        }
        if one.kept.ran && !container.is_up() && !self.has_ended(one, container) && started.insert(container.id.clone()) {
            await_needs(world, one, all)?;
            start(world, &container.id)?;
            changed = true;
        } else if !one.kept.ran && container.is_up() {
            engine.stop(&container.id, container.stop_grace)?;
            changed = true;
        } else if container.is_up() && lost_its_namespace(engine, container)? {
            engine.restart(&container.id, container.stop_grace)?;
            changed = true;
        }
        Ok(changed)
    }

    /// A job that was at work when it was recorded, and came to its end by itself meanwhile.
    fn has_ended(&self, one: &Its<'_>, container: &Container) -> bool {
        let untouched = self.service.is_none() && container.id == one.kept.id && container.name == one.kept.name;
        untouched
            && !one.kept.serves
            && container.state.status == Status::Exited
            && container.may_end()
            && container.state.exit_code == 0
            && container.state.error.is_empty()
    }

    /// What was recorded serves before what the run made is taken away. Whether anything had to be started.
    fn start_beside(&self, world: &World, started: &mut BTreeSet<String>) -> Result<bool> {
        let engine = world.live()?.engine.as_ref();
        self.networks(world)?;
        let mut back = Vec::new();
        for kept in self.kept.containers.iter().filter(|kept| kept.ran) {
            if engine.container(&kept.id)?.is_some_and(|container| !container.is_up()) {
                start(world, &kept.id)?;
                started.insert(kept.id.clone());
                back.push(kept.id.clone());
            }
        }
        if !back.is_empty() {
            // Whether they are well is asked at the end; here it only spares requests.
            until_well(engine, &back, SETTLE, &world.masker, &Cancel::default())?;
        }
        Ok(!back.is_empty())
    }
}

/// The recorded containers as they are now.
pub(super) fn present<'k>(world: &World, call: &StackCall, kept: &'k KeptStack) -> Result<Vec<(&'k KeptContainer, Container)>> {
    let (its, _) = Converge::of(call, kept).look(world)?;
    Ok(its.into_iter().filter_map(|one| Some((kept.containers.iter().find(|kept| kept.id == one.kept.id)?, one.now?))).collect())
}

/// Starts a container; what the engine says may quote its command.
pub(super) fn start(world: &World, id: &str) -> Result<()> {
    let masked = |error: Error| Error { why: error.why.as_ref().map(|why| world.masker.mask(why).into_owned()), ..error };
    world.live()?.engine.start(id).map_err(masked)
}

/// The place of the container that an earlier pass has made in its stead.
fn made_again(engine: &dyn Engine, kept: &KeptContainer, spec: &Spec, others: &[Listed]) -> Result<Option<usize>> {
    let Some(place) = others.iter().position(|listed| listed.name == kept.name) else { return Ok(None) };
    Ok(engine.spec(&others[place].id)?.is_some_and(|found| found.is_like(spec)).then_some(place))
}

/// Compose makes the new container first, named after the old one's id.
fn replaces(new: &Listed, old_id: &str) -> bool {
    new.name.split_once('_').is_some_and(|(id, _)| id.len() == 12 && old_id.starts_with(id))
}

fn owner(container: &Container) -> Option<&str> {
    container.network_mode.strip_prefix("container:")
}

fn can_run(engine: &dyn Engine, container: &Container) -> Result<bool> {
    match owner(container) {
        Some(owner) => Ok(engine.container(owner)?.is_some()),
        None => Ok(true),
    }
}

fn knows_owner(spec: &Spec, container: &Container) -> bool {
    owner(container).is_some_and(|owner| spec.owners.contains_key(owner))
}

/// Whoever lives in another container's network is left with nothing when that one is started anew.
fn lost_its_namespace(engine: &dyn Engine, container: &Container) -> Result<bool> {
    let Some(owner) = owner(container) else { return Ok(false) };
    // The engine prints fractions without zeros at their end, so `Z` must not be compared.
    let since = |container: &Container| container.state.started_at.trim_end_matches('Z').to_string();
    Ok(engine.container(owner)?.is_some_and(|owner| since(&owner) > since(container)))
}

/// A network that was made anew has the old name and another id, and nobody in it.
fn reconnect(engine: &dyn Engine, container: &Container, spec: &Spec) -> Result<bool> {
    let mut changed = false;
    for network in spec.networks() {
        let there = container.networks.get(&network);
        let same = match there {
            Some(endpoint) if container.is_up() || endpoint.network_id.is_empty() => true,
            Some(endpoint) => engine.network(&network)?.is_none_or(|now| now.id == endpoint.network_id),
            None => false,
        };
        if !same {
            if there.is_some() {
                engine.disconnect(&network, &container.id)?;
            }
            engine.connect(&network, &container.id, spec)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// As Compose does: a service that waits for another one's health is started after that.
fn await_needs(world: &World, one: &Its<'_>, all: &[Its<'_>]) -> Result<()> {
    let services: Vec<String> =
        needs(&one.spec).into_iter().filter(|(_, state)| state == "service_healthy").map(|(service, _)| service).collect();
    let needed = all.iter().filter(|other| other.kept.well && services.contains(&other.kept.service));
    let engine = world.live()?.engine.as_ref();
    let ids: Vec<String> = needed.filter_map(|other| Some(other.now.as_ref()?.id.clone())).collect();
    if !ids.is_empty() {
        until_well(engine, &ids, SETTLE, &world.masker, &Cancel::default())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_half_made_container_is_known_by_its_name() {
        let listed = |name: &str| Listed { id: "ffff".into(), name: name.into(), labels: BTreeMap::new() };
        assert!(replaces(&listed("0123456789ab_shop-db-1"), "0123456789abcdef"));
        assert!(!replaces(&listed("0123456789ac_shop-db-1"), "0123456789abcdef"));
        assert!(!replaces(&listed("0_shop"), "0123456789abcdef"));
    }
}
