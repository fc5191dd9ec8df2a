//! Is a running stack well? Every container of it, at the same moment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Verdict;
use crate::cancel::Cancel;
use crate::engine::wait::{Unwell, Waited, Well, until_well};
use crate::engine::{Engine, Listed};
use crate::error::Result;
use crate::secret::Masker;

/// Which containers are a stack's. Several stacks may share a project's name, and even a service's:
/// the files that a container was made from tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub project: String,
    /// Absolute, as they were given to Compose.
    pub config_files: Vec<PathBuf>,
    /// The same files in other folders, from which the stack was deployed before.
    pub elsewhere: Vec<Vec<PathBuf>>,
}

/// The stack's containers, running or not, without those of `docker compose run`.
///
/// # Errors
/// `Failed`: the engine does not answer.
pub fn containers(engine: &dyn Engine, stack: &Running) -> Result<Vec<Listed>> {
    let listed = engine.containers(&[("com.docker.compose.project", &stack.project), ("com.docker.compose.oneoff", "False")])?;
    let place = |files: &Vec<PathBuf>| files.iter().map(|file| without_links(file)).collect::<BTreeSet<PathBuf>>();
    let wanted: Vec<BTreeSet<PathBuf>> = std::iter::once(&stack.config_files).chain(&stack.elsewhere).map(place).collect();
    let made_from = |container: &Listed| container.labels.get("com.docker.compose.project.config_files").cloned().unwrap_or_default();
    Ok(listed
        .into_iter()
        .filter(|container| wanted.contains(&made_from(container).split(',').map(|file| without_links(Path::new(file))).collect()))
        .collect())
}

/// Compose notes a file by the way that its user came, which may lead through a link.
fn without_links(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_path_buf())
}

/// Waits until the stack's containers are well: those of `services`, which must have one; of all
/// services when none is named.
///
/// # Errors
/// The engine does not answer (`Failed`), or somebody wants to stop (`Interrupted`).
pub fn prove(
    engine: &dyn Engine,
    stack: &Running,
    services: &[String],
    settle: Duration,
    masker: &Masker,
    cancel: &Cancel,
) -> Result<Verdict> {
    let found = containers(engine, stack)?;
    if found.is_empty() && services.is_empty() {
        return Ok(Verdict::NotProven { needs: format!("the stack to run (project {})", stack.project) });
    }
    let there = |service: &String| found.iter().any(|container| container.labels.get("com.docker.compose.service") == Some(service));
    let missing: Vec<String> =
        services.iter().filter(|service| !there(service)).map(|service| format!("{service}: has no container")).collect();
    if !missing.is_empty() {
        return Ok(Verdict::Fails { why: missing });
    }
    let asked = |container: &Listed| {
        let service = container.labels.get("com.docker.compose.service");
        services.is_empty() || service.is_some_and(|service| services.contains(service))
    };
    let ids: Vec<String> = found.into_iter().filter(asked).map(|container| container.id).collect();
    Ok(verdict(until_well(engine, &ids, settle, masker, cancel)?))
}

/// In words: a container a line, with the end of its log where it is not well.
pub fn verdict(waited: Waited) -> Verdict {
    match waited {
        Waited::Well(well) => {
            let words: Vec<String> = well.iter().map(|(container, how)| format!("{container} {}", in_a_word(*how))).collect();
            Verdict::Holds { detail: words.join(", ") }
        }
        Waited::Unwell(unwell) => Verdict::Fails { why: unwell.iter().map(in_words).collect() },
    }
}

fn in_a_word(well: Well) -> &'static str {
    match well {
        Well::Healthy => "healthy",
        Well::Running => "running",
        Well::Done => "done",
    }
}

fn in_words(unwell: &Unwell) -> String {
    let Unwell { service, container, why, log } = unwell;
    let name = if container.contains(service.as_str()) { container.clone() } else { format!("{service} ({container})") };
    if log.is_empty() { format!("{name}: {why}") } else { format!("{name}: {why}; the end of its log:\n{log}") }
}
