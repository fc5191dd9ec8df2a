//! What phase 3 has done, as data for people and programs.

use serde::Serialize;

use super::figures::Reclaimed;
use super::look::Found;
use super::show;
use super::stock::{Kind, Thing};
use crate::saga::{Proof, RunId};

/// One thing, and why it goes or stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    pub kind: Kind,
    pub name: String,
    pub id: String,
    pub bytes: Option<u64>,
    /// Milliseconds since 1970.
    pub made_ms: Option<u64>,
    pub why: String,
    /// What becomes of it, where it is unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fate: Option<String>,
}

/// The whole of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub run: Option<String>,
    pub unused: Vec<Item>,
    pub kept: Vec<Item>,
    /// Unused volumes that this call leaves.
    pub left: Vec<String>,
    /// What `--confirm` must say, where named volumes are on the list.
    pub confirm: Option<String>,
    pub reclaimed: Option<Reclaimed>,
    pub proven: Vec<String>,
    pub not_proven: Vec<String>,
    pub next: Vec<String>,
}

impl Report {
    pub fn of(found: &Found) -> Report {
        let item = |(thing, why): &(Thing, String), unused: bool| Item {
            kind: thing.kind,
            name: thing.name.clone(),
            id: thing.id.clone(),
            bytes: thing.bytes,
            made_ms: thing.made_ms,
            why: why.clone(),
            fate: unused.then(|| show::fate(thing)),
        };
        Report {
            unused: found.unused.iter().map(|one| item(one, true)).collect(),
            kept: found.kept.iter().map(|one| item(one, false)).collect(),
            left: found.left.iter().map(|thing| thing.name.clone()).collect(),
            confirm: (!found.named_volumes().is_empty()).then(|| show::word(found)),
            ..Report::default()
        }
    }

    pub fn committed(&mut self, run: &RunId, proof: &Proof) {
        self.run = Some(run.to_string());
        self.proven.clone_from(&proof.proven);
        self.not_proven.clone_from(&proof.not_proven);
        self.next.push(format!("undo it: cargo xtask rollback {run}"));
    }
}
