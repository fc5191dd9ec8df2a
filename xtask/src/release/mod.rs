//! What a successful deploy left running, as a record: what a later deploy is compared with, and what
//! a rollback goes back to.
//!
//! A release holds no secret in its record; its contents (rendered model, containers as they were made,
//! bound files) lie beside it as private blobs, by hash.

mod drift;
mod keep;
mod kept;
mod plan;
mod sources;
mod store;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::saga::Sha;

pub use drift::{Drift, Seen, drift};
pub use keep::keep_files;
pub use kept::{Kept, KeptFile, KeptFolder, KeptLink, NotKept, Reason};
pub use plan::{Change, ContainerNow, Replacing, ServicePlan, Target, Why, how, in_order, plan};
pub use store::{Releases, is_release_id};
pub use targets::{ImageFacts, image_of, targets};

/// One release of one stack on one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// `r0007`: counted by stack, never used again.
    pub id: String,
    pub stack: String,
    /// The compose project's name.
    pub project: String,
    /// The run that made it, in the `.xtask` of `root`.
    pub run: String,
    /// `user@host`.
    pub who: String,
    /// Milliseconds since 1970, when it was committed.
    pub at_ms: u64,
    /// How long the deploy took, in milliseconds.
    pub took_ms: u64,
    /// The project's root, and the commit that it was at, if any.
    pub root: PathBuf,
    /// Roots of deploys before, from which containers of it still are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<PathBuf>,
    pub git_commit: Option<String>,
    /// The value of the tag variable, where an image uses it.
    pub tag: Option<String>,
    /// The release that ran before; where a rollback without a name goes.
    pub previous: Option<String>,
    /// It was found running, not made by us: there is no rendered model of it.
    pub adopted: bool,
    /// The version of Compose that made its containers.
    pub compose_version: String,
    pub services: BTreeMap<String, ServiceRecord>,
    /// The rendered model, a blob; none when it was adopted.
    pub model: Option<Sha>,
    /// Bound and used files.
    #[serde(default)]
    pub kept: Kept,
    /// Findings that were accepted, and why.
    pub accepted: Vec<Accepted>,
    /// The newest backup of the stack when it was deployed: of the data that it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

/// One service of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRecord {
    /// The image as the model names it.
    pub image: String,
    /// The id that ran, and what registries call it.
    pub image_id: String,
    pub repo_digests: Vec<String>,
    /// The `com.docker.compose.config-hash` label.
    pub config_hash: String,
    /// A one-shot that exited 0: it is not run again by a rollback.
    pub done: bool,
    /// Its containers, as the engine can make them again: blobs, by container name.
    pub containers: BTreeMap<String, Sha>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    pub rule: String,
    pub reason: String,
}

impl Release {
    /// The contents that belong to it: model, containers and files.
    pub fn blobs(&self) -> BTreeSet<&Sha> {
        let containers = self.services.values().flat_map(|service| service.containers.values());
        self.model.iter().chain(containers).chain(self.kept.files.iter().map(|file| &file.content)).collect()
    }

    /// The tags that hold its images.
    pub fn holds(&self) -> Vec<String> {
        self.services.keys().map(|service| self.hold(service)).collect()
    }

    /// The tag by which an image of this release is held on the engine.
    pub fn hold(&self, service: &str) -> String {
        hold(&self.project, &self.stack, service, &self.id)
    }
}

/// What the names of held images begin with.
pub const HOLDS: &str = "xtask.local/";

/// `xtask.local/<project>/<stack>/<service>:<release>`: an image that carries it is not let go. Engines
/// allow only lower-case letters, digits and single separators in a repository's name.
pub fn hold(project: &str, stack: &str, service: &str, release: &str) -> String {
    // Two names that look alike in lower case are told apart by a piece of their hash.
    let exact = Sha::of(format!("{project}/{stack}/{service}").as_bytes());
    format!("{HOLDS}{}/{}/{}-{}:{release}", plain(project), plain(stack), plain(service), &exact.as_str()[..8])
}

/// Lower-case letters and digits, in words with a hyphen between them; never empty.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.to_ascii_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    let trimmed = out.trim_end_matches('-');
    if trimmed.is_empty() { "x".to_string() } else { trimmed.to_string() }
}

/// The releases that may go, oldest first, so that `keep` are left: never the one that is current, nor
/// the one that a rollback goes back to.
pub fn beyond(releases: &[Release], current: Option<&str>, keep: usize) -> Vec<String> {
    let previous = releases.iter().find(|release| Some(release.id.as_str()) == current).and_then(|release| release.previous.as_deref());
    let stays = |id: &str| Some(id) == current || Some(id) == previous;
    let old = &releases[..releases.len().saturating_sub(keep)];
    old.iter().map(|release| release.id.clone()).filter(|id| !stays(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_a_name_that_engines_accept() {
        let held = hold("Shop_x", "trading/tools/compose/database", "DB.main", "r0001");
        let (repository, tag) = held.rsplit_once(':').unwrap();
        assert_eq!(tag, "r0001");
        assert!(repository.starts_with("xtask.local/shop-x/trading-tools-compose-database/db-main-"), "{repository}");
        assert_ne!(hold("p", "s", "a_b", "r"), hold("p", "s", "a-b", "r"));
    }
}
