//! A stack tried in a throwaway project beyond becoming well: may its services write where they keep data,
//! and do they come back when their main process ends?

mod places;
mod restart;

use std::collections::BTreeMap;

use serde_json::Value;

use super::rehearsal::{LeftOut, Rehearsal, Rehearsed, Stack};
use super::{Seen, Verdict};
use crate::engine::remove::RUN_LABEL;
use crate::engine::{Container, Health, Status};
use crate::error::Result;

/// What a throwaway copy of a stack has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// Health checks, each really run.
    pub health: Seen,
    /// Volumes and bound folders that may be written.
    pub places: Seen,
    /// As which user each service works; those of which it could be asked.
    pub users: BTreeMap<String, User>,
    /// Main processes that were killed.
    pub restarts: Seen,
}

/// The user that a container's programs are started as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gids: Vec<u32>,
}

/// Starts the stack beside the live one, asks, kills, and takes everything away again.
///
/// # Errors
/// As [`Rehearsal::rehearse`].
pub fn of(rehearsal: &Rehearsal<'_>, stack: Stack<'_>) -> Result<Trial> {
    let (_, trial) = rehearsal.rehearse_and(&[stack], |rehearsed| look(rehearsal, stack.model, rehearsed))?;
    Ok(trial)
}

fn look(rehearsal: &Rehearsal<'_>, model: &Value, rehearsed: &Rehearsed) -> Result<Trial> {
    let mut containers = Vec::new();
    for listed in rehearsal.engine.containers(&[(RUN_LABEL, rehearsal.run)])? {
        containers.extend(rehearsal.engine.container(&listed.id)?);
    }
    let left_out: Vec<&LeftOut> = rehearsed.left_out.iter().map(|(_, left)| left).collect();
    let health = health(rehearsed, &containers, &left_out);
    let (places, users) = places::tried(rehearsal, model, &containers, &left_out)?;
    let restarts = match &rehearsed.verdict {
        Verdict::Holds { .. } => restart::tried(rehearsal, &containers, &left_out)?,
        _ => Seen { not_tried: vec!["nothing is killed before all are well".to_string()], ..Seen::default() },
    };
    Ok(Trial { health, places, users, restarts })
}

fn health(rehearsed: &Rehearsed, containers: &[Container], left_out: &[&LeftOut]) -> Seen {
    let mut seen = Seen { not_tried: not_started(left_out), ..Seen::default() };
    let services = |wanted: fn(&Container) -> bool| containers.iter().filter(move |container| wanted(container));
    for container in services(|container| container.healthcheck.is_none() && container.is_up()) {
        seen.wrong.push(format!("{} has no health check: nobody notices when it hangs", container.service()));
    }
    match &rehearsed.verdict {
        Verdict::Holds { .. } => {}
        Verdict::Fails { why } => seen.wrong.extend(why.iter().map(|why| in_short(why, containers))),
        Verdict::NotProven { needs } => seen.not_tried.push(format!("it needs {needs}")),
    }
    let healthy = services(|container| container.state.health == Some(Health::Healthy)).map(|one| format!("{} is healthy", one.service()));
    seen.good.extend(healthy);
    let done = services(|container| container.state.status == Status::Exited && container.may_end() && container.state.exit_code == 0);
    seen.good.extend(done.map(|one| format!("{} ended with code 0", one.service())));
    seen
}

fn not_started(left_out: &[&LeftOut]) -> Vec<String> {
    left_out.iter().map(|left| format!("{} was not started: {}", left.service, left.why)).collect()
}

/// The name of a throwaway container says no more than its service and number.
fn in_short(text: &str, containers: &[Container]) -> String {
    let project = |container: &Container| container.labels.get("com.docker.compose.project").cloned();
    match containers.iter().find_map(project) {
        Some(project) => text.replace(&format!("{project}-"), ""),
        None => text.to_string(),
    }
}
