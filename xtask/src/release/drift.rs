//! What runs, against the files of today and against the last release. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{ContainerNow, ServiceRecord, Target};

/// One way in which something is not as it was deployed, or not as the files say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// It has no container any more, or never had one.
    Missing,
    /// It has a container that does not run.
    Stopped,
    /// Neither the files nor the release know it.
    Unknown,
    /// Another image than the release had: changed by hand.
    ImageByHand,
    /// Another configuration than the release had: changed by hand.
    ConfigurationByHand,
    /// The files name another image, or the name means another one now.
    Image,
    /// The files say another configuration.
    Configuration,
    /// A file that it reads is another one than when it was deployed.
    Files,
    /// Another version of Compose made it, so its configuration cannot be compared.
    ComposeVersion,
    /// The files ask for another number of containers.
    Number,
    /// The files do not have it any more.
    Dropped,
    /// The files have it, and it was not deployed yet.
    New,
}

/// What is compared; what is not known is left out of the comparison.
pub struct Seen<'s> {
    /// None: no engine was asked.
    pub now: Option<&'s [ContainerNow]>,
    /// None: the files do not render.
    pub targets: Option<&'s BTreeMap<String, Target>>,
    /// The services of the last release; none: nothing was deployed.
    pub last: Option<&'s BTreeMap<String, ServiceRecord>>,
    /// Services that read a file which has changed since.
    pub read_changed: &'s BTreeSet<String>,
    /// The services of every profile: one that the files have under another profile is nobody's business here.
    pub declared: &'s BTreeSet<String>,
    pub compose_version: &'s str,
}

/// Every service that any of the three knows, with what is different; empty: nothing is.
pub fn drift(seen: &Seen<'_>) -> BTreeMap<String, BTreeSet<Drift>> {
    let mut services: BTreeSet<&String> = seen.now.into_iter().flatten().map(|one| &one.service).collect();
    services.extend(seen.targets.into_iter().flat_map(BTreeMap::keys));
    services.extend(seen.last.into_iter().flat_map(BTreeMap::keys));
    services.into_iter().map(|service| (service.clone(), of(service, seen))).collect()
}

