//! What is looked for. One file a rule: what it says, how it looks, its fix, its tests.
//!
//! To add a rule: a file with `RULE` and its `check`, its line in the list of its room, and its line in
//! `policies/prod.yaml` and `policies/dev.yaml`.

mod credentials;
mod draft;
mod environment;
mod filesystem;
mod found;
mod host_mount;
mod hygiene;
mod images;
mod known;
mod lifecycle;
mod listed;
mod network;
mod privilege;
mod published;
mod refused;
mod resources;
mod rule;
mod secrets;
mod service;
mod spot;
mod subject;
#[cfg(test)]
mod testing;
mod volume_mount;

pub use credentials::{
    ComposeSource, EnvSource, Evidence, EvidenceKind, Form, Part, UrlParts, credentials_in_compose, credentials_in_env_file, parts,
    secrets_in_comments,
};
pub use draft::Draft;
pub use found::{Found, Reported};
pub use host_mount::HostMount;
pub use hygiene::{Slip, slips};
pub use known::Known;
pub use published::{Published, Unpublished, is_private};
pub use refused::{REFUSED, Refused, refused};
pub use rule::{Check, Fact, Reference, Rule};
pub use service::Service;
pub use spot::Spot;
pub use subject::Subject;
pub use volume_mount::{VolumeMount, is_below};

/// The rooms of the rules, in the order in which their table shows them.
const ROOMS: &[&[&Rule]] = &[
    privilege::RULES,
    filesystem::RULES,
    network::RULES,
    images::RULES,
    credentials::RULES,
    secrets::RULES,
    environment::RULES,
    resources::RULES,
    lifecycle::RULES,
    hygiene::RULES,
];

/// Every rule that there is.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    ROOMS.iter().flat_map(|room| room.iter().copied())
}

/// The rule of that name.
pub fn named(name: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::policy::Policy;
    use crate::project::Role;

    #[test]
    fn the_policies_name_every_rule_and_no_other() {
        let rules: BTreeSet<&str> = all().map(|rule| rule.name).collect();
        assert_eq!(rules.len(), all().count(), "a name is given twice");
        for role in [Role::Prod, Role::Dev] {
            let named: BTreeSet<&str> = Policy::of(role).rules().collect();
            assert_eq!(named, rules, "policies of {role:?}");
        }
    }

    #[test]
    fn every_rule_says_why_and_where_it_comes_from() {
        for rule in all() {
            assert!(rule.doc.len() > 60 && rule.doc.ends_with(['.', '`']), "{}: {}", rule.name, rule.doc);
            assert!(!rule.title.ends_with('.') && rule.title.starts_with(|c: char| !c.is_uppercase()), "{}", rule.name);
            assert!(!rule.references.is_empty(), "{}", rule.name);
        }
    }
}
