//! What does not do what it seems to.

mod invalid_suppression;
mod unused_suppression;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[&invalid_suppression::RULE, &unused_suppression::RULE];
