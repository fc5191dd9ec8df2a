//! What an engine keeps and what may be unused of it, as plain values; which of it is unused, and why the rest is
//! not. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::release::HOLDS;

/// In the order in which a cleanup removes them: what holds others goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Container,
    Network,
    Volume,
    Image,
    Cache,
}

impl Kind {
    /// As `--expect` counts them.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Container => "containers",
            Kind::Network => "networks",
            Kind::Volume => "volumes",
            Kind::Image => "images",
            Kind::Cache => "cache",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Kind::Container => "container",
            Kind::Network => "network",
            Kind::Volume => "volume",
            Kind::Image => "image",
            Kind::Cache => "build cache",
        }
    }
}

/// One thing that could be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    pub kind: Kind,
    /// By what it is removed; a volume has nothing but its name.
    pub id: String,
    pub name: String,
    /// Of an image: its tags.
    pub tags: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub bytes: Option<u64>,
    /// Milliseconds since 1970, on the engine's clock; `None`: it does not say.
    pub made_ms: Option<u64>,
    /// The same in the engine's words: another one of the same name has another.
    pub made: String,
    /// Who has it, running or not.
    pub used_by: Vec<String>,
    /// By what its registry gives an image back: `HOST/PATH@sha256:...`; `None`: nobody has asked, or it does not.
    pub served: Option<String>,
}

const PROJECT: &str = "com.docker.compose.project";
const KEEP: &str = "xtask.keep";
/// Labels of what runs of this tool have put there.
const OF_RUNS: [&str; 3] = ["xtask.run", "xtask.restore", "xtask.restored"];
const BUILT_IN: [&str; 5] = ["bridge", "host", "none", "ingress", "docker_gwbridge"];
const ANONYMOUS_LENGTH: usize = 64;

impl Thing {
    pub fn project(&self) -> Option<&str> {
        self.labels.get(PROJECT).map(String::as_str).filter(|project| !project.is_empty())
    }

    /// What Compose calls it in its files.
    pub fn key(&self) -> Option<&str> {
        let label = match self.kind {
            Kind::Volume => "com.docker.compose.volume",
            Kind::Network => "com.docker.compose.network",
            Kind::Container | Kind::Image => "com.docker.compose.service",
            Kind::Cache => return None,
        };
        self.labels.get(label).map(String::as_str)
    }

    /// A volume that nobody has given a name.
    pub fn is_anonymous(&self) -> bool {
        self.kind == Kind::Volume && self.name.len() == ANONYMOUS_LENGTH && self.name.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    pub fn is_named_volume(&self) -> bool {
        self.kind == Kind::Volume && !self.is_anonymous()
    }

    pub fn is_untagged(&self) -> bool {
        self.kind == Kind::Image && self.tags.is_empty()
    }

    /// Whether a rollback brings it back.
    pub fn comes_back(&self) -> bool {
        matches!(self.kind, Kind::Network | Kind::Volume) || self.kind == Kind::Image && !self.is_untagged()
    }

    /// Whether its content is stored before it goes.
    pub fn is_archived(&self) -> bool {
        self.kind == Kind::Volume || self.kind == Kind::Image && !self.is_untagged() && self.served.is_none()
    }
}

/// What somebody refers to, and who that is in a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// By name, id, or registry's name.
    by_name: BTreeMap<(Kind, String), String>,
    /// By the compose project, and what its files call it.
    by_key: BTreeMap<(Kind, String, String), String>,
    /// Compose projects that other folders use too, and which.
    shared: BTreeMap<String, String>,
}

impl Claims {
    /// The first who says so is named.
    pub fn name(&mut self, kind: Kind, name: impl Into<String>, who: impl Into<String>) {
        self.by_name.entry((kind, name.into())).or_insert_with(|| who.into());
    }

    pub fn key(&mut self, kind: Kind, project: &str, key: &str, who: impl Into<String>) {
        self.by_key.entry((kind, project.to_string(), key.to_string())).or_insert_with(|| who.into());
    }

    pub fn shared(&mut self, project: &str, folder: &str) {
        self.shared.entry(project.to_string()).or_insert_with(|| folder.to_string());
    }

    fn of(&self, thing: &Thing) -> Option<String> {
        let names = [&thing.name, &thing.id].into_iter().chain(&thing.tags);
        let named = names.filter_map(|name| self.by_name.get(&(thing.kind, name.clone()))).next();
        let keyed = || self.by_key.get(&(thing.kind, thing.project()?.to_string(), thing.key()?.to_string()));
        // Nobody starts what `run` has left.
        let one_off = thing.kind == Kind::Container && thing.labels.get("com.docker.compose.oneoff").is_some_and(|word| word == "True");
        named.or_else(|| if one_off { None } else { keyed() }).cloned().or_else(|| {
            let folder = self.shared.get(thing.project()?)?;
            Some(format!("{folder} has a compose project of the same name, so it may be of that one"))
        })
    }
}

