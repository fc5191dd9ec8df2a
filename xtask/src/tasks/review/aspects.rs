//! Development beside production, in ten aspects.

use std::collections::BTreeMap;

use serde::Serialize;

use super::compliance::Status;
use super::facts::{Facts, Side};
use super::seen::{Seen, listed, listed_of};
use crate::project::Role;
use crate::text::counted;

/// One line of the comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Aspect {
    pub name: &'static str,
    /// What each side does, in their order.
    pub sides: Vec<String>,
    pub status: Status,
    pub assessment: String,
}

pub(super) const CREDENTIALS: &[&str] = &["hardcoded-credential", "credential-in-url", "provider-token", "tracked-env-file-secret"];
pub(super) const EXPOSED: &[&str] = &["sensitive-port-published", "management-port-published"];

pub fn aspects(sides: &[Side], seen: &Seen<'_>) -> Vec<Aspect> {
    let aspect = |name, one: &dyn Fn(&Side) -> String, (status, assessment): (Status, String)| Aspect {
        name,
        sides: sides.iter().map(one).collect(),
        status,
        assessment,
    };
    vec![
        aspect("Images", &images, built(sides)),
        aspect(
            "Security options",
            &|side| share(side, |s| s.no_new_privileges),
            everywhere(sides, "no-new-privileges", |s| s.no_new_privileges),
        ),
        aspect("Read-only root", &|side| share(side, |s| s.read_only), everywhere(sides, "a read-only root", |s| s.read_only)),
        aspect("Health checks", &|side| share(side, |s| s.health_check), everywhere(sides, "a health check", |s| s.health_check)),
        aspect("Depends on", &conditions, waits(sides)),
        aspect("Port exposure", &ports, exposure(sides, seen)),
        aspect("Secrets", &|side| secrets(side, seen), credentials(sides, seen)),
        aspect("Network isolation", &networks, isolation(sides)),
        aspect("Resource limits", &limits, everywhere(sides, "limits of memory and CPU", |s| s.memory_limit && s.cpu_limit)),
        aspect(
            "Restart policy",
            &restarts,
            everywhere(sides, "a restart policy", |s| s.restart.as_deref().is_some_and(|policy| policy != "no")),
        ),
    ]
}

fn share(side: &Side, holds: impl Fn(&Facts) -> bool) -> String {
    match (side.with(holds), side.services.len()) {
        (0, _) => "none".into(),
        (count, all) if count == all => format!("all {all} services"),
        (count, all) => format!("{count} of {all} services"),
    }
}

/// Production decides; what only development lacks is a remark.
fn everywhere(sides: &[Side], what: &str, holds: impl Fn(&Facts) -> bool) -> (Status, String) {
    let lacking = |side: &Side| side.services.iter().filter(|s| !holds(s)).map(|s| s.name.clone()).collect::<Vec<_>>();
    let Some(decisive) = sides.last() else { return (Status::Pass, String::new()) };
    let missing = lacking(decisive);
    if missing.len() == decisive.services.len() && !missing.is_empty() {
        return (Status::Fail, format!("no service of {} has {what}", decisive.name()));
    }
    if !missing.is_empty() {
        return (
            Status::Partial,
            format!("{} lacks {what}: {}", decisive.name(), listed_of(missing.iter().map(String::as_str), decisive.services.len())),
        );
    }
    match sides.iter().find(|side| !lacking(side).is_empty()) {
        Some(side) => (Status::Partial, format!("only {} lacks {what}", side.name())),
        None => (Status::Pass, format!("every service has {what}")),
    }
}

fn images(side: &Side) -> String {
    match (side.with(|s| s.built), side.services.len()) {
        (0, all) => format!("{all} from a registry"),
        (built, all) => format!("{built} built from source, {} from a registry", all - built),
    }
}

fn built(sides: &[Side]) -> (Status, String) {
    let prod = sides.iter().find(|side| side.role == Role::Prod);
    match prod.map(|side| side.with(|s| s.built)) {
        Some(0) => (Status::Pass, "prod runs what was built before".into()),
        Some(built) => (Status::Partial, format!("prod builds {} where it runs", counted(built, "service"))),
        None => (Status::Pass, "fitting for development".into()),
    }
}

