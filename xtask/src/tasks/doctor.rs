//! What is missing on this machine and in this project, and what to do about it.

use serde::Serialize;

use super::Context;
use crate::engine::compose::{self, Found};
use crate::engine::{Docker, Engine};
use crate::error::Result;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkup {
    pub what: &'static str,
    pub ok: bool,
    pub found: String,
    /// What to do, and what works without it; empty when all is well.
    pub remedy: String,
}

impl Checkup {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Checkup { what, ok: true, found: found.into(), remedy: String::new() }
    }

    fn bad(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Checkup { what, ok: false, found: found.into(), remedy: remedy.into() }
    }
}

pub fn examine(cx: &Context<'_>) -> Result<Vec<Checkup>> {
    Ok(vec![git(cx), engine(), compose(cx)?, stacks(cx), open_run(cx)?])
}

fn git(cx: &Context<'_>) -> Checkup {
    match &cx.git {
        Some(_) => Checkup::good("git", "the project is in a repository"),
        None if which::which("git").is_err() => {
            Checkup::bad("git", "not installed", "install git; without it nothing is known about tracked files and history")
        }
        None => Checkup::bad(
            "git",
            "the project is in no repository",
            "run `git init`; without it nothing is known about tracked files and history",
        ),
    }
}

fn engine() -> Checkup {
    match Docker::connect().and_then(|docker| docker.info()) {
        Ok(info) => Checkup::good("engine", format!("Docker {} (API {}, {})", info.version, info.api_version, info.storage_driver)),
        Err(error) => Checkup::bad(
            "engine",
            error.to_string(),
            "start Docker, or set DOCKER_HOST or a docker context; without it changes are proven by rendering only",
        ),
    }
}

fn compose(cx: &Context<'_>) -> Result<Checkup> {
    Ok(match compose::find(cx.cancel)? {
        Found::Usable(compose) => Checkup::good("compose", format!("Docker Compose {}", compose.version)),
        Found::TooOld { command, version } => Checkup::bad(
            "compose",
            format!("{command} {version} is too old"),
            "install the plugin docker-compose-plugin (or docker-compose-v2) 2.20 or later and type `docker compose`; version 1 has had no \
             updates since 2023 and does not know `name:`, `up --wait` and `config --format json`",
        ),
        Found::Missing => Checkup::bad(
            "compose",
            "not installed",
            "install the plugin docker-compose-plugin (or docker-compose-v2) 2.20 or later; without it the built-in renderer is the only judge",
        ),
    })
}

fn stacks(cx: &Context<'_>) -> Checkup {
    // A long list tells less than its beginning and its length.
    let names = |ids: Vec<String>| match ids.len() {
        0..=12 => ids.join(", "),
        many => format!("{many}: {}, ...", ids[..8].join(", ")),
    };
    let found: Vec<String> = cx.project.stacks.iter().map(|stack| stack.id.clone()).collect();
    if !found.is_empty() {
        return Checkup::good("stacks", names(found));
    }
    let inner: Vec<String> = cx.project.inner.iter().map(|folder| cx.project.relative(folder).display().to_string()).collect();
    if inner.is_empty() {
        return Checkup::bad("stacks", "no compose file below the project's root", "go to a project's folder, or name one with -C DIR");
    }
    Checkup::bad("stacks", "none of this folder's own", format!("choose a project with -C DIR: {}", names(inner)))
}

fn open_run(cx: &Context<'_>) -> Result<Checkup> {
    Ok(match cx.store.open_run()? {
        None => Checkup::good("runs", "none is open"),
        Some(run) if run.state.is_committed() => {
            Checkup::bad("runs", format!("what comes after {} is not done", run.id), "run `cargo xtask recover`")
        }
        Some(run) => Checkup::bad("runs", format!("{} did not come to its end", run.id), "run `cargo xtask recover`"),
    })
}
