//! What is good and what is missing in each category, and what to do first.

use serde::Serialize;

use super::seen::{Seen, listed_of, role_name};
use crate::finding::{Category, Finding, FixKind, Priority, Severity};
use crate::project::Role;
use crate::rules::{self, Rule};

#[derive(Debug, Clone, Serialize)]
pub struct Chapter {
    pub category: Category,
    pub good: Vec<String>,
    pub missing: Vec<Missing>,
}

/// What one rule finds in the stacks of one role.
#[derive(Debug, Clone, Serialize)]
pub struct Missing {
    pub role: Role,
    pub rule: &'static str,
    pub title: &'static str,
    pub severity: Severity,
    pub count: usize,
    /// Empty: the stack as a whole.
    pub services: Vec<String>,
    /// How many services the role has.
    pub of: usize,
    /// The role's policy does not ask for it.
    pub off: bool,
}

/// A recommendation: one rule, everybody whom it concerns, and how to follow it.
#[derive(Debug, Serialize)]
pub struct Advice {
    pub rule: &'static str,
    pub title: &'static str,
    pub count: usize,
    pub services: Vec<String>,
    pub help: String,
    pub fix: FixKind,
    /// The finding whose fix is shown as an example, by its number in the audit.
    #[serde(skip)]
    pub example: Option<usize>,
}

/// What somebody has done where a rule finds nothing, and whether that is worth a word of single services;
/// other rules find nothing in an empty file, too.
pub(super) const GOOD: [(&str, &str, bool); 22] = [
    ("no-new-privileges", "no process gains rights that it was not started with", true),
    ("read-only-rootfs", "the root file system is read-only", true),
    ("no-user-declared", "the user is declared", true),
    ("capabilities-not-dropped", "capabilities are dropped", true),
    ("no-confinement-profile", "a profile confines the container", true),
    ("default-credential", "no password has a default", false),
    ("hardcoded-credential", "no password is written out", false),
    ("secret-visible-in-inspect", "no password shows in `docker inspect` that could come as a file", false),
    ("no-network-segmentation", "networks are split by purpose", false),
    ("database-network-not-internal", "databases have no way out", false),
    ("volume-shared-between-services", "every volume has one writer", false),
    ("source-tree-mounted-in-prod", "no source tree is mounted", false),
    ("sensitive-port-published", "no database or broker is published", false),
    ("port-on-all-interfaces", "no port is open on all interfaces", false),
    ("memory-limit", "memory is limited", true),
    ("cpu-limit", "CPU is limited", true),
    ("undefined-variable", "every variable has a value", false),
    ("variable-not-passed", "what the sources read they are given", false),
    ("healthcheck-missing", "health is checked", true),
    ("depends-on-without-health", "dependencies are waited for until they are healthy", false),
    ("restart-policy", "comes back after a crash", true),
    ("no-log-rotation", "logs are rotated", true),
];

pub fn chapters(seen: &Seen<'_>) -> Vec<Chapter> {
    let of = |category: Category| {
        let mine = || rules::all().filter(move |rule| rule.category == category);
        let roles = seen.roles();
        let good = mine().flat_map(|rule| roles.iter().filter_map(move |role| good(rule, *role, seen))).collect();
        let mut missing: Vec<Missing> = mine().flat_map(|rule| roles.iter().filter_map(move |role| missing(rule, *role, seen))).collect();
        missing.sort_by_key(|one| (one.off, std::cmp::Reverse(one.severity)));
        Chapter { category, good, missing }
    };
    Category::ALL.into_iter().map(of).collect()
}

fn good(rule: &Rule, role: Role, seen: &Seen<'_>) -> Option<String> {
    let (_, words, single) = *GOOD.iter().find(|(name, ..)| *name == rule.name)?;
    let (all, mut free) = (seen.services(role), seen.free(role, &[rule.name]));
    if rule.name == "depends-on-without-health" {
        // It asks only for what can be waited for: a dependency without a health check has a finding of its own.
        free.retain(|facts| facts.conditions.iter().all(|condition| condition != "service_started"));
    }
    // A finding about the stack as a whole speaks for all of its services.
    let whole = seen.lacking(role, &[rule.name]).iter().any(|place| place.1.is_none());
    if free.is_empty() || whole || (free.len() < all.len() && !single) {
        return None;
    }
    let of = listed_of(free.iter().map(|facts| facts.name.as_str()), all.len());
    Some(format!("{words}: {of} of {}", role_name(role)))
}

fn missing(rule: &Rule, role: Role, seen: &Seen<'_>) -> Option<Missing> {
    let found = seen.findings(role, &[rule.name]);
    let severity = found.iter().map(|(entry, _)| entry.finding.severity).max()?;
    let severity = seen.severity(role, rule.name).unwrap_or(severity);
    let services = services(found.iter().map(|(entry, _)| &entry.finding));
    let off = seen.is_off(role, rule.name);
    let of = seen.services(role).len();
    Some(Missing { role, rule: rule.name, title: rule.title, severity, count: found.len(), services, of, off })
}

/// The names in their order, each once.
fn services<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in findings.filter_map(|finding| finding.service.as_ref()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// By priority; what production needs. What only dev lacks, and dev's policy turns off, is no advice.
pub fn advice(seen: &Seen<'_>) -> Vec<(Priority, Vec<Advice>)> {
    let asked = |rule: &'static Rule| -> Option<Advice> {
        let roles: Vec<Role> = seen.roles().into_iter().filter(|role| !seen.is_off(*role, rule.name)).collect();
        let all = || seen.audit.findings.iter().enumerate().filter(|(_, entry)| entry.finding.rule == rule.name);
        let in_roles =
            |stacks: &[String]| roles.iter().any(|role| seen.of(*role).any(|side| stacks.iter().any(|id| side.stacks.contains(id))));
        let mine: Vec<_> = all().filter(|(_, entry)| in_roles(&entry.stacks)).collect();
        let first = mine.first()?;
        let example = mine.iter().find(|(_, entry)| entry.finding.fix.is_some()).map(|(number, _)| *number);
        Some(Advice {
            rule: rule.name,
            title: rule.title,
            count: mine.len(),
            services: services(mine.iter().map(|(_, entry)| &entry.finding)),
            help: first.1.finding.help.clone(),
            fix: rule.fix,
            example,
        })
    };
    let of = |priority: Priority| (priority, rules::all().filter(|rule| rule.priority == priority).filter_map(asked).collect::<Vec<_>>());
    [Priority::P0, Priority::P1, Priority::P2, Priority::P3].into_iter().map(of).filter(|(_, advice)| !advice.is_empty()).collect()
}
