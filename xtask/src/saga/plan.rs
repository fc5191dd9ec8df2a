//! What a run is going to do, as a value; and the name of a content.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The SHA-256 of a content, in lower-case hexadecimal digits: how journals speak of contents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha(String);

impl Sha {
    pub fn of(content: &[u8]) -> Self {
        let digest = Sha256::digest(content);
        Sha(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this can be the name of a blob: 64 hexadecimal digits and no way out of a folder.
    pub fn is_well_formed(&self) -> bool {
        self.0.len() == 64 && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The steps of one run in their order. `finish` holds the steps that only a proven run takes, a
/// git commit for example; they are undone like all others. `after` holds what tidies up once the run
/// is committed: it is never undone, but done again until it is done, so each of these steps must be
/// right also when it was done before, in part or as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan<S> {
    /// The task's name: "security-fix".
    pub task: String,
    /// The arguments as they were given, with secrets masked: for the history.
    pub args: Vec<String>,
    /// The ids of the stacks that the run is about.
    pub stacks: Vec<String>,
    /// The run that this one rolls back.
    pub target: Option<String>,
    pub steps: Vec<S>,
    pub finish: Vec<S>,
    #[serde(default = "Vec::new")]
    pub after: Vec<S>,
}

impl<S: Serialize> Plan<S> {
    pub fn new(task: impl Into<String>, steps: Vec<S>) -> Self {
        Plan { task: task.into(), args: Vec::new(), stacks: Vec::new(), target: None, steps, finish: Vec::new(), after: Vec::new() }
    }

    /// Names exactly these steps; equal plans have equal hashes.
    pub fn hash(&self) -> Sha {
        // Steps are plain data (a closed enum of places and hashes): they always serialise.
        Sha::of(&serde_json::to_vec(&(&self.steps, &self.finish, &self.after)).unwrap_or_default())
    }

    pub fn len(&self) -> usize {
        self.steps.len() + self.finish.len() + self.after.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
