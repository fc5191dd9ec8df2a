//! Commands of the project around a deploy, with the facts of it in their environment.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::World;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::process::Program;

/// What a command gets that is asked to end, before it is killed with all that it has started.
const GRACE: Duration = Duration::from_secs(10);

/// When a hook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    PreDeploy,
    PostDeploy,
    /// When the run is undone: as the last thing, if it is the first step of its plan.
    OnRollback,
}

impl When {
    pub fn name(self) -> &'static str {
        match self {
            When::PreDeploy => "pre-deploy",
            When::PostDeploy => "post-deploy",
            When::OnRollback => "on-rollback",
        }
    }
}

/// What a hook does is its own: nothing of it is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub when: When,
    /// A program and its arguments, run in the project's root.
    pub argv: Vec<String>,
    /// `XTASK_STACK`, `XTASK_TAG` and the like.
    pub facts: BTreeMap<String, String>,
    /// How long it may take.
    pub deadline_secs: u64,
}

impl Hook {
    pub fn label(&self) -> String {
        let program = self.argv.first().map_or("", String::as_str);
        match self.when {
            When::OnRollback => format!("keep {program} for when this is put back"),
            _ => format!("run the {} hook {program}", self.when.name()),
        }
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        if self.when == When::OnRollback { Ok(()) } else { self.run(world, &world.cancel) }
    }

    /// What ran before serves again by then. That somebody could not be told of it holds nothing up: it is
    /// only said.
    pub fn undo(&self, world: &World) {
        if self.when == When::OnRollback
            && let Err(error) = self.run(world, &Cancel::default())
        {
            world.warn(format!("everything else was put back, but: {error}"));
        }
    }

    fn run(&self, world: &World, cancel: &Cancel) -> Result<()> {
        let failed = || Error::failed(format!("run the {} hook", self.when.name()));
        let [program, args @ ..] = self.argv.as_slice() else { return Err(failed().why("it names no program")) };
        let mut child = Program::new(program).args(args).cwd(&world.root).deadline(Duration::from_secs(self.deadline_secs));
        child = child.interruptible().grace(GRACE);
        for (name, value) in &self.facts {
            child = child.env(name, value);
        }
        child = child.env("XTASK_HOOK", self.when.name()).env("XTASK_RUN", world.run.as_str());
        let output = child.run(&world.masker, cancel)?;
        output.ok().map(|_| ()).map_err(|error| failed().why(error.to_string()).help("the hooks stand in xtask.yaml, below deploy"))
    }
}