fn of(service: &String, seen: &Seen<'_>) -> BTreeSet<Drift> {
    let mut found = BTreeSet::new();
    let target = seen.targets.and_then(|targets| targets.get(service));
    let recorded = seen.last.and_then(|last| last.get(service));
    if seen.read_changed.contains(service) {
        found.insert(Drift::Files);
    }
    let Some(now) = seen.now else {
        match (target, recorded) {
            (Some(target), Some(recorded)) => {
                found.extend((target.image != recorded.image).then_some(Drift::Image));
                found
                    .extend((target.config_hash != recorded.config_hash && target.image == recorded.image).then_some(Drift::Configuration));
            }
            (Some(target), None) if target.replicas > 0 => drop(found.insert(Drift::New)),
            (None, Some(_)) if seen.targets.is_some() => drop(found.insert(Drift::Dropped)),
            _ => {}
        }
        return found;
    };
    let here: Vec<&ContainerNow> = now.iter().filter(|one| one.service == *service).collect();
    if here.is_empty() {
        let wanted = target.is_none_or(|target| target.replicas > 0);
        match recorded {
            Some(recorded) if wanted && !recorded.containers.is_empty() => found.insert(Drift::Missing),
            Some(_) => false,
            None if wanted => found.insert(if seen.last.is_some() { Drift::New } else { Drift::Missing }),
            None => false,
        };
        return found;
    }
    // One that ran in the release and ended is stopped, though it ended well.
    let may_be_done = recorded.is_none_or(|recorded| recorded.done);
    if here.iter().any(|one| !(one.running || one.done && may_be_done)) {
        found.insert(Drift::Stopped);
    }
    for one in &here {
        if let Some(recorded) = recorded {
            found.extend((one.image_id != recorded.image_id).then_some(Drift::ImageByHand));
            // Of another image the configuration differs by the image's name alone.
            let other = one.config_hash != recorded.config_hash && one.image_id == recorded.image_id;
            found.extend(other.then_some(Drift::ConfigurationByHand));
        }
        if let Some(target) = target {
            found.extend((target.image_id.as_ref() != Some(&one.image_id)).then_some(Drift::Image));
            if target.inside.is_empty() && one.config_hash != target.config_hash {
                let comparable = one.compose_version == seen.compose_version;
                found.insert(if comparable { Drift::Configuration } else { Drift::ComposeVersion });
            }
        }
    }
    let elsewhere = seen.declared.contains(service);
    match (target, recorded) {
        (None, _) if elsewhere => {}
        (Some(target), _) => found.extend((here.len() != target.replicas).then_some(Drift::Number)),
        (None, Some(_)) => found.extend(seen.targets.is_some().then_some(Drift::Dropped)),
        (None, None) => found.extend((seen.targets.is_some() || seen.last.is_some()).then_some(Drift::Unknown)),
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(service: &str, image: &str, hash: &str) -> ContainerNow {
        ContainerNow {
            id: "1".into(),
            service: service.into(),
            image_id: image.into(),
            config_hash: hash.into(),
            compose_version: "2".into(),
            running: true,
            done: false,
        }
    }

    fn target(image: &str, hash: &str) -> Target {
        Target { image: "i:v1".into(), image_id: Some(image.into()), config_hash: hash.into(), replicas: 1, ..Target::default() }
    }

    fn record(image: &str, hash: &str) -> ServiceRecord {
        ServiceRecord {
            image: "i:v1".into(),
            image_id: image.into(),
            repo_digests: Vec::new(),
            config_hash: hash.into(),
            done: false,
            containers: BTreeMap::from([("web-1".into(), crate::saga::Sha::of(b""))]),
        }
    }

    fn found(now: Option<&[ContainerNow]>, target: Option<Target>, recorded: Option<ServiceRecord>) -> Vec<Drift> {
        let targets = BTreeMap::from_iter(target.map(|target| ("web".to_string(), target)));
        let last = BTreeMap::from_iter(recorded.map(|recorded| ("web".to_string(), recorded)));
        let none = BTreeSet::new();
        let seen = Seen { now, targets: Some(&targets), last: Some(&last), read_changed: &none, declared: &none, compose_version: "2" };
        drift(&seen).remove("web").unwrap_or_default().into_iter().collect()
    }

    #[test]
    fn each_of_the_three_is_held_against_the_others() {
        use Drift::*;
        let (same, old) = (now("web", "s1", "h1"), now("web", "s0", "h0"));
        let stopped = ContainerNow { running: false, done: true, ..same.clone() };
        let other = ContainerNow { compose_version: "1".into(), ..same.clone() };
        let (as_it_is, as_recorded) = (Some(target("s1", "h1")), Some(record("s1", "h1")));
        type Case<'a> = (&'a [ContainerNow], Option<Target>, Option<ServiceRecord>, &'a [Drift]);
        let cases: [Case<'_>; 12] = [
            (std::slice::from_ref(&same), as_it_is.clone(), as_recorded.clone(), &[]),
            (&[old], as_it_is.clone(), as_recorded.clone(), &[ImageByHand, Image, Configuration]),
            (std::slice::from_ref(&same), as_it_is.clone(), Some(record("s1", "h9")), &[ConfigurationByHand]),
            (std::slice::from_ref(&same), Some(target("s2", "h1")), as_recorded.clone(), &[Image]),
            (std::slice::from_ref(&same), Some(target("s1", "h2")), as_recorded.clone(), &[Configuration]),
            (&[other], Some(target("s1", "h2")), as_recorded.clone(), &[ComposeVersion]),
            (&[stopped], as_it_is.clone(), as_recorded.clone(), &[Stopped]),
            (&[], as_it_is.clone(), as_recorded.clone(), &[Missing]),
            (&[], as_it_is.clone(), None, &[New]),
            (std::slice::from_ref(&same), None, as_recorded.clone(), &[Dropped]),
            (std::slice::from_ref(&same), None, None, &[Unknown]),
            (&[same.clone(), same.clone()], as_it_is.clone(), as_recorded.clone(), &[Number]),
        ];
        for (number, (now, target, recorded, expected)) in cases.into_iter().enumerate() {
            assert_eq!(found(Some(now), target, recorded), expected, "case {number}");
        }
        assert_eq!(found(None, Some(target("s1", "h2")), as_recorded.clone()), [Configuration]);
        assert_eq!(found(None, Some(Target { image: "i:v2".into(), ..target("s1", "h2") }), as_recorded), [Image]);
    }
}
