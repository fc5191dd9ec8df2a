//! What does not do what it seems to.

use super::Rule;

pub(super) const RULES: &[&Rule] = &[];
