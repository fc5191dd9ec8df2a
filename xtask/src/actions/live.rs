//! The steps that touch containers: a rehearsal beside the live stack, and the recreation of
//! services, one stack at a time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use crate::engine::Engine;
use crate::engine::compose::{Compose, ComposeCall, Up};
use crate::engine::remove::remove_run;
use crate::error::{Error, Result};
use crate::process::Cancel;
use crate::proof::Verdict;
use crate::proof::health::{self, Running};
use crate::proof::rehearsal::{Rehearsal, Stack, copy};
use crate::saga::Sha;

/// How long Compose may take beyond what the health of the services needs.
const STARTING: Duration = Duration::from_secs(300);

/// A running engine and a compose program, for as long as the tool runs.
pub struct Live {
    pub engine: Rc<dyn Engine>,
    pub compose: Rc<Compose>,
    pub cancel: Cancel,
}

/// One stack as Compose is called for it; paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackCall {
    pub stack: String,
    /// The compose project's name.
    pub project: String,
    pub files: Vec<PathBuf>,
    pub env_files: Option<Vec<PathBuf>>,
    pub profiles: Vec<String>,
}

impl StackCall {
    pub fn call(&self) -> ComposeCall {
        ComposeCall {
            files: self.files.clone(),
            env_files: self.env_files.clone(),
            profiles: self.profiles.clone(),
            project_name: None,
            cwd: None,
        }
    }

    pub fn running(&self) -> Running {
        Running { project: self.project.clone(), config_files: self.files.clone() }
    }
}

/// Starts the stacks, as they will render, in throwaway projects; they must become well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearse {
    /// In the order in which they start: the name, and the rendered model as a blob of the run.
    pub stacks: Vec<(String, Sha)>,
    pub settle_secs: u64,
}

impl Rehearse {
    pub fn prepare(&self, world: &World) -> Result<()> {
        world.live()?;
        self.stacks.iter().try_for_each(|(_, model)| world.blobs.get(model).map(|_| ()))
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let live = world.live()?;
        let models = self.stacks.iter().map(|(_, model)| read(world, model)).collect::<Result<Vec<Value>>>()?;
        let stacks: Vec<Stack<'_>> = self.stacks.iter().zip(&models).map(|((name, _), model)| Stack { name, model }).collect();
        let rehearsal = Rehearsal {
            engine: live.engine.as_ref(),
            compose: &live.compose,
            run: world.run.as_str(),
            scratch: &world.scratch(),
            settle: Duration::from_secs(self.settle_secs),
            masker: &world.masker,
            cancel: &live.cancel,
        };
        let rehearsed = rehearsal.rehearse(&stacks)?;
        for (stack, left) in &rehearsed.left_out {
            world.not_proven(format!("rehearsal of {} in {stack}", left.service), left.why.clone());
        }
        let label = format!("rehearsal of {}", self.names());
        match rehearsed.verdict {
            Verdict::Holds { detail } => world.proven(format!("{label}: {detail}")),
            Verdict::NotProven { needs } => world.not_proven(label, needs),
            Verdict::Fails { why } => return Err(Error::refused(format!("rehearse {}", self.names())).why(why.join("; "))),
        }
        Ok(())
    }

    pub fn names(&self) -> String {
        self.stacks.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Nothing of a rehearsal may remain, whoever was killed in it.
    pub fn undo(&self, world: &World) -> Result<()> {
        let live = world.live()?;
        remove_run(live.engine.as_ref(), world.run.as_str())?;
        copy::remove(&world.scratch())
    }
}

/// Remembers which containers serve; taken before the files are touched, so that its undo comes after
/// theirs: when it runs, the files are the old ones again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepContainers {
    pub call: StackCall,
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
        Ok(Kept { containers: self.now(world)? })
    }

    /// Where a service is not served by the same containers any more, they are made again from the
    /// files, which are the old ones now, and must become well.
    pub fn undo(&self, world: &World, kept: &Kept) -> Result<()> {
        let now = self.now(world)?;
        let gone: Vec<String> =
            kept.containers.iter().filter(|(service, ids)| now.get(*service) != Some(ids)).map(|(service, _)| service.clone()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        recreate(world, &self.call, &gone, self.settle_secs, &Cancel::default())
    }

    fn now(&self, world: &World) -> Result<BTreeMap<String, Vec<String>>> {
        let live = world.live()?;
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for listed in health::containers(live.engine.as_ref(), &self.call.running())? {
            let service = listed.labels.get("com.docker.compose.service").cloned().unwrap_or_default();
            if self.services.contains(&service) {
                found.entry(service).or_default().push(listed.id);
            }
        }
        found.values_mut().for_each(|ids| ids.sort());
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
        recreate(world, &self.call, &self.services, self.settle_secs, &cancel)?;
        world.proven(format!("{} of {} recreated and well", self.services.join(", "), self.call.stack));
        Ok(())
    }
}

fn read(world: &World, model: &Sha) -> Result<Value> {
    serde_json::from_slice(&world.blobs.get(model)?)
        .map_err(|error| Error::failed("read the rendered model").why(format!("line {} column {}", error.line(), error.column())))
}

fn recreate(world: &World, call: &StackCall, services: &[String], settle_secs: u64, cancel: &Cancel) -> Result<()> {
    let live = world.live()?;
    let up = Up { services: services.to_vec(), force_recreate: true, no_deps: true };
    live.compose.up(&call.call(), &up, STARTING, &world.masker, cancel)?;
    let settle = Duration::from_secs(settle_secs);
    match health::prove(live.engine.as_ref(), &call.running(), services, settle, &world.masker, cancel)? {
        Verdict::Holds { .. } => Ok(()),
        Verdict::Fails { why } => Err(Error::failed(format!("recreate services of {}", call.stack)).why(why.join("; "))),
        Verdict::NotProven { needs } => Err(Error::failed(format!("recreate services of {}", call.stack)).why(format!("needs {needs}"))),
    }
}
