//! What somebody needs to know who lets backups be made every night.

use std::path::PathBuf;

use serde::Serialize;

use crate::backup::{REST_PASSWORD, REST_USER};
use crate::error::{Error, Result};
use crate::saga::{state_folder, who};
use crate::tasks::Context;

/// The calls of every night, for systemd or cron.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// This program.
    pub program: PathBuf,
    pub root: PathBuf,
    pub user: String,
    /// The state folder, where it is another one than a new login of that user has.
    pub state: Option<PathBuf>,
    /// The settings say which backups are kept, so the others are let go.
    pub forgets: bool,
    /// Variables that are set here and say which engine is meant, or reach the repository; their values are not told.
    pub engine: Vec<String>,
}

/// # Errors
/// `Failed`: this program does not know where it is.
pub fn schedule(cx: &Context<'_>) -> Result<Schedule> {
    let program = std::env::current_exe().map_err(|error| Error::failed("find this program").why(error.to_string()))?;
    let set = |name: &&str| cx.environment.get(*name).is_some_and(|value| !value.is_empty());
    let named = state_folder(&|name| cx.environment.get(name).cloned())?;
    let usual = state_folder(&|name| cx.environment.get(name).filter(|_| name == "HOME").cloned()).ok();
    Ok(Schedule {
        program,
        root: cx.project.root.clone(),
        user: who().split('@').next().unwrap_or_default().to_string(),
        state: Some(named).filter(|named| Some(named) != usual.as_ref()),
        forgets: !cx.project.settings.backup.keep.is_nothing(),
        engine: ["DOCKER_HOST", "DOCKER_CONTEXT", REST_USER, REST_PASSWORD, "RCLONE_CONFIG"]
            .iter()
            .filter(|name| set(name))
            .map(|name| name.to_string())
            .collect(),
    })
}
