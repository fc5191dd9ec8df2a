//! Variables: those that are missing, contradict each other, or cannot be what they shall be.

use super::Rule;

pub(super) const RULES: &[&Rule] = &[];
