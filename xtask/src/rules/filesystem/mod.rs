//! What of the host's and the container's files can be reached and written.

use super::Rule;

pub(super) const RULES: &[&Rule] = &[];
