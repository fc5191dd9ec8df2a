//! The releases of stacks, as their records tell them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Context;
use super::history::readable;
use crate::error::Result;
use crate::release::{Accepted, Release, Releases, ServiceRecord};

/// One release.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReleaseSummary {
    /// A piece of the engine's hashed id: releases of several engines are told apart by it.
    pub engine: String,
    pub stack: String,
    pub project: String,
    pub id: String,
    /// It is the one that runs, as far as we brought it there.
    pub current: bool,
    /// UTC, `2026-11-21T22:01:55Z`.
    pub when: String,
    /// `user@host`.
    pub who: String,
    pub run: String,
    pub tag: Option<String>,
    pub git_commit: Option<String>,
    /// By service.
    pub images: BTreeMap<String, ImageSummary>,
    /// How long the deploy took.
    pub seconds: f64,
    /// Findings that were accepted, and why.
    pub accepted: Vec<Accepted>,
    pub adopted: bool,
    pub previous: Option<String>,
    /// The newest backup of the data that it found.
    pub backup: Option<String>,
    /// Files that a rollback to it does not bring back.
    pub not_kept: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageSummary {
    pub image: String,
    pub image_id: String,
    pub repo_digests: Vec<String>,
}

/// The releases of the named stack, or of all, on every engine: by stack and engine, oldest first.
pub fn releases(cx: &Context<'_>, stack: Option<&str>) -> Result<Vec<ReleaseSummary>> {
    let named: Vec<String> = stack.map(String::from).into_iter().collect();
    let state = cx.state_folder()?;
    let mut summaries = Vec::new();
    for stack in cx.project.select(&named)? {
        for (engine, releases) in Releases::of_stack(&state, &stack.id)? {
            let current = releases.current()?;
            summaries.extend(releases.list()?.into_iter().map(|release| summary(&engine, current.as_deref(), release)));
        }
    }
    Ok(summaries)
}

fn summary(engine: &str, current: Option<&str>, release: Release) -> ReleaseSummary {
    let image =
        |service: ServiceRecord| ImageSummary { image: service.image, image_id: service.image_id, repo_digests: service.repo_digests };
    let not_kept = release.kept.not_kept.iter().map(|not| format!("{} {}", not.path.display(), not.reason.words())).collect();
    ReleaseSummary {
        engine: engine.to_string(),
        current: current == Some(&*release.id),
        when: readable(release.at_ms),
        seconds: release.took_ms as f64 / 1000.0,
        images: release.services.into_iter().map(|(name, service)| (name, image(service))).collect(),
        stack: release.stack,
        project: release.project,
        id: release.id,
        who: release.who,
        run: release.run,
        tag: release.tag,
        git_commit: release.git_commit,
        accepted: release.accepted,
        adopted: release.adopted,
        previous: release.previous,
        backup: release.backup,
        not_kept,
    }
}
