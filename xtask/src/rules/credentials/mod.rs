//! The rules about credentials: they look at every place where a value stands under a key.

mod arguments;
mod credential_in_url;
mod default_credential;
mod evidence;
mod hardcoded_credential;
mod inline;
mod inside;
mod interpolation;
mod leaves;
mod lines;
mod provider_token;
mod search;
mod site;
mod tracked_env_file_secret;
mod url;
mod value;

pub use evidence::{Evidence, EvidenceKind, Form, UrlParts};
pub use interpolation::{Part, parts};
pub use search::{credentials_in_compose, credentials_in_env_file, secrets_in_comments};
pub use site::{ComposeSource, EnvSource};

pub(crate) use evidence::Hit;
pub(crate) use site::Site;

use super::{Check, Reference, Rule};

/// Those that look at a place themselves. Where two find the same bytes the earlier one speaks.
const AT_SITES: [&Rule; 4] = [&default_credential::RULE, &credential_in_url::RULE, &provider_token::RULE, &hardcoded_credential::RULE];

/// For an index of all of them.
pub(super) const RULES: &[&Rule] = &[
    &hardcoded_credential::RULE,
    &credential_in_url::RULE,
    &default_credential::RULE,
    &provider_token::RULE,
    &tracked_env_file_secret::RULE,
];

#[cfg(test)]
mod example_tests;
