//! The findings by role, rule and service.

use std::collections::BTreeSet;

use super::facts::{Facts, Side};
use crate::audit::{Audit, Entry};
use crate::finding::Severity;
use crate::project::Role;

/// A finding of a service: its stack and its name; no name where it is about the whole stack.
pub type Place<'a> = (&'a str, Option<&'a str>);

/// A rule as the policy of a role has it.
pub struct Asked {
    pub role: Role,
    pub rule: &'static str,
    pub severity: Option<Severity>,
    /// The policy turns it off, so that it was judged for this review only.
    pub off: bool,
}

/// Rules that have nothing to say of a service of which another speaks: what the second finds, the first would.
pub(super) const BEHIND: [(&str, &[&str]); 6] = [
    ("read-only-rootfs", &["privileged-container"]),
    ("capabilities-not-dropped", &["privileged-container", "dangerous-capability-added"]),
    ("no-confinement-profile", &["privileged-container", "seccomp-disabled", "apparmor-disabled", "selinux-disabled"]),
    ("no-user-declared", &["runs-as-root"]),
    ("healthcheck-missing", &["healthcheck-disabled"]),
    ("no-log-rotation", &["logging-disabled"]),
];

pub struct Seen<'a> {
    pub audit: &'a Audit,
    pub sides: Vec<&'a Side>,
    asked: &'a [Asked],
}

impl<'a> Seen<'a> {
    pub fn new(audit: &'a Audit, sides: impl Iterator<Item = &'a Side>, asked: &'a [Asked]) -> Self {
        Seen { audit, sides: sides.collect(), asked }
    }

    pub fn of(&self, role: Role) -> impl Iterator<Item = &'a Side> {
        self.sides.clone().into_iter().filter(move |side| side.role == role)
    }

    /// The roles that there are, dev first.
    pub fn roles(&self) -> Vec<Role> {
        [Role::Dev, Role::Prod].into_iter().filter(|role| self.of(*role).next().is_some()).collect()
    }

    /// What decides whether production is ready: prod, or dev where there is nothing else.
    pub fn decisive(&self) -> Role {
        if self.of(Role::Prod).next().is_some() { Role::Prod } else { Role::Dev }
    }

    pub fn services(&self, role: Role) -> Vec<&'a Facts> {
        self.of(role).flat_map(|side| &side.services).collect()
    }

    /// The findings of some rules in the stacks of a role.
    pub fn findings(&self, role: Role, rules: &[&str]) -> Vec<(&'a Entry, &'a str)> {
        let stacks: BTreeSet<&str> = self.of(role).flat_map(|side| &side.stacks).map(String::as_str).collect();
        let entries = self.audit.findings.iter().filter(|entry| rules.contains(&entry.finding.rule));
        entries.filter_map(|entry| Some((entry, entry.stacks.iter().map(String::as_str).find(|stack| stacks.contains(stack))?))).collect()
    }

    /// Where those rules find something.
    pub fn places(&self, role: Role, rules: &[&str]) -> BTreeSet<Place<'a>> {
        self.findings(role, rules).into_iter().map(|(entry, stack)| (stack, entry.finding.service.as_deref())).collect()
    }

    /// The same, and what others find where these have nothing to say.
    pub fn lacking(&self, role: Role, rules: &[&str]) -> BTreeSet<Place<'a>> {
        let behind = BEHIND.iter().filter(|(rule, _)| rules.contains(rule)).flat_map(|(_, behind)| behind.iter().copied());
        let rules: Vec<&str> = rules.iter().copied().chain(behind).collect();
        self.places(role, &rules)
    }

    /// The services for which those rules find nothing, nor those that speak in their place.
    pub fn free(&self, role: Role, rules: &[&str]) -> Vec<&'a Facts> {
        let places = self.lacking(role, rules);
        let named = |facts: &&Facts| places.contains(&(facts.stack.as_str(), Some(facts.name.as_str())));
        self.services(role).into_iter().filter(|facts| !named(facts)).collect()
    }

    /// Whether the role's policy turns the rule off, so that it was judged for this review only.
    pub fn is_off(&self, role: Role, rule: &str) -> bool {
        self.asked(role, rule).is_some_and(|asked| asked.off)
    }

    /// How severe the role's policy takes it. The audit has one severity for what stacks of both roles share.
    pub fn severity(&self, role: Role, rule: &str) -> Option<Severity> {
        self.asked(role, rule)?.severity
    }

    fn asked(&self, role: Role, rule: &str) -> Option<&'a Asked> {
        self.asked.iter().find(|asked| asked.role == role && asked.rule == rule)
    }
}

/// Names as a list of code, `and 4 more` behind the first twelve.
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const MOST: usize = 12;
    let all: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let more = all.len().saturating_sub(MOST);
    let shown = all.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The same, shorter where it is all of them.
pub fn listed_of<'n>(names: impl IntoIterator<Item = &'n str>, all: usize) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if names.len() == all && all > 1 { format!("all {all} services") } else { listed(names) }
}

pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Dev => "dev",
        Role::Prod => "prod",
    }
}
