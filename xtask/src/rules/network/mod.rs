//! What can be reached from where.

use super::Rule;

pub(super) const RULES: &[&Rule] = &[];
