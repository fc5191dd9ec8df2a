//! What does not do what it seems to.

mod invalid_suppression;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[&invalid_suppression::RULE];
