//! A database that another major version has opened cannot be opened by the old one again: no rollback
//! brings it back without a backup.

use crate::catalogue::{Category, image_name, image_tag, server_kind};
use crate::guards::Checked;

/// A service whose image changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextImage {
    pub service: String,
    pub old: String,
    pub new: String,
}

pub fn no_major_change(images: &[NextImage]) -> Checked {
    let why = images.iter().filter(|next| keeps_data(&next.old) || keeps_data(&next.new)).filter_map(|next| {
        let NextImage { service, old, new } = next;
        let same_name = image_name(old) == image_name(new);
        let versions = (major(image_tag(old)), major(image_tag(new)));
        match versions {
            (Some(from), Some(to)) if same_name && from == to => None,
            (Some(from), Some(to)) if same_name => {
                Some(format!("{service} goes from version {from} to {to} and keeps data: there is no way back without a backup"))
            }
            _ if same_name && image_tag(old) == image_tag(new) => None,
            _ => Some(format!("{service} goes from {old} to {new} and keeps data: whether the old one can read it again is not known")),
        }
    });
    Checked::new(
        "major-version",
        why.collect(),
        "make a backup that was restored once for trial, then go on with --override major-version --reason TEXT",
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
        no_major_change(&[NextImage { service: "db".into(), old: old.into(), new: new.into() }]).refusal.is_some()
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
