//! The runs of a project, as their journals tell them.

use serde::{Deserialize, Serialize};

use crate::actions::Action;
use crate::error::Result;
use crate::saga::{Phase, Record, RunView, Store, utc};

/// How a run stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Committed,
    /// Committed; what comes after is not done yet.
    Unsettled,
    /// Committed, and undone by a later run.
    Undone,
    /// Did not hold; put back at once or by `recover`.
    RolledBack,
    /// Ended before anything that was there had been touched: refused by the rehearsal, or interrupted in it.
    Untouched,
    /// Did not come to its end.
    Open,
    Stuck,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    pub run: String,
    /// `user@host`.
    pub who: String,
    /// UTC, `2026-11-21T22:01:55Z`.
    pub when: String,
    pub task: String,
    /// As they were given, with secrets masked.
    pub args: Vec<String>,
    pub stacks: Vec<String>,
    pub standing: Standing,
    /// From the first to the last record.
    pub seconds: f64,
    /// The run that this one rolled back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// All runs, oldest first.
pub fn runs(store: &Store) -> Result<Vec<RunSummary>> {
    Ok(summaries(&store.history()?))
}

/// The same of journals that were read already.
pub fn summaries(views: &[RunView]) -> Vec<RunSummary> {
    views.iter().map(|view| summary(view, undone_by(views, view.id.as_str()))).collect()
}

/// The committed rollback of a run, if there is one.
fn undone_by(views: &[RunView], run: &str) -> Option<String> {
    let rolled = |view: &&RunView| view.state.is_committed() && view.begun.target.as_deref() == Some(run);
    views.iter().find(rolled).map(|view| view.id.to_string())
}

fn summary(view: &RunView, undone_by: Option<String>) -> RunSummary {
    let first = view.entries.first().map_or(0, |entry| entry.at_ms);
    let last = view.entries.last().map_or(first, |entry| entry.at_ms);
    let why = view.entries.iter().rev().find_map(|entry| match &entry.record {
        Record::RollingBack { why } | Record::Stuck { why, .. } => Some(why.clone()),
        _ => None,
    });
    let standing = match view.state.phase {
        Phase::Settling => Standing::Unsettled,
        Phase::Committed if undone_by.is_some() => Standing::Undone,
        Phase::Committed => Standing::Committed,
        Phase::RolledBack if !touched(view) => Standing::Untouched,
        Phase::RolledBack => Standing::RolledBack,
        Phase::Stuck => Standing::Stuck,
        Phase::New | Phase::Running | Phase::Proven | Phase::RollingBack => Standing::Open,
    };
    RunSummary {
        run: view.id.to_string(),
        who: view.begun.who.clone(),
        when: readable(first),
        task: view.begun.task.clone(),
        args: view.begun.args.clone(),
        stacks: view.begun.stacks.clone(),
        standing,
        seconds: last.saturating_sub(first) as f64 / 1000.0,
        target: view.begun.target.clone(),
        undone_by,
        why,
    }
}

/// Whether a step was begun that changes something; one that this version does not know may.
fn touched(view: &RunView) -> bool {
    view.entries.iter().any(|entry| match &entry.record {
        Record::Prepared { step, .. } => Action::deserialize(step).map_or(true, |action| action.touches()),
        _ => false,
    })
}

/// `20261121T220155` as people and parsers of dates write it.
pub(super) fn readable(at_ms: u64) -> String {
    let compact = utc(at_ms);
    match (compact.get(..4), compact.get(4..6), compact.get(6..8), compact.get(9..11), compact.get(11..13), compact.get(13..15)) {
        (Some(y), Some(mo), Some(d), Some(h), Some(mi), Some(s)) => format!("{y}-{mo}-{d}T{h}:{mi}:{s}Z"),
        _ => compact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_full() {
        assert_eq!(readable(1_795_298_515_000), "2026-11-21T22:01:55Z");
    }
}
