//! What a container may use up.

mod cpu_limit;
mod limits;
mod limits_exceed_host;
mod memory_limit;
mod oom_kill_disabled;
mod pids_limit;
mod ulimits;

use super::Rule;

pub(super) const RULES: &[&Rule] =
    &[&memory_limit::RULE, &cpu_limit::RULE, &pids_limit::RULE, &ulimits::RULE, &oom_kill_disabled::RULE, &limits_exceed_host::RULE];
