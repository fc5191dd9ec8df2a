//! What is run: which image, from where, and whether it can change unseen.

use super::Rule;

pub(super) const RULES: &[&Rule] = &[];
