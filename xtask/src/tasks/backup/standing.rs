//! How a stack stands with its backups, for whoever looks at it.

use serde::Serialize;

use super::newest::of_stack;
use crate::backup::Stored;
use crate::saga::utc;

/// The newest backup of a stack, and the newest that was verified.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub newest: Option<Seen>,
    pub verified: Option<Seen>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    pub name: String,
    /// UTC, of the data.
    pub at: String,
    pub age_secs: u64,
}

impl Standing {
    /// `engine`: the key of the engine, where one answers.
    pub fn of(stored: &[Stored], stack: &str, project: &str, engine: Option<&str>, now_ms: u64) -> Standing {
        let seen = |stored: &Stored| Seen {
            name: stored.summary.name.clone(),
            at: utc(stored.summary.at_ms),
            age_secs: now_ms.saturating_sub(stored.summary.at_ms) / 1000,
        };
        let own = || of_stack(stored, stack, project, engine).rev();
        Standing { newest: own().next().map(seen), verified: own().find(|stored| stored.summary.verified.is_some()).map(seen) }
    }
}
