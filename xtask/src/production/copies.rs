//! What of a build context a service needs while it runs.

use std::collections::BTreeSet;

use super::context::is_for_development;
use super::{Refused, Subject};

/// Files that only package managers and builds read.
const MANIFESTS: [&str; 18] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "requirements.txt",
    "poetry.lock",
    "uv.lock",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "Pipfile.lock",
    "MANIFEST.in",
    "docker-entrypoint.sh",
    "requirements-dev.txt",
    "dev-requirements.txt",
    "poetry.toml",
];
/// Folders beside a build's output that programs read while they run.
const BESIDE_OUTPUT: [&str; 10] = ["public", "views", "templates", "static", "assets", "locales", "prisma", "migrations", "config", "data"];

/// What the service's own Dockerfile copies by name, else every name at the top of the context that is not for
/// development: files and folders.
pub fn as_written(subject: &Subject<'_>, manifest: Option<&str>) -> Vec<String> {
    let named = subject.build.image.as_ref().map(|image| image.sources.clone()).unwrap_or_default();
    let plain = |name: &String| !name.contains(['*', '?', '[', '$']) && !name.trim_matches('/').is_empty() && name != ".";
    let mut copies: BTreeSet<String> = if !named.is_empty() && named.iter().all(plain) {
        let clean = |name: &String| name.trim_start_matches("./").trim_matches('/').to_string();
        named.iter().map(clean).filter(|name| !is_manifest(name) && !is_for_development(name)).collect()
    } else {
        let top = |path: &String| path.split('/').next().unwrap_or_default().to_string();
        let used = |path: &&String| !is_for_development(path) && !is_manifest(path);
        subject.listed.iter().filter(used).map(top).collect()
    };
    copies.extend(manifest.map(String::from));
    copies.into_iter().collect()
}

/// The outputs of a build, and the folders that are read beside them.
pub fn built(subject: &Subject<'_>, outputs: &[String], manifest: Option<&str>) -> Vec<String> {
    let is_there = |folder: &&&str| subject.listed.iter().any(|path| path.starts_with(&format!("{folder}/")));
    let mut copies: BTreeSet<String> = BESIDE_OUTPUT.iter().filter(is_there).map(ToString::to_string).collect();
    copies.extend(outputs.iter().cloned());
    copies.extend(manifest.map(String::from));
    copies.into_iter().collect()
}

fn is_manifest(name: &str) -> bool {
    MANIFESTS.contains(&name) || name == "package.json" || name.starts_with("requirements") && name.ends_with(".txt")
}

/// Names are written into a Dockerfile: those that would mean something else there are refused.
pub fn check(subject: &Subject<'_>, copies: &[String]) -> Result<(), Refused> {
    let plain = |name: &&String| {
        name.chars().all(|c| c.is_alphanumeric() || "._-/@+".contains(c)) && !name.starts_with(['-', '#', '/']) && !name.contains("..")
    };
    match copies.iter().find(|name| !plain(name)) {
        None => Ok(()),
        Some(name) => {
            Err(Refused::new(format!("{} needs {name:?}, a name that cannot stand in a Dockerfile as it is", subject.service), "rename it"))
        }
    }
}