fn tally<'n>(words: impl Iterator<Item = &'n str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    counts.iter().map(|(word, count)| format!("{count} `{word}`")).collect::<Vec<_>>().join(", ")
}

fn conditions(side: &Side) -> String {
    let said = tally(side.services.iter().flat_map(|s| s.conditions.iter().map(String::as_str)));
    if said.is_empty() { "nothing waits".into() } else { said }
}

fn waits(sides: &[Side]) -> (Status, String) {
    let early = |side: &&Side| side.with(|s| s.conditions.iter().any(|condition| condition == "service_started")) > 0;
    match sides.iter().rev().find(early) {
        None => (Status::Pass, "nothing starts before what it needs is ready".into()),
        Some(side) if side.role == Role::Dev && sides.len() > 1 => (Status::Pass, "prod waits for health, dev only for a start".into()),
        Some(side) => (Status::Partial, format!("{} starts services before what they need is ready", side.name())),
    }
}

fn ports(side: &Side) -> String {
    let (ports, open): (usize, usize) = side.services.iter().fold((0, 0), |(all, open), s| (all + s.ports, open + s.open_ports));
    match ports {
        0 => "none".into(),
        _ => {
            let of = counted(side.with(|s| s.ports > 0), "service");
            format!("{} of {of}, {open} on all interfaces", counted(ports, "port"))
        }
    }
}

fn exposure(sides: &[Side], seen: &Seen<'_>) -> (Status, String) {
    let Some(decisive) = sides.last() else { return (Status::Pass, String::new()) };
    let places = seen.places(decisive.role, EXPOSED);
    let open = seen.places(decisive.role, &["port-on-all-interfaces"]);
    match (places.is_empty(), decisive.role) {
        (true, Role::Prod) if !open.is_empty() => {
            (Status::Partial, format!("prod is reached on every interface: {}", listed(open.iter().filter_map(|place| place.1))))
        }
        (true, Role::Prod) => (Status::Pass, "nothing is published that is not meant for the world".into()),
        (true, Role::Dev) => (Status::Pass, "fitting for development".into()),
        (false, _) => {
            (Status::Partial, format!("{} should not publish {}", decisive.name(), listed(places.iter().filter_map(|place| place.1))))
        }
    }
}

fn secrets(side: &Side, seen: &Seen<'_>) -> String {
    let count = |rules: &[&str]| seen.findings(side.role, rules).len();
    format!("{} written out, {} defaults, {} secrets as files", count(CREDENTIALS), count(&["default-credential"]), side.secrets)
}

fn credentials(sides: &[Side], seen: &Seen<'_>) -> (Status, String) {
    let all = [CREDENTIALS, &["default-credential"]].concat();
    let holding = sides.iter().rev().find(|side| !seen.findings(side.role, &all).is_empty());
    match holding {
        None => (Status::Pass, "no credential is written out".into()),
        Some(side) => (Status::Fail, format!("{} starts with passwords that anybody can read", side.name())),
    }
}

fn networks(side: &Side) -> String {
    match side.networks {
        0 => "the default network only".into(),
        all => format!("{all} networks, {} internal", side.internal_networks),
    }
}

fn isolation(sides: &[Side]) -> (Status, String) {
    let Some(decisive) = sides.last() else { return (Status::Pass, String::new()) };
    match (decisive.networks, decisive.internal_networks) {
        (0, _) if decisive.services.len() > 1 => (Status::Fail, "everything reaches everything".into()),
        (0, _) => (Status::Pass, "there is one service".into()),
        (_, 0) => (Status::Partial, "no network is without a way out".into()),
        _ => (Status::Pass, "networks are apart, and one has no way out".into()),
    }
}

fn limits(side: &Side) -> String {
    format!("memory {}, CPU {}", share(side, |s| s.memory_limit), share(side, |s| s.cpu_limit))
}

fn restarts(side: &Side) -> String {
    tally(side.services.iter().map(|s| s.restart.as_deref().unwrap_or("none")))
}
