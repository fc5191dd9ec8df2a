//! The step that tries stacks beside the live ones, and what all steps that touch containers need.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use super::backup::{LayBeside, take_away};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::engine::compose::{Compose, ComposeCall};
use crate::engine::remove::{RUN_LABEL, Removed, remove_run};
use crate::error::{Error, Result};
use crate::proof::Verdict;
use crate::proof::health::Running;
use crate::proof::rehearsal::{Rehearsal, Rehearsed, Stack, copy};
use crate::saga::Sha;

/// How long the engine may take to finish one request whose client was killed.
pub(super) const IN_THE_MAKING: Duration = Duration::from_millis(300);

/// A running engine and a compose program, for as long as the tool runs.
pub struct Live {
    pub engine: Rc<dyn Engine>,
    pub compose: Rc<Compose>,
    pub cancel: Cancel,
}

/// For how long an undo waits for an engine that is being started again.
const ENGINE_BACK: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(500);

impl Live {
    /// Waits for an engine that does not answer: one that is started again in the middle of a run comes back,
    /// and what was there before serves again without anybody's help. Who still does not answer then tells why
    /// in the next call.
    pub(super) fn await_engine(&self) {
        let until = Instant::now() + ENGINE_BACK;
        while self.engine.info().is_err() && Instant::now() < until {
            std::thread::sleep(ASK_AGAIN);
        }
    }
}

/// One stack as Compose is called for it; paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackCall {
    pub stack: String,
    /// The compose project's name.
    pub project: String,
    pub files: Vec<PathBuf>,
    /// The same files in other folders, from which the stack was deployed before: its containers may tell of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Vec<PathBuf>>,
    pub env_files: Option<Vec<PathBuf>>,
    pub profiles: Vec<String>,
    /// The variable of the release's tag with its value, when this run sets it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
}

impl StackCall {
    pub fn call(&self) -> ComposeCall {
        ComposeCall {
            files: self.files.clone(),
            env_files: self.env_files.clone(),
            profiles: self.profiles.clone(),
            env: self.env.clone(),
            project_name: Some(self.project.clone()),
            ..ComposeCall::default()
        }
    }

    pub fn running(&self) -> Running {
        Running { project: self.project.clone(), config_files: self.files.clone(), elsewhere: self.elsewhere.clone() }
    }
}

/// Starts the stacks, as they will render, in throwaway projects; they must become well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearse {
    /// In the order in which they start: the name, and the rendered model as a blob of the run.
    pub stacks: Vec<(String, Sha)>,
    /// With more of what is around them; tried when the first are not well, for they may lean on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wider: Vec<(String, Sha)>,
    pub settle_secs: u64,
    /// Real data, which their volumes are filled with first; the names of those are the rehearsal's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<LayBeside>,
    /// By project and service, the jobs that must come to their end.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub jobs: BTreeSet<(String, String)>,
}

impl Rehearse {
    pub fn prepare(&self, world: &World) -> Result<()> {
        world.live()?;
        self.stacks.iter().chain(&self.wider).try_for_each(|(_, model)| world.blobs.get(model).map(|_| ()))
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let mut rehearsed = self.tried(world, &self.stacks)?;
        if !self.wider.is_empty() && !matches!(rehearsed.verdict, Verdict::Holds { .. }) {
            rehearsed = self.tried(world, &self.wider)?;
        }
        for (stack, left) in &rehearsed.left_out {
            world.not_proven(format!("rehearsal of {} in {stack}", left.service), format!("to be rehearsed, but {}", left.why));
        }
        let label = format!("rehearsal of {}", self.names());
        match rehearsed.verdict {
            Verdict::Holds { detail } => world.proven(label, detail),
            Verdict::NotProven { needs } => world.not_proven(label, needs),
            Verdict::Fails { why } => return Err(Error::refused(format!("rehearse {}", self.names())).why(why.join("; "))),
        }
        Ok(())
    }

    pub fn names(&self) -> String {
        self.stacks.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Each try finds the data as it is in the backup.
    fn tried(&self, world: &World, stacks: &[(String, Sha)]) -> Result<Rehearsed> {
        let live = world.live()?;
        let models = stacks.iter().map(|(_, model)| read(world, model)).collect::<Result<Vec<Value>>>()?;
        let stacks: Vec<Stack<'_>> = stacks.iter().zip(&models).map(|((name, _), model)| Stack { name, model }).collect();
        self.data.iter().try_for_each(|data| data.lay(world, (RUN_LABEL, world.run.as_str())))?;
        let rehearsal = Rehearsal {
            engine: live.engine.as_ref(),
            compose: &live.compose,
            run: world.run.as_str(),
            scratch: &world.scratch(),
            settle: Duration::from_secs(self.settle_secs),
            filled: self.data.iter().flat_map(LayBeside::fresh).map(String::from).collect(),
            jobs: self.jobs.clone(),
            masker: &world.masker,
            cancel: &live.cancel,
        };
        rehearsal.rehearse(&stacks)
    }

    pub fn undo(&self, world: &World) -> Result<()> {
        if !self.data.is_empty() {
            take_away(world)?;
        }
        remove_rehearsal(world)
    }
}

/// Nothing of a rehearsal may remain, whoever was killed in it: what a killed program has asked
/// the engine for may still be in the making, so one more look must find nothing.
pub(super) fn remove_rehearsal(world: &World) -> Result<()> {
    let live = world.live()?;
    std::thread::sleep(IN_THE_MAKING);
    while remove_run(live.engine.as_ref(), world.run.as_str())? != Removed::default() {
        std::thread::sleep(IN_THE_MAKING);
    }
    copy::remove(&world.scratch())
}

pub(super) fn read(world: &World, model: &Sha) -> Result<Value> {
    serde_json::from_slice(&world.blobs.get(model)?)
        .map_err(|error| Error::failed("read the rendered model").why(format!("line {} column {}", error.line(), error.column())))
}
