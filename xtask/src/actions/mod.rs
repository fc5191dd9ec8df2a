//! The kinds of steps that change things: one a file. A new kind does not compile without its undo.

mod inside;
mod write_file;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::saga::{Blobs, RunId, Step};

pub use write_file::WriteFile;

/// What steps act on.
#[derive(Debug)]
pub struct World {
    /// The project's root, absolute. Nothing outside it is written.
    pub root: PathBuf,
    /// What this run writes and what it found.
    pub blobs: Blobs,
    pub run: RunId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    WriteFile(WriteFile),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Receipt {
    WriteFile(write_file::Found),
}

impl Step<World> for Action {
    type Receipt = Receipt;

    fn label(&self) -> String {
        match self {
            Action::WriteFile(write) => format!("write {}", write.path.display()),
        }
    }

    fn prepare(&self, world: &World) -> Result<Receipt> {
        match self {
            Action::WriteFile(write) => write.prepare(world).map(Receipt::WriteFile),
        }
    }

    fn apply(&self, world: &World, receipt: &Receipt) -> Result<()> {
        match (self, receipt) {
            (Action::WriteFile(write), Receipt::WriteFile(found)) => write.apply(world, found),
        }
    }

    fn undo(&self, world: &World, receipt: &Receipt) -> Result<()> {
        match (self, receipt) {
            (Action::WriteFile(write), Receipt::WriteFile(found)) => write.undo(world, found),
        }
    }
}
