//! What happened, as data. Everything below the reports speaks only by emitting these.

use std::time::Duration;

/// How one precondition came out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardOutcome {
    Passed,
    /// Refused, but the caller said to go on and why.
    Overridden {
        reason: String,
    },
    Refused {
        why: Vec<String>,
        help: String,
    },
}

/// One file of a plan before and after, every secret masked; `None` where it does not exist.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FileDiff {
    /// Relative to the project's root.
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One thing that happened; texts are complete sentences or names, and never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// What a plan comes to: files, and what else it does, a line each.
    Planned {
        files: Vec<FileDiff>,
        other: Vec<String>,
    },
    Guard {
        name: &'static str,
        outcome: GuardOutcome,
    },
    /// A run got its name; everything after this is journaled under it.
    RunBegun {
        run: String,
    },
    StepStarted {
        number: usize,
        of: usize,
        label: String,
    },
    StepDone {
        number: usize,
        of: usize,
        label: String,
        took: Duration,
    },
    StepFailed {
        number: usize,
        of: usize,
        label: String,
        why: String,
    },
    UndoStarted {
        label: String,
    },
    UndoDone {
        label: String,
        took: Duration,
    },
    ProofStarted {
        label: String,
    },
    ProofHolds {
        label: String,
        detail: String,
        took: Duration,
    },
    ProofFails {
        label: String,
        why: Vec<String>,
    },
    /// Something that could not be proven here, and what it would need.
    NotProven {
        label: String,
        needs: String,
    },
    Note(String),
    Warning(String),
}

/// Who listens. Called on the thread that works; it must not block for long.
pub trait Sink {
    fn emit(&self, event: Event);
}

/// For callers that want silence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Sink for Silent {
    fn emit(&self, _: Event) {}
}
