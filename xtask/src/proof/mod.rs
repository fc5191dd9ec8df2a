//! What is checked after a change, and before it where only a difference proves something.

pub mod credential;
pub mod health;
pub mod rehearsal;
pub mod trial;

/// How a proof came out. The texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Holds { detail: String },
    Fails { why: Vec<String> },
    NotProven { needs: String },
}

/// What was seen of several things, a sentence each. The texts hold no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// As it should be.
    pub good: Vec<String>,
    pub wrong: Vec<String>,
    /// What could not be looked at, and why.
    pub not_tried: Vec<String>,
}
