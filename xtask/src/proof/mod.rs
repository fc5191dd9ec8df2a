//! What is checked after a change, and before it where only a difference proves something.

pub mod credential;
pub mod health;
pub mod rehearsal;

/// How a proof came out. The texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Holds { detail: String },
    Fails { why: Vec<String> },
    NotProven { needs: String },
}
