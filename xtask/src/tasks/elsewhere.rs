//! One stack, several folders: who deploys from a fresh checkout each time finds the containers of the checkout
//! before. That it is the same stack the releases say: same engine, same compose project, same stack, and the
//! same files below the folder from which it was deployed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Context;
use crate::engine::Container;
use crate::error::Result;
use crate::project::Stack;
use crate::release::{Release, Releases};

/// The stack's files as they were named by deploys from other folders; none without an engine.
///
/// # Errors
/// The engine stops answering, or the releases cannot be read.
pub fn elsewhere(cx: &Context<'_>, stack: &Stack, project: &str) -> Result<Vec<Vec<PathBuf>>> {
    let roots = roots(cx, stack, project)?;
    Ok(roots.iter().map(|root| stack.files.iter().map(|file| moved(file, &cx.project.root, root)).collect()).collect())
}

/// The tag with which the release that runs was deployed; none without an engine, a release or a tag of it.
///
/// # Errors
/// As above.
pub fn current_tag(cx: &Context<'_>, stack: &Stack, project: &str) -> Result<Option<String>> {
    let Some(engine) = &cx.doors.engine else { return Ok(None) };
    let releases = Releases::open(&cx.state_folder()?, &engine.known()?.id, project, &stack.id)?;
    let current = releases.current()?;
    Ok(current.map(|id| releases.get(&id)).transpose()?.and_then(|release| release.tag))
}

/// The other folders from which the stack was deployed, as far as its releases are kept.
///
/// # Errors
/// As above.
pub fn roots(cx: &Context<'_>, stack: &Stack, project: &str) -> Result<BTreeSet<PathBuf>> {
    let Some(engine) = &cx.doors.engine else { return Ok(BTreeSet::new()) };
    let releases = Releases::open(&cx.state_folder()?, &engine.known()?.id, project, &stack.id)?.list()?;
    let of_release = |release: Release| std::iter::once(release.root).chain(release.roots);
    let mut roots: BTreeSet<PathBuf> = releases.into_iter().flat_map(of_release).collect();
    roots.remove(&cx.project.root);
    Ok(roots)
}

/// Those of the folders from whose files a container was made.
pub fn made_in<'r>(container: &Container, roots: impl IntoIterator<Item = &'r PathBuf>) -> Option<&'r PathBuf> {
    let files = container.labels.get("com.docker.compose.project.config_files").map(String::as_str).unwrap_or_default();
    roots.into_iter().find(|root| files.split(',').any(|file| Path::new(file).starts_with(root)))
}

/// A path below one root, below another; one that lies outside is where it is.
pub fn moved(path: &Path, from: &Path, to: &Path) -> PathBuf {
    path.strip_prefix(from).map_or_else(|_| path.to_path_buf(), |below| to.join(below))
}
