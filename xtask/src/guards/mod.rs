//! Preconditions: each looks at one thing and passes, or refuses with a remedy. All of them are
//! asked, and all refusals are shown together.

pub mod deploy;
mod files;
mod git;

pub use files::{clean_in_git, replaceable};
pub use git::git_is_ready;

/// Why a guard refuses, as complete sentences without values, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub why: Vec<String>,
    pub help: String,
}

/// One guard's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The name that `--override` takes.
    pub name: &'static str,
    pub refusal: Option<Refusal>,
}

impl Checked {
    /// Passes when there is nothing to say.
    pub fn new(name: &'static str, why: Vec<String>, help: impl Into<String>) -> Self {
        let refusal = (!why.is_empty()).then(|| Refusal { why, help: help.into() });
        Checked { name, refusal }
    }
}
