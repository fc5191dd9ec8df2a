//! What a stack runs, noted before anything is touched; put back when the run is undone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use super::converge::{Converge, present};
use super::live::{IN_THE_MAKING, StackCall};
use crate::cancel::Cancel;
use crate::engine::wait::{Waited, Well, is_ill, until_well};
use crate::engine::{Container, Health, Listed, Spec};
use crate::error::{Error, Result};
use crate::proof::{Verdict, health};
use crate::release::{Target, in_order};
use crate::saga::Sha;

/// Keeps every container of a stack as it could be made again. The first step of a run that replaces
/// containers: its undo comes after those of all others, and ends when all that were well are well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepStack {
    pub call: StackCall,
    pub settle_secs: u64,
}

/// Containers as they were found, each after those that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeptStack {
    pub containers: Vec<KeptContainer>,
    /// The networks that they are in, as they can be made again: blobs of the run.
    #[serde(default)]
    pub networks: Vec<Sha>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptContainer {
    pub id: String,
    pub name: String,
    pub service: String,
    /// It was running.
    pub ran: bool,
    /// And nothing was wrong with it: so it must become well again.
    pub well: bool,
    /// It was no job that comes to its end: it was healthy, or has ports of the host.
    #[serde(default)]
    pub serves: bool,
    /// How it is made: a blob of the run, for it holds the environment.
    pub spec: Sha,
}

impl KeptContainer {
    pub(super) fn spec(&self, world: &World) -> Result<Spec> {
        Spec::from_bytes(&world.blobs.get(&self.spec)?)
    }
}

impl KeepStack {
    pub fn prepare(&self, world: &World) -> Result<KeptStack> {
        record(world, &self.call, None)
    }

    pub fn undo(&self, world: &World, kept: &KeptStack) -> Result<()> {
        // What a killed program has asked the engine for may still be in the making.
        std::thread::sleep(IN_THE_MAKING);
        Converge::of(&self.call, kept).carry_out(world)?;
        let live = world.live()?;
        let there = present(world, &self.call, kept)?;
        let wanted: Vec<String> = there.iter().filter(|(kept, _)| kept.well).map(|(_, container)| container.id.clone()).collect();
        let settle = Duration::from_secs(self.settle_secs);
        match until_well(live.engine.as_ref(), &wanted, settle, &world.masker, &Cancel::default())? {
            Waited::Well(well) => match there.iter().find(|(kept, _)| kept.serves && well.get(&kept.name) == Some(&Well::Done)) {
                Some((kept, _)) => Err(self.not_back(&format!("{} has ended again", kept.name))),
                None => Ok(()),
            },
            unwell @ Waited::Unwell(_) => match health::verdict(unwell) {
                Verdict::Fails { why } => Err(self.not_back(&why.join("; "))),
                Verdict::NotProven { needs } => Err(self.not_back(&needs)),
                Verdict::Holds { .. } => Ok(()),
            },
        }
    }

    fn not_back(&self, why: &str) -> Error {
        Error::failed(format!("put the containers of {} back", self.call.stack)).why(why)
    }
}

/// The containers of a stack, or of one service of it.
pub(super) fn record(world: &World, call: &StackCall, service: Option<&str>) -> Result<KeptStack> {
    let engine = world.live()?.engine.as_ref();
    let mut found: Vec<(Container, Spec)> = Vec::new();
    for listed in of_service(world, call, service)? {
        // One that goes away meanwhile was none of ours.
        if let (Some(container), Some(spec)) = (engine.container(&listed.id)?, engine.spec(&listed.id)?) {
            found.push((container, spec));
        }
    }
    let order = start_order(&found);
    found.sort_by_key(|(container, _)| (order.iter().position(|name| name == container.service()), container.name.clone()));
    let mut networks = Vec::new();
    for name in found.iter().flat_map(|(_, spec)| spec.networks()).collect::<BTreeSet<String>>() {
        if let Some(spec) = engine.network_spec(&name)? {
            networks.push(world.blobs.put(&spec.to_bytes()?)?);
        }
    }
    let keep = |(container, spec): (Container, Spec)| -> Result<KeptContainer> {
        let ran = container.is_up();
        Ok(KeptContainer {
            ran,
            well: ran && !is_ill(&container),
            serves: ran && (container.state.health == Some(Health::Healthy) || spec.publishes()),
            service: container.service().to_string(),
            spec: world.blobs.put(&spec.to_bytes()?)?,
            id: container.id,
            name: container.name,
        })
    };
    Ok(KeptStack { containers: found.into_iter().map(keep).collect::<Result<_>>()?, networks })
}

pub(super) fn of_service(world: &World, call: &StackCall, service: Option<&str>) -> Result<Vec<Listed>> {
    let mut listed = health::containers(world.live()?.engine.as_ref(), &call.running())?;
    listed.retain(|container| service.is_none_or(|service| container.labels.get(SERVICE).is_some_and(|label| label == service)));
    Ok(listed)
}

pub(super) const SERVICE: &str = "com.docker.compose.service";

/// The services in the order in which they start: as Compose noted it, and owners of namespaces first.
fn start_order(found: &[(Container, Spec)]) -> Vec<String> {
    let by_name: BTreeMap<&str, &str> = found.iter().map(|(container, _)| (container.name.as_str(), container.service())).collect();
    let mut targets: BTreeMap<String, Target> = BTreeMap::new();
    for (container, spec) in found {
        let owners = spec.owners.values().filter_map(|name| by_name.get(name.as_str())).map(ToString::to_string);
        let needs: BTreeSet<String> = needs(spec).into_iter().map(|(service, _)| service).chain(owners).collect();
        targets.entry(container.service().to_string()).or_default().needs.extend(needs);
    }
    in_order(&targets)
}

/// Reads `db:service_healthy:false,cache:service_started:true`: what it depends on, and in which state.
pub(super) fn needs(spec: &Spec) -> Vec<(String, String)> {
    let entries = spec.label("com.docker.compose.depends_on").split(',').filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let mut parts = entry.split(':').map(String::from);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        })
        .collect()
}
