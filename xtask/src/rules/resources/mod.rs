//! What a container may use up.

use super::Rule;

pub(super) const RULES: &[&Rule] = &[];
