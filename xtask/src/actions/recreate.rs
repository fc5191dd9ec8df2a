//! The steps that replace containers, one stack at a time: what serves is noted before the files are
//! touched, and serves again when the run is undone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::live::StackCall;
use crate::cancel::Cancel;
use crate::engine::compose::Up;
use crate::engine::{Engine, Listed, Status};
use crate::error::{Error, Result};
use crate::proof::Verdict;
use crate::proof::health;

/// How long Compose may take beyond what the health of the services needs.
const STARTING: Duration = Duration::from_secs(300);
/// How often containers are looked at again after they were put back.
const LOOKS: usize = 3;

/// Remembers which containers serve; taken before the files are touched, so that its undo comes after
/// theirs: when it runs, the files are the old ones again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepContainers {
    pub call: StackCall,
    /// They run when this is planned.
    pub services: Vec<String>,
    pub settle_secs: u64,
}

/// The containers of each service, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub containers: BTreeMap<String, Vec<String>>,
}

impl KeepContainers {
    pub fn prepare(&self, world: &World) -> Result<Kept> {
        Ok(Kept { containers: ids(&self.now(world)?) })
    }

    /// The same containers serve again where they still are; where not, they are made again from the
    /// files, which are the old ones now. All must become well.
    pub fn undo(&self, world: &World, kept: &Kept) -> Result<()> {
        let mut wanted = kept.containers.clone();
        for _ in 0..LOOKS {
            let mut back = self.take_back(world)?;
            back.extend(self.start_again(world, &wanted)?);
            let now = ids(&self.now(world)?);
            let gone: Vec<String> =
                wanted.iter().filter(|(service, ids)| now.get(*service) != Some(ids)).map(|(service, _)| service.clone()).collect();
            if back.is_empty() && gone.is_empty() {
                return Ok(());
            }
            if !gone.is_empty() {
                up(world, &self.call, &gone, &Cancel::default())?;
            }
            back.extend(gone);
            let back: Vec<String> = back.into_iter().collect();
            must_be_well(world, &self.call, &back, self.settle_secs, &Cancel::default())?;
            wanted = ids(&self.now(world)?);
        }
        Err(Error::failed(format!("put the containers of {} back", self.call.stack)).why("somebody else replaces them meanwhile"))
    }

    /// Compose makes the new container first, named after the old one's id, and only then takes the old
    /// one away. Where it was killed in between, the old one stays. It is restarted first: a request to
    /// stop it may still be at work in the engine, and the new one holds on to its volumes until then.
    fn take_back(&self, world: &World) -> Result<BTreeSet<String>> {
        let engine = world.live()?.engine.as_ref();
        let mut back = BTreeSet::new();
        for (service, containers) in self.now(world)? {
            for new in &containers {
                let Some(old) = containers.iter().find(|old| replaces(new, old)) else { continue };
                restart(engine, &old.id)?;
                engine.remove_container(&new.id)?;
                back.insert(service.clone());
            }
        }
        Ok(back)
    }

    /// Starts what still is there but does not run any more.
    fn start_again(&self, world: &World, wanted: &BTreeMap<String, Vec<String>>) -> Result<BTreeSet<String>> {
        let engine = world.live()?.engine.as_ref();
        let mut back = BTreeSet::new();
        for (service, id) in wanted.iter().flat_map(|(service, ids)| ids.iter().map(move |id| (service, id))) {
            let stopped = engine.container(id)?.is_some_and(|found| matches!(found.state.status, Status::Created | Status::Exited));
            if stopped {
                restart(engine, id)?;
                back.insert(service.clone());
            }
        }
        Ok(back)
    }

    fn now(&self, world: &World) -> Result<BTreeMap<String, Vec<Listed>>> {
        let live = world.live()?;
        let mut found: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
        for listed in health::containers(live.engine.as_ref(), &self.call.running())? {
            let service = listed.labels.get("com.docker.compose.service").cloned().unwrap_or_default();
            if self.services.contains(&service) {
                found.entry(service).or_default().push(listed);
            }
        }
        Ok(found)
    }
}

/// Makes the containers of some services again, from the files as they are, and waits until they are well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recreate {
    pub call: StackCall,
    pub services: Vec<String>,
    pub settle_secs: u64,
}

impl Recreate {
    pub fn prepare(&self, world: &World) -> Result<()> {
        world.live().map(|_| ())
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let cancel = world.live()?.cancel.clone();
        up(world, &self.call, &self.services, &cancel)?;
        must_be_well(world, &self.call, &self.services, self.settle_secs, &cancel)?;
        world.proven(format!("{} of {}", self.services.join(", "), self.call.stack), "recreated and well".to_string());
        Ok(())
    }
}

fn ids(containers: &BTreeMap<String, Vec<Listed>>) -> BTreeMap<String, Vec<String>> {
    let sorted = |containers: &Vec<Listed>| {
        let mut ids: Vec<String> = containers.iter().map(|listed| listed.id.clone()).collect();
        ids.sort();
        ids
    };
    containers.iter().map(|(service, containers)| (service.clone(), sorted(containers))).collect()
}

/// Whether Compose was about to put `new` in the place of `old`.
fn replaces(new: &Listed, old: &Listed) -> bool {
    new.name.split_once('_').is_some_and(|(id, _)| id.len() == 12 && old.id.starts_with(id))
}

fn restart(engine: &dyn Engine, id: &str) -> Result<()> {
    let Some(container) = engine.container(id)? else { return Ok(()) };
    engine.restart(id, container.stop_grace)
}

fn up(world: &World, call: &StackCall, services: &[String], cancel: &Cancel) -> Result<()> {
    let up = Up { services: services.to_vec(), force_recreate: true, no_deps: true, ..Up::default() };
    world.live()?.compose.up(&call.call(), &up, STARTING, &world.masker, cancel)
}

fn must_be_well(world: &World, call: &StackCall, services: &[String], settle_secs: u64, cancel: &Cancel) -> Result<()> {
    let (live, settle) = (world.live()?, Duration::from_secs(settle_secs));
    let failed = |why: String| Err(Error::failed(format!("recreate services of {}", call.stack)).why(why));
    match health::prove(live.engine.as_ref(), &call.running(), services, settle, &world.masker, cancel)? {
        Verdict::Holds { .. } => Ok(()),
        Verdict::Fails { why } => failed(why.join("; ")),
        Verdict::NotProven { needs } => failed(format!("needs {needs}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_made_container_is_known_by_its_name() {
        let listed = |id: &str, name: &str| Listed { id: id.into(), name: name.into(), labels: BTreeMap::new() };
        let old = listed("0123456789abcdef", "shop-db-1");
        assert!(replaces(&listed("ffff", "0123456789ab_shop-db-1"), &old));
        assert!(!replaces(&listed("ffff", "0123456789ac_shop-db-1"), &old));
        assert!(!replaces(&listed("ffff", "0_shop"), &old) && !replaces(&old, &old));
    }
}
