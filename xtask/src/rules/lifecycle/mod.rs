//! How services start, stop, and are seen to be well.

mod restart_policy;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[&restart_policy::RULE];
