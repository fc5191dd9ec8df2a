//! Eight requirements of production, and how far they are met.

use serde::Serialize;

use super::seen::{Seen, listed, role_name};
use crate::project::Role;

/// How far something holds, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pass,
    Partial,
    Fail,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "PASS",
            Status::Partial => "PARTIAL",
            Status::Fail => "FAIL",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Requirement {
    pub name: &'static str,
    pub status: Status,
    pub notes: String,
}

/// Rules whose findings decide about a requirement.
pub(super) struct Measure {
    pub name: &'static str,
    /// One finding fails it.
    pub never: &'static [&'static str],
    /// It fails when no service is free of them; some leave it half done.
    pub each: &'static [&'static str],
    /// Any leaves it half done.
    pub also: &'static [&'static str],
}

pub(super) const MEASURES: [Measure; 8] = [
    Measure { name: "Non-root execution", never: &["runs-as-root"], each: &[], also: &["no-user-declared", "root-group-added"] },
    Measure { name: "Read-only filesystem", never: &[], each: &["read-only-rootfs"], also: &[] },
    Measure {
        name: "Secrets management",
        never: &[
            "hardcoded-credential",
            "credential-in-url",
            "default-credential",
            "provider-token",
            "tracked-env-file-secret",
            "secret-in-build-arg",
            "inline-config-secret",
            "secret-file-committed",
        ],
        each: &[],
        also: &["secrets-not-used", "secret-visible-in-inspect"],
    },
    Measure {
        name: "Network isolation",
        never: &["no-network-segmentation", "host-network"],
        each: &[],
        also: &["database-network-not-internal"],
    },
    Measure { name: "Resource limits", never: &[], each: &["memory-limit", "cpu-limit"], also: &["pids-limit", "ulimits"] },
    Measure { name: "Health checks", never: &[], each: &["healthcheck-missing", "healthcheck-disabled"], also: &[] },
    Measure {
        name: "Least privilege",
        never: &["privileged-container", "docker-socket-mount", "dangerous-capability-added", "host-pid"],
        each: &["no-new-privileges"],
        also: &[
            "capabilities-not-dropped",
            "no-confinement-profile",
            "sensitive-capability-added",
            "seccomp-disabled",
            "apparmor-disabled",
        ],
    },
    Measure {
        name: "Observability",
        never: &[],
        each: &["logging-disabled"],
        also: &["healthcheck-missing", "no-log-rotation", "labels-missing"],
    },
];

pub fn requirements(seen: &Seen<'_>) -> Vec<Requirement> {
    MEASURES.iter().map(|measure| requirement(measure, seen)).collect()
}

fn requirement(measure: &Measure, seen: &Seen<'_>) -> Requirement {
    let role = seen.decisive();
    let (all, free) = (seen.services(role).len(), seen.free(role, measure.each).len());
    let elsewhere: Vec<&str> = measure.never.iter().chain(measure.each).copied().filter(|rule| !seen.is_off(Role::Dev, rule)).collect();
    let status = if !seen.findings(role, measure.never).is_empty() || (all > 0 && free == 0) {
        Status::Fail
    } else if free < all || !seen.findings(role, measure.also).is_empty() || !seen.findings(Role::Dev, &elsewhere).is_empty() {
        Status::Partial
    } else {
        Status::Pass
    };
    let rules: Vec<&str> = [measure.never, measure.each, measure.also].concat();
    let notes: Vec<String> = seen.roles().into_iter().rev().filter_map(|role| notes(role, &rules, seen)).collect();
    let notes = if notes.is_empty() { "nothing found".to_string() } else { notes.join("; ") };
    Requirement { name: measure.name, status, notes }
}

/// `prod: 9 of 9 services no-user-declared`, for each rule that finds something.
fn notes(role: Role, rules: &[&str], seen: &Seen<'_>) -> Option<String> {
    let all = seen.services(role).len();
    let said = |rule: &&&str| {
        let places = seen.places(role, &[**rule]);
        let services = places.iter().filter(|place| place.1.is_some()).count();
        match (places.len(), services) {
            (0, _) => None,
            (_, 0) => Some(format!("`{rule}`")),
            _ => Some(format!("`{rule}` in {services} of {all}")),
        }
    };
    let said: Vec<String> = rules.iter().filter_map(|rule| said(&rule)).collect();
    (!said.is_empty()).then(|| format!("{}: {}", role_name(role), said.join(", ")))
}

/// What it comes to, in a few sentences.
pub fn summary(requirements: &[Requirement], seen: &Seen<'_>) -> Vec<String> {
    let with = |status| requirements.iter().filter(|one| one.status == status).map(|one| one.name).collect::<Vec<_>>();
    let mut said = Vec::new();
    let roles: Vec<String> = seen
        .roles()
        .into_iter()
        .map(|role| {
            let stacks: Vec<&str> = seen.of(role).flat_map(|side| &side.stacks).map(String::as_str).collect();
            format!("{} with {} services ({})", role_name(role), seen.services(role).len(), listed(stacks))
        })
        .collect();
    said.push(format!("Reviewed: {}.", roles.join("; ")));
    for (status, words) in [(Status::Pass, "Met"), (Status::Partial, "Met in part"), (Status::Fail, "Not met")] {
        let names = with(status);
        if !names.is_empty() {
            said.push(format!("{words}: {}.", names.join(", ").to_lowercase()));
        }
    }
    let ready = match (with(Status::Fail).len(), with(Status::Partial).len()) {
        (0, 0) => "Ready for production".to_string(),
        (0, partial) => format!("Nearly ready for production: {partial} of {} requirements are met in part", requirements.len()),
        (fail, _) => format!("Not ready for production: {fail} of {} requirements are not met", requirements.len()),
    };
    said.insert(0, format!("{ready}."));
    said
}
