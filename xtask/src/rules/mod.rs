//! What is looked for. One file a rule: what it says, how it looks, its tests.
//!
//! To add a rule about credentials: a file with `RULE` and its `check`, and its line in the list.

mod arguments;
mod credential_in_url;
mod credentials;
mod default_credential;
mod evidence;
mod hardcoded_credential;
mod inline;
mod interpolation;
mod leaves;
mod provider_token;
mod site;
mod tracked_env_file_secret;
mod url;
mod value;

pub use credentials::{credentials_in_compose, credentials_in_env_file};
pub use evidence::{Evidence, EvidenceKind, Form, UrlParts};
pub use interpolation::{Part, parts};
pub use site::{ComposeSource, EnvSource};

use evidence::Hit;
use site::Site;

/// What a rule is called, why it exists, and how it looks at one place.
pub struct Rule {
    /// Its file's name with hyphens; also its key in a policy and its anchor in the documents.
    pub name: &'static str,
    pub title: &'static str,
    /// Why it matters and what to do, in Markdown.
    pub doc: &'static str,
    check: fn(&Site<'_>) -> Vec<Hit>,
}

/// The rules about credentials. Where two find the same bytes the earlier one speaks.
pub const CREDENTIAL_RULES: [&Rule; 4] =
    [&default_credential::RULE, &credential_in_url::RULE, &provider_token::RULE, &hardcoded_credential::RULE];

/// Rules that the others speak through, for an index of all of them.
pub const ALL_RULES: [&Rule; 5] = [
    &hardcoded_credential::RULE,
    &credential_in_url::RULE,
    &default_credential::RULE,
    &provider_token::RULE,
    &tracked_env_file_secret::RULE,
];

#[cfg(test)]
mod example_tests;
