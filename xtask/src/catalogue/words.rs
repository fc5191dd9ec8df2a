//! `policies/credentials.yaml`, parsed once.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

pub(super) static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let text = include_str!("../../../policies/credentials.yaml");
    serde_yaml::from_str(text).expect("policies/credentials.yaml is built in and held by a test")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub keys: Keys,
    pub arguments: Vec<ShortOptions>,
    pub values: Values,
    pub example_files: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub password: HashSet<String>,
    pub secret: HashSet<String>,
    pub endings: Graded<Vec<String>>,
    pub pairs: HashSet<String>,
    pub exact: Graded<HashSet<String>>,
    pub weak: HashSet<String>,
    pub about_after: HashSet<String>,
    pub about_before: HashSet<String>,
    pub public: HashSet<String>,
    pub both_in_one: BTreeMap<String, char>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Graded<T> {
    pub password: T,
    pub secret: T,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Values {
    pub never: HashSet<String>,
    pub references: Vec<String>,
    pub paths: Vec<String>,
    pub defaults: HashSet<String>,
    pub placeholders: HashSet<String>,
    pub placeholder_starts: Vec<String>,
}

/// Options of some programs that take a password and whose name does not say so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortOptions {
    pub programs: Vec<String>,
    /// The password is the next word.
    #[serde(default)]
    pub separate: Vec<String>,
    /// The password is the rest of the word.
    #[serde(default)]
    pub attached: Vec<String>,
    /// The next word is a user, a colon and a password.
    #[serde(default)]
    pub user_password: Vec<String>,
}

/// The options of a program by the last part of its path.
pub fn short_options(program: &str) -> Option<&'static ShortOptions> {
    let name = program.rsplit('/').next().unwrap_or(program);
    WORDS.arguments.iter().find(|options| options.programs.iter().any(|known| known == name))
}
