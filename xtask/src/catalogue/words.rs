//! `policies/credentials.yaml`, parsed once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use foldhash::fast::RandomState;
use serde::Deserialize;

pub(super) static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let text = include_str!("../../../policies/credentials.yaml");
    serde_yaml::from_str(text).expect("policies/credentials.yaml is built in and held by a test")
});

/// Every key and value of a file is looked up in several of them.
type Set = std::collections::HashSet<String, RandomState>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub keys: Keys,
    pub arguments: Vec<ShortOptions>,
    pub values: Values,
    pub example_files: Set,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub password: Set,
    pub secret: Set,
    pub endings: Graded<Vec<String>>,
    pub pairs: Set,
    pub exact: Graded<Set>,
    pub weak: Set,
    pub about_after: Set,
    pub about_before: Set,
    pub public: Set,
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
    pub never: Set,
    pub references: Vec<String>,
    pub paths: Vec<String>,
    pub defaults: Set,
    pub placeholders: Set,
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
