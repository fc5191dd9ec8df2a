//! The places inside a value that can hold a credential.

use std::borrow::Cow;
use std::ops::Range;

use super::inline;
use super::site::{LONGEST_READ, Site};
use crate::catalogue::{KeyShape, key_shape, split_user_password};

/// The key of a credential in a line of a config file, and the bytes of its value.
pub(super) fn config_line(line: &str) -> Option<(&str, Range<usize>)> {
    let mid = line.find([':', '='])?;
    let key = line[..mid].trim().trim_matches(['"', '\'']);
    let value = line[mid + 1..].trim().trim_end_matches(',').trim_matches(['"', '\'']);
    let start = mid + 1 + line[mid + 1..].find(value)?;
    (key_shape(key).is_credential() && !value.is_empty()).then_some((key, start..start + value.len()))
}

/// The keys and values inside a value whose own key says nothing.
pub(super) fn inner_sites<'a>(site: &Site<'a>) -> Vec<Site<'a>> {
    if site.text.len() > LONGEST_READ {
        return Vec::new();
    }
    if let Some(between) = split_user_password(&site.key) {
        return user_passwords(site, between);
    }
    if site.shape.is_credential() {
        return Vec::new();
    }
    let assignments = inline::assignments(site.text, site.value.clone());
    let connection = if site.in_shell { None } else { inline::connection(site.text, site.value.clone(), &assignments) };
    let mut inner = Vec::new();
    for assignment in assignments {
        let shape = key_shape(&assignment.key);
        if shape.is_credential() && !assignment.value.is_empty() {
            let key = if connection.is_some() { site.key.clone() } else { Cow::Owned(assignment.key) };
            inner.push(Site { key, shape, value: assignment.value, connection: connection.clone(), ..site.clone() });
        }
    }
    for header in inline::authorizations(site.text, site.value.clone()) {
        inner.push(Site { key: Cow::Owned(header.key), shape: KeyShape::Secret, value: header.value, ..site.clone() });
    }
    inner
}

fn user_passwords<'a>(site: &Site<'a>, between: char) -> Vec<Site<'a>> {
    let mut inner = Vec::new();
    let mut at = site.value.start;
    for part in site.value().split(',') {
        if let Some(n) = part.find(between).filter(|n| *n > 0) {
            inner.push(Site { shape: KeyShape::Password, value: at + n + 1..at + part.len(), ..site.clone() });
        }
        at += part.len() + 1;
    }
    inner
}
