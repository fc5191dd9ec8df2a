//! What a Dockerfile says of the image that it makes. Nothing is refused: what is not understood is
//! listed as unclear, and nothing is concluded from it.

mod expand;
mod image;
mod lines;
mod stage;

use std::collections::BTreeMap;

use crate::text::Span;

pub use image::Image;
pub use stage::{Base, Command, Stage};

use stage::Stages;

/// A Dockerfile, parsed.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    pub stages: Vec<Stage>,
    /// What was not understood, one sentence each.
    pub unclear: Vec<String>,
}

/// The last word on whom the container runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// With its group, as Docker gets it; `None`: made of variables whose values are not known from here.
    pub name: Option<String>,
    pub span: Span,
    /// Counted from 1.
    pub line: usize,
}

impl User {
    /// Whether it is root for certain.
    pub fn is_root(&self) -> bool {
        self.name.as_deref().is_some_and(is_root)
    }
}

/// Whether a `user:` or `USER` is root: by name or number, whatever its group. The number is read as the engine reads it
/// (moby/sys/user: `strconv.Atoi`, so `+0` is one), and where only a group is named it is 0.
pub fn is_root(user: &str) -> bool {
    let (account, group) = user.split_once(':').unwrap_or((user, ""));
    let account = account.trim();
    match account.strip_prefix(['+', '-']).unwrap_or(account) {
        "" => account.is_empty() && !group.trim().is_empty(),
        digits => account == "root" || digits.bytes().all(|byte| byte == b'0'),
    }
}

/// What a `HEALTHCHECK` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Command,
    /// `HEALTHCHECK NONE`: that of the base image is switched off.
    None,
}

impl Dockerfile {
    /// Parses; `arguments` are the build arguments that the service gives.
    pub fn parse(text: &str, arguments: &BTreeMap<String, String>) -> Dockerfile {
        let (instructions, unclear) = lines::instructions(text);
        let mut stages = Stages::new(arguments, lines::escape(text), unclear);
        instructions.iter().for_each(|instruction| stages.take(instruction));
        stages.finish()
    }

    /// The stage that is built: `target` by its name or number, else the last one.
    pub fn stage(&self, target: Option<&str>) -> Option<usize> {
        match target.filter(|target| !target.is_empty()) {
            None => self.stages.len().checked_sub(1),
            Some(target) => self.find(target).or_else(|| target.parse().ok().filter(|number| *number < self.stages.len())),
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.stages.iter().rposition(|stage| stage.name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }
}
