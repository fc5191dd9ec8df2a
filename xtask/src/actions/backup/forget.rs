//! Lets backups go, once a run is committed: never undone, and done again until it is done.

use serde::{Deserialize, Serialize};

use crate::backup::{Place, Repository};
use crate::error::Result;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetBackups {
    pub place: Place,
    pub names: Vec<String>,
}

impl ForgetBackups {
    /// Right also when some or all of them are gone.
    pub fn apply(&self) -> Result<()> {
        if Repository::exists(&self.place)? { Repository::open(&self.place)?.forget(&self.names) } else { Ok(()) }
    }
}

/// Makes room of what no backup needs any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneRepository {
    pub place: Place,
}

impl PruneRepository {
    pub fn apply(&self) -> Result<()> {
        if Repository::exists(&self.place)? { Repository::open(&self.place)?.prune() } else { Ok(()) }
    }
}
