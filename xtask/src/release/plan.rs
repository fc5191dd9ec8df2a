//! What a deploy would do, service by service: what runs now against what shall run. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A container of the stack, as it was found. Of each service the plan looks at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerNow {
    pub id: String,
    pub service: String,
    pub image_id: String,
    pub config_hash: String,
    /// The version of Compose that made it.
    pub compose_version: String,
    pub running: bool,
    /// It exited 0 and is one that may end.
    pub done: bool,
}

/// A service as it shall run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    pub image: String,
    /// Known once the image is on the engine.
    pub image_id: Option<String>,
    pub config_hash: String,
    pub replicas: usize,
    /// `depends_on`.
    pub needs: BTreeSet<String>,
    /// The services whose namespaces it shares: it is made anew with them.
    pub inside: BTreeSet<String>,
    /// What keeps the old container from standing beside the new one; empty: nothing does.
    pub alone: Vec<String>,
    /// It publishes no fixed host port, so old and new can serve at once.
    pub no_host_port: bool,
    /// A file that it binds or uses has changed since the last release.
    pub files_changed: bool,
    /// The strategy that the settings ask for.
    pub asked: Option<Replacing>,
}

/// Why a service is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    Image,
    Configuration,
    /// A file that it binds or uses is another one than in the last release.
    Files,
    /// Another version of Compose made it; its hashes cannot be compared.
    ComposeVersion,
    /// It shares the namespace of a service that is replaced.
    Follows,
}

/// How old containers make room for new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Replacing {
    /// The new one is made, the old one stopped and kept until the release is committed.
    Swap,
    /// The new one runs and is well before the old one is stopped.
    Rolling,
    /// Compose replaces it.
    Recreate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Unchanged,
    Start,
    /// There are more containers of it than shall be.
    Fewer,
    Replace {
        why: Vec<Why>,
        how: Replacing,
    },
    /// It is no part of the release any more; its containers are stopped and stay.
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePlan {
    pub service: String,
    pub change: Change,
    pub image: String,
    pub old_image_id: Option<String>,
    pub new_image_id: Option<String>,
}

/// What has to happen so that `targets` runs, in an order in which each service comes after those that it
/// needs; services that stop come last. `compose_version` is the one that would make new containers. What the
/// files declare beside the targets, under other profiles, is nobody's business here.
pub fn plan(
    now: &[ContainerNow],
    targets: &BTreeMap<String, Target>,
    declared: &BTreeSet<String>,
    compose_version: &str,
) -> Vec<ServicePlan> {
    let mut plans = Vec::new();
    let mut replaced: BTreeSet<String> = BTreeSet::new();
    for service in in_order(targets) {
        let target = &targets[&service];
        let here: Vec<&ContainerNow> = now.iter().filter(|container| container.service == service).collect();
        let change = change(&here, target, compose_version, &replaced);
        if matches!(change, Change::Replace { .. }) {
            replaced.insert(service.clone());
        }
        let old_image_id = here.first().map(|container| container.image_id.clone());
        let (image, new_image_id) = (target.image.clone(), target.image_id.clone());
        plans.push(ServicePlan { service, change, image, old_image_id, new_image_id });
    }
    let known = |name: &String| targets.contains_key(name) || declared.contains(name);
    let gone: BTreeSet<&String> = now.iter().map(|container| &container.service).filter(|name| !known(name)).collect();
    for service in gone {
        let here: Vec<&ContainerNow> = now.iter().filter(|container| container.service == *service).collect();
        if here.iter().any(|container| container.running) {
            let old_image_id = here.first().map(|container| container.image_id.clone());
            let plan =
                ServicePlan { service: service.clone(), change: Change::Stop, image: String::new(), old_image_id, new_image_id: None };
            plans.push(plan);
        }
    }
    plans
}

fn change(here: &[&ContainerNow], target: &Target, compose_version: &str, replaced: &BTreeSet<String>) -> Change {
    if here.is_empty() {
        return if target.replicas == 0 { Change::Unchanged } else { Change::Start };
    }
    let mut why = BTreeSet::new();
    for container in here {
        // An image that is not here yet is another one: a deploy pulls it.
        if target.image_id.as_ref() != Some(&container.image_id) {
            why.insert(Why::Image);
        }
        if container.config_hash != target.config_hash {
            let other = container.compose_version != compose_version;
            why.insert(if other { Why::ComposeVersion } else { Why::Configuration });
        }
    }
    if target.files_changed {
        why.insert(Why::Files);
    }
    if target.inside.iter().any(|service| replaced.contains(service)) {
        why.insert(Why::Follows);
    }
    let serving = here.iter().filter(|container| container.running || container.done).count();
    if !why.is_empty() {
        return Change::Replace { why: why.into_iter().collect(), how: how(target) };
    }
    match here.len().cmp(&target.replicas) {
        Ordering::Greater => Change::Fewer,
        Ordering::Equal if serving == here.len() => Change::Unchanged,
        _ => Change::Start,
    }
}

/// The strategy: the one asked for where it can be had, else the safest that can. `rolling` is never taken
/// unasked: not every program stands a second one of itself beside it.
pub fn how(target: &Target) -> Replacing {
    if !target.alone.is_empty() {
        return Replacing::Recreate;
    }
    match target.asked {
        Some(Replacing::Rolling) if !target.no_host_port => Replacing::Swap,
        Some(asked) => asked,
        None => Replacing::Swap,
    }
}

