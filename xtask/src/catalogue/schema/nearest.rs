//! What somebody meant who wrote a key that is not there.

use std::sync::{Arc, LazyLock};

use super::rule::{FILE, Record, Rule};

/// No key of the schema is longer; what is, is no slip of the pen.
const LONGEST: usize = 40;

/// The key of a mapping that is spelled most like this one. Case, `_` and `-` do not count, so that
/// `memLimit` is `mem_limit`; of what is left, short keys forgive one slip and longer ones two.
pub(super) fn nearest(key: &str, record: &Record) -> Option<String> {
    if key.len() > LONGEST {
        return None;
    }
    let letters = squashed(key);
    let forgiven = |known: &str| if known.len().max(letters.len()) < 6 { 1 } else { 2 };
    let near = record.keys().filter_map(|known| {
        let other = squashed(known);
        let allowed = forgiven(&other);
        let slips = (letters.len().abs_diff(other.len()) <= allowed).then(|| strsim::osa_distance(&letters, &other))?;
        let whole = letters.len() > 2 && slips <= allowed;
        whole.then(|| (slips, strsim::osa_distance(key, known), known))
    });
    near.min().map(|(_, _, known)| known.to_string())
}

fn squashed(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Every mapping of the schema with a way to it: `services.*.deploy`.
static RECORDS: LazyLock<Vec<(String, Arc<Record>)>> = LazyLock::new(|| {
    let mut found = Vec::new();
    collect(&FILE, String::new(), &mut found);
    found
});

/// The schema's definitions hold no circles.
fn collect(rule: &Rule, way: String, found: &mut Vec<(String, Arc<Record>)>) {
    if let Some(items) = &rule.list {
        collect(items, format!("{way}[]"), found);
    }
    if let Some(record) = &rule.map {
        found.push((way.clone(), record.clone()));
        for (key, below) in record.below() {
            let way = if way.is_empty() { key.to_string() } else { format!("{way}.{key}") };
            collect(below, way, found);
        }
    }
}

/// Another mapping that has exactly this key: one that holds the mapping where it stands, else the
/// one that shares most of the way with it.
pub(super) fn elsewhere(key: &str, record: &Record) -> Option<String> {
    let here = RECORDS.iter().find(|(_, known)| std::ptr::eq(&raw const **known, record)).map_or("", |(way, _)| way);
    let having = RECORDS.iter().filter(|(_, known)| known.keys().any(|known| known == key));
    let rank = |way: &str| {
        let around = here.starts_with(way);
        let shared = here.split('.').zip(way.split('.')).take_while(|(a, b)| a == b).count();
        (around, shared, std::cmp::Reverse(way.len()))
    };
    // Of equals `max_by_key` takes the last, and the first is the one that the schema names first.
    having.rev().max_by_key(|(way, _)| rank(way)).map(|(way, _)| way.clone())
}
