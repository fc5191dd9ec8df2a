//! How secrets are handed over, and authentication that is switched off.

use super::Rule;

pub(super) const RULES: &[&Rule] = &[];
