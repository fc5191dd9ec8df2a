//! What stands around a stack's compose files and decides what they mean: what git tracks, the machine
//! that it shall run on. Read once, then given to the rules as data.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The machine that the stack shall run on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Host {
    pub cpus: f64,
    pub memory_bytes: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The absolute paths of what git tracks; `None`: there is no git, nothing is known.
    pub tracked: Option<Arc<BTreeSet<PathBuf>>>,
    /// Only when it was asked for.
    pub host: Option<Host>,
}
