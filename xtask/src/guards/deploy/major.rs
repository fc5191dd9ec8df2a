//! A database that another major version has opened cannot be opened by the old one again: no rollback
//! brings it back without a backup.

use std::collections::BTreeMap;

use crate::catalogue::{Category, image_name, image_tag, server_kind};
use crate::guards::Checked;

/// A service whose image changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextImage {
    pub service: String,
    pub old: String,
    pub new: String,
}

/// A service whose data the old image may not be able to read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MajorChange {
    pub service: String,
    /// A complete sentence.
    pub why: String,
}

pub fn major_changes(images: &[NextImage]) -> Vec<MajorChange> {
    let change = |next: &NextImage| {
        let NextImage { service, old, new } = next;
        let same_name = image_name(old) == image_name(new);
        let why = match (major(image_tag(old)), major(image_tag(new))) {
            (Some(from), Some(to)) if same_name && from == to => return None,
            (Some(from), Some(to)) if same_name => {
                format!("{service} goes from version {from} to {to} and keeps data: there is no way back without a backup")
            }
            _ if same_name && image_tag(old) == image_tag(new) => return None,
            _ => format!("{service} goes from {old} to {new} and keeps data: whether the old one can read it again is not known"),
        };
        Some(MajorChange { service: service.clone(), why })
    };
    images.iter().filter(|next| keeps_data(&next.old) || keeps_data(&next.new)).filter_map(change).collect()
}

/// How old a backup may be that is the way back, in hours.
pub const COVERED_HOURS: u64 = 24;

/// `covered`: by service, the backup of its data that is fresh and verified. Whoever goes on with one is asked by name.
pub fn major_changes_are_covered(changes: &[MajorChange], covered: &BTreeMap<String, String>) -> Checked {
    let open = changes.iter().filter(|change| !covered.contains_key(&change.service));
    let why = open.map(|change| format!("{}, and no backup of its data of the last {COVERED_HOURS} h was verified", change.why));
    Checked::new(
        "major-version",
        why.collect(),
        "`cargo xtask backup --verify` makes one; or go on without a way back: --override major-version --reason TEXT",
    )
}

fn keeps_data(image: &str) -> bool {
    server_kind(image)
        .is_some_and(|kind| matches!(kind.category, Category::Database | Category::Broker | Category::Search | Category::Storage))
}

/// The first number of a tag: 15 of `15.4-alpine`, `v15`, `pg15-2`. Databases keep their format within it.
fn major(tag: &str) -> Option<u32> {
    let digits: String = tag.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(old: &str, new: &str) -> bool {
        let changes = major_changes(&[NextImage { service: "db".into(), old: old.into(), new: new.into() }]);
        major_changes_are_covered(&changes, &BTreeMap::new()).refusal.is_some()
    }

    #[test]
    fn a_backup_of_its_data_is_a_way_back() {
        let changes = major_changes(&[NextImage { service: "db".into(), old: "postgres:15".into(), new: "postgres:16".into() }]);
        let covered = |service: &str| major_changes_are_covered(&changes, &BTreeMap::from([(service.to_string(), "b1".to_string())]));
        assert_eq!(covered("db").refusal, None);
        assert!(covered("web").refusal.unwrap().why[0].contains("no backup of its data"));
    }

    #[test]
    fn only_another_major_version_of_who_keeps_data_is_refused() {
        assert!(refused("postgres:15", "postgres:16") && refused("postgres:15.4-alpine", "postgres:16.1-alpine"));
        assert!(!refused("postgres:15.4", "postgres:15.5-alpine") && !refused("nginx:1.22", "nginx:2"));
        assert!(refused("postgres:15", "timescale/timescaledb:2.11-pg15"));
        assert!(refused("postgres:latest", "postgres:15") && !refused("postgres:latest", "postgres:latest"));
        assert!(!refused("registry.example:5000/postgres:15", "postgres:15.2"));
    }
}