/// The services' names so that each comes after what it needs or shares; by name where nothing says more.
pub fn in_order(targets: &BTreeMap<String, Target>) -> Vec<String> {
    let mut ordered: Vec<String> = Vec::new();
    let mut waiting: Vec<&String> = targets.keys().collect();
    while !waiting.is_empty() {
        let ready = |name: &&String| {
            let target = &targets[*name];
            let mut first = target.needs.iter().chain(&target.inside);
            first.all(|needed| ordered.contains(needed) || !targets.contains_key(needed))
        };
        // The model refuses cycles; should one come here, its members keep their order by name.
        let next = waiting.iter().position(ready).unwrap_or(0);
        ordered.push(waiting.remove(next).clone());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(service: &str, image: &str, hash: &str) -> ContainerNow {
        ContainerNow {
            id: format!("{service}-1"),
            service: service.into(),
            image_id: image.into(),
            config_hash: hash.into(),
            compose_version: "2.40.3".into(),
            running: true,
            done: false,
        }
    }

    fn target(image: &str, hash: &str) -> Target {
        Target {
            image: "i".into(),
            image_id: Some(image.into()),
            config_hash: hash.into(),
            replicas: 1,
            no_host_port: true,
            ..Target::default()
        }
    }

    fn changes(now: &[ContainerNow], targets: &[(&str, Target)]) -> Vec<(String, Change)> {
        let targets = targets.iter().map(|(name, target)| (name.to_string(), target.clone())).collect();
        plan(now, &targets, &BTreeSet::from(["debug".to_string()]), "2.40.3").into_iter().map(|plan| (plan.service, plan.change)).collect()
    }

    #[test]
    fn what_runs_as_it_shall_is_left_alone() {
        let now = [running("db", "sha256:1", "h"), ContainerNow { running: false, done: true, ..running("init", "sha256:1", "h") }];
        let planned = changes(&now, &[("db", target("sha256:1", "h")), ("init", target("sha256:1", "h"))]);
        assert!(planned.iter().all(|(_, change)| *change == Change::Unchanged), "{planned:?}");
    }

    #[test]
    fn every_reason_is_named() {
        let old = ContainerNow { compose_version: "2.26.1".into(), ..running("c", "sha256:1", "h") };
        let now = [running("a", "sha256:1", "h"), running("b", "sha256:1", "h"), old];
        let planned = changes(&now, &[("a", target("sha256:2", "h2")), ("b", target("sha256:1", "h2")), ("c", target("sha256:1", "h2"))]);
        let replace = |why: &[Why]| Change::Replace { why: why.to_vec(), how: Replacing::Swap };
        let all = [vec![Why::Image, Why::Configuration], vec![Why::Configuration], vec![Why::ComposeVersion]];
        for ((_, change), why) in planned.iter().zip(all) {
            assert_eq!(*change, replace(&why));
        }
    }

    #[test]
    fn a_changed_file_is_a_reason_of_its_own() {
        let changed = Target { files_changed: true, ..target("sha256:1", "h") };
        let planned = changes(&[running("web", "sha256:1", "h")], &[("web", changed)]);
        assert_eq!(planned[0].1, Change::Replace { why: vec![Why::Files], how: Replacing::Swap });
    }

    #[test]
    fn who_shares_a_namespace_follows_and_comes_after() {
        let side = Target { inside: BTreeSet::from(["web".to_string()]), ..target("sha256:1", "h") };
        let now = [running("aside", "sha256:1", "h"), running("web", "sha256:1", "h")];
        let planned = changes(&now, &[("aside", side), ("web", target("sha256:2", "h"))]);
        assert_eq!(planned[0].0, "web");
        assert_eq!(planned[1].1, Change::Replace { why: vec![Why::Follows], how: Replacing::Swap });
    }

    #[test]
    fn new_missing_and_dropped_services_are_told_apart() {
        let stopped = ContainerNow { running: false, ..running("down", "sha256:1", "h") };
        // Declared under a profile that is off: somebody started it by hand.
        let now = [stopped, running("dropped", "sha256:1", "h"), running("debug", "sha256:1", "h")];
        let planned = changes(&now, &[("down", target("sha256:1", "h")), ("new", target("sha256:1", "h"))]);
        let wanted = [("down", Change::Start), ("new", Change::Start), ("dropped", Change::Stop)];
        assert_eq!(planned, wanted.map(|(name, change)| (name.to_string(), change)));
    }

    #[test]
    fn more_containers_than_shall_be_are_told_from_too_few() {
        let second = ContainerNow { id: "web-2".into(), ..running("web", "sha256:1", "h") };
        let now = [running("web", "sha256:1", "h"), second];
        let asked = |replicas| Target { replicas, ..target("sha256:1", "h") };
        for (replicas, change) in [(0, Change::Fewer), (1, Change::Fewer), (2, Change::Unchanged), (3, Change::Start)] {
            assert_eq!(changes(&now, &[("web", asked(replicas))])[0].1, change, "{replicas}");
        }
    }

    #[test]
    fn rolling_is_for_who_asks_and_can() {
        let asked = |no_host_port, alone: &[&str]| Target {
            asked: Some(Replacing::Rolling),
            no_host_port,
            alone: alone.iter().map(ToString::to_string).collect(),
            ..target("sha256:2", "h")
        };
        assert_eq!(how(&asked(true, &[])), Replacing::Rolling);
        assert_eq!(how(&asked(false, &[])), Replacing::Swap);
        assert_eq!(how(&asked(true, &["container_name"])), Replacing::Recreate);
    }
}
