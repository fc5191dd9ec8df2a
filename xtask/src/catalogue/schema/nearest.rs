//! What somebody meant who wrote a key that is not there.

use std::sync::{Arc, LazyLock};

use super::rule::{FILE, Record, Rule};
use crate::text;

/// No key of the schema is longer; what is, is no slip of the pen.
const LONGEST: usize = 40;

/// The key of a mapping that is spelled most like this one. Case, `_` and `-` do not count: `memLimit`
/// is `mem_limit`.
pub(super) fn nearest(key: &str, record: &Record) -> Option<String> {
    if key.len() > LONGEST {
        return None;
    }
    let known: Vec<(String, &str)> = record.keys().map(|known| (squashed(known), known)).collect();
    let near = text::nearest(&squashed(key), known.iter().map(|(letters, _)| letters.as_str()))?;
    known.iter().find(|(letters, _)| letters == near).map(|(_, known)| (*known).to_string())
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
