//! What a container may do to its host.

mod no_new_privileges;
mod privileged_container;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[&privileged_container::RULE, &no_new_privileges::RULE];
