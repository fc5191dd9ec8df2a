//! Whether what stands at a credential's place is a credential.

use super::interpolation::has_variable;
use super::site::Site;
use crate::catalogue::{
    KeyShape, is_known_default, is_placeholder_word, is_reference, looks_random, may_hold_credential, never_a_credential,
};

/// Whether `value`, standing at a place of this shape, is a credential written out.
pub(super) fn is_credential(site: &Site<'_>, shape: KeyShape, value: &str) -> bool {
    let value = value.trim();
    if never_a_credential(value)
        || is_reference(value)
        || (!site.verbatim && has_variable(value))
        || names_shell_variable(site, value)
        || is_url(value)
    {
        return false;
    }
    if site.example && (is_known_default(value) || !looks_random(value)) {
        return false;
    }
    match shape {
        KeyShape::Password => true,
        KeyShape::Secret => !is_small_number(value) && !is_duration(value) && value.len() > 2 && !is_public_key(value),
        KeyShape::Weak => looks_random(value) && !is_uuid(value) && !is_public_key(value),
        KeyShape::Neutral | KeyShape::About => false,
    }
}

/// `changeme` and the like under a key that says nothing: whoever wrote it knew what it is.
pub(super) fn is_left_placeholder(site: &Site<'_>, value: &str) -> bool {
    let undecided = matches!(site.shape, KeyShape::Neutral | KeyShape::Weak) && may_hold_credential(&site.key);
    undecided && !site.example && is_placeholder_word(value.trim())
}

/// `$$NAME` in a command is `$NAME` to the shell in the container.
pub(super) fn names_shell_variable(site: &Site<'_>, value: &str) -> bool {
    site.in_shell
        && value.contains("$$")
        && value.split("$$").skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_alphabetic() || "_{(".contains(c)))
}

fn is_url(value: &str) -> bool {
    value
        .split_once("://")
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-:".contains(c)))
}

fn is_small_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    digits.len() < 8 && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// `15m`, `1h30m`, `7 days`.
fn is_duration(value: &str) -> bool {
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let units = ["ms", "s", "m", "h", "d", "w", "y", "sec", "min", "day", "days", "hour", "hours", "minutes", "seconds", "weeks"];
    let compound = value.len() < 12
        && value.starts_with(|c: char| c.is_ascii_digit())
        && value.chars().all(|c| c.is_ascii_digit() || "hmsd".contains(c));
    unit.len() < value.len() && units.contains(&unit) || compound
}

fn is_public_key(value: &str) -> bool {
    value.starts_with("ssh-")
        || value.starts_with("ecdsa-sha2-")
        || value.contains("BEGIN PUBLIC KEY")
        || value.contains("BEGIN CERTIFICATE")
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36 && value.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && value.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}
