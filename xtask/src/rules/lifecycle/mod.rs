//! How services start, stop, and are seen to be well.

mod depends_on_without_health;
mod dev_tools_in_prod;
mod health;
mod healthcheck_disabled;
mod healthcheck_missing;
mod kafka_auto_create_topics;
mod labels_missing;
mod logging_disabled;
mod no_log_rotation;
mod restart_policy;
mod restart_unbounded;
mod watchtower_in_prod;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &healthcheck_missing::RULE,
    &healthcheck_disabled::RULE,
    &depends_on_without_health::RULE,
    &restart_policy::RULE,
    &restart_unbounded::RULE,
    &no_log_rotation::RULE,
    &logging_disabled::RULE,
    &labels_missing::RULE,
    &watchtower_in_prod::RULE,
    &dev_tools_in_prod::RULE,
    &kafka_auto_create_topics::RULE,
];
