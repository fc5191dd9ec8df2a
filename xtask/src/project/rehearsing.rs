//! What `xtask.yaml` says of rehearsals before a deploy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether, and on which data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "rehearse is true, false or with-data")]
pub enum Rehearsing {
    Said(bool),
    On(RehearsedOn),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RehearsedOn {
    /// On a copy of the data, restored from the last verified backup.
    WithData,
}

/// What is in the volumes of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Empty,
    WithData,
}

impl Rehearsing {
    pub fn on(self) -> Option<On> {
        match self {
            Rehearsing::Said(false) => None,
            Rehearsing::Said(true) => Some(On::Empty),
            Rehearsing::On(RehearsedOn::WithData) => Some(On::WithData),
        }
    }
}
