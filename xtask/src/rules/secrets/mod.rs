//! How secrets are handed over, and authentication that is switched off.

mod auth_disabled;
mod given;
mod inline_config_secret;
mod secret_file_committed;
mod secret_in_build_arg;
mod secret_visible_in_inspect;
mod secrets_not_used;

use super::Rule;

pub(super) const RULES: &[&Rule] = &[
    &auth_disabled::RULE,
    &secret_visible_in_inspect::RULE,
    &secrets_not_used::RULE,
    &secret_in_build_arg::RULE,
    &inline_config_secret::RULE,
    &secret_file_committed::RULE,
];
