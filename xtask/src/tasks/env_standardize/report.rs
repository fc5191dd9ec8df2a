//! What phase 2 has done, as data for people and programs. Never holds a value.

use std::collections::BTreeMap;

use serde::Serialize;

use super::prepare::Proposal;
use super::show;
use crate::catalogue::key_shape;
use crate::tasks::Context;

/// A variable of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Given {
    pub stack: String,
    pub service: String,
    pub variable: String,
}

/// A service that sees more than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gained {
    pub stack: String,
    pub service: String,
    pub variables: Vec<String>,
    pub secrets: Vec<String>,
}

/// The whole of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub run: Option<String>,
    /// The variables that went into the root's `.env`, by the file that they come from.
    pub merged: BTreeMap<String, Vec<String>>,
    /// Those that nothing had set.
    pub added: Vec<String>,
    /// Places that name the root's `.env` now: `compose.yaml:7: services.web.env_file`.
    pub rewritten: Vec<String>,
    /// Variables with two values.
    pub conflicts: Vec<String>,
    /// What services keep under their own `environment`.
    pub kept: Vec<Given>,
    /// What services get from the root although they had another value.
    pub changed_values: Vec<Given>,
    pub gained: Vec<Gained>,
    /// Relative to the project's root.
    pub changed: Vec<String>,
    /// Entries that were left alone, and why.
    pub left: Vec<String>,
    pub proven: Vec<String>,
    pub not_proven: Vec<String>,
    pub next: Vec<String>,
}

impl Report {
    pub fn of(cx: &Context<'_>, proposal: &Proposal) -> Report {
        let draft = &proposal.draft;
        let below = |path: &std::path::Path| cx.project.relative(path).display().to_string();
        let gained = proposal.gains.iter().map(|((stack, service), names)| Gained {
            stack: stack.clone(),
            service: service.clone(),
            variables: names.iter().cloned().collect(),
            secrets: names.iter().filter(|name| key_shape(name).is_credential()).cloned().collect(),
        });
        let kept =
            draft.pins.pins.iter().map(|pin| Given { stack: pin.stack.clone(), service: pin.service.clone(), variable: pin.name.clone() });
        let values = draft.pins.declared.iter().map(|(stack, service, variable)| Given {
            stack: stack.clone(),
            service: service.clone(),
            variable: variable.clone(),
        });
        Report {
            merged: draft.merged.sections.iter().map(|section| (below(&section.file), section.names.clone())).collect(),
            added: draft.added.iter().map(|line| line.name.clone()).collect(),
            rewritten: draft.legacy().map(|load| show::place(cx, load)).collect(),
            conflicts: draft.merged.conflicts.iter().map(|conflict| conflict.name.clone()).collect(),
            kept: kept.collect(),
            changed_values: values.collect(),
            gained: gained.collect(),
            changed: draft.changes.iter().map(|change| below(&change.path)).collect(),
            left: show::stays(cx, &draft.loads),
            ..Report::default()
        }
    }
}