/// Which things are looked at, and what else keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The compose projects that are meant.
    pub projects: BTreeSet<String>,
    /// Only they: images without a name too must carry their label.
    pub only_labelled: bool,
    /// The whole engine.
    pub host: bool,
    pub containers: bool,
    /// So many of the newest tags of each repository stay.
    pub keep_tags: usize,
    /// What is not older stays, in milliseconds.
    pub younger_than_ms: u64,
    pub now_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Why it counts as unused.
    Unused(String),
    /// Why it stays.
    Kept(String),
    /// Not looked at.
    Outside,
}

/// One for each thing, in their order.
pub fn judge(things: &[Thing], claims: &Claims, scope: &Scope) -> Vec<Judgement> {
    let newest = newest_tags(things, scope.keep_tags);
    things.iter().map(|thing| one(thing, claims, scope, &newest)).collect()
}

fn one(thing: &Thing, claims: &Claims, scope: &Scope, newest: &BTreeMap<&str, &str>) -> Judgement {
    if !is_inside(thing, scope) {
        return Judgement::Outside;
    }
    let kept = |why: String| Judgement::Kept(why);
    if OF_RUNS.iter().any(|label| thing.labels.contains_key(*label)) || thing.name.starts_with("xtask-lock-") {
        return kept("a run of xtask has put it there".into());
    }
    if thing.labels.get(KEEP).is_some_and(|word| word != "false") {
        return kept(format!("its label {KEEP} says so"));
    }
    if thing.kind == Kind::Network && BUILT_IN.contains(&thing.name.as_str()) {
        return kept("the engine has made it for itself".into());
    }
    if !thing.used_by.is_empty() {
        return kept(format!("{} has it", thing.used_by.join(", ")));
    }
    if let Some(hold) = thing.tags.iter().find(|tag| tag.starts_with(HOLDS)) {
        return kept(format!("a release holds it as {hold}"));
    }
    if let Some(who) = claims.of(thing) {
        return kept(who);
    }
    if let Some(repository) = newest.get(thing.id.as_str()) {
        return kept(format!("it is one of the newest {} of {repository}", scope.keep_tags));
    }
    match thing.made_ms {
        _ if scope.younger_than_ms == 0 => {}
        None if thing.kind != Kind::Cache => return kept("the engine does not say how old it is".into()),
        Some(made) if scope.now_ms.saturating_sub(made) < scope.younger_than_ms => return kept("it is too young".into()),
        _ => {}
    }
    Judgement::Unused(why_unused(thing).to_string())
}

fn is_inside(thing: &Thing, scope: &Scope) -> bool {
    let ours = thing.project().is_some_and(|project| scope.projects.contains(project));
    match thing.kind {
        Kind::Container if !scope.containers => false,
        _ if ours || scope.host => true,
        Kind::Image => thing.is_untagged() && !scope.only_labelled && thing.project().is_none(),
        _ => false,
    }
}

fn why_unused(thing: &Thing) -> &'static str {
    match thing.kind {
        Kind::Container => "it does not run, and no stack declares its service",
        Kind::Network => "no container names it, and no stack declares it",
        Kind::Volume if thing.is_anonymous() => "no container has it, and it has no name by which one could",
        Kind::Volume => "no container has it, and no stack declares it",
        Kind::Image if thing.is_untagged() => "it has no name, and no container was made of it",
        Kind::Image => "no container was made of it, and no stack names it",
        Kind::Cache => "no build uses it",
    }
}

/// The ids of the images that have one of the newest tags of a repository, with that repository.
fn newest_tags(things: &[Thing], count: usize) -> BTreeMap<&str, &str> {
    let mut by_repository: BTreeMap<&str, Vec<&Thing>> = BTreeMap::new();
    for thing in things.iter().filter(|thing| thing.kind == Kind::Image) {
        for tag in &thing.tags {
            by_repository.entry(tag.rsplit_once(':').map_or(tag.as_str(), |(repository, _)| repository)).or_default().push(thing);
        }
    }
    let mut newest = BTreeMap::new();
    for (repository, mut images) in by_repository {
        images.sort_by_key(|image| std::cmp::Reverse(image.made_ms));
        newest.extend(images.into_iter().take(count).map(|image| (image.id.as_str(), repository)));
    }
    newest
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
