//! What a runbook of a stack says, as data: by its files and settings alone, so that it is the same wherever it is
//! made. It holds names and numbers, and no value of a variable.

mod file;
mod gather;

use serde::Serialize;

use super::{Request, Subject, Told, meant};
use crate::error::Result;
use crate::proof::Seen;
use crate::release::Replacing;
use crate::saga::Sha;
use crate::tasks::Context;
use file::Written;

pub use file::write;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Runbook {
    pub stack: String,
    /// The compose project's name.
    pub project: String,
    /// Relative to the project's root.
    pub files: Vec<String>,
    pub profiles: Vec<String>,
    /// The variable of the release's tag, where an image uses it.
    pub tag: Option<String>,
    pub rehearses: bool,
    pub settle_secs: u64,
    pub keep: usize,
    pub services: Vec<Service>,
    pub data: Vec<Place>,
    /// Networks that others make.
    pub external_networks: Vec<String>,
    /// The moment and the program, without its arguments.
    pub hooks: Vec<(String, String)>,
    pub probes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    pub name: String,
    /// Without its tag.
    pub image: String,
    pub how: Replacing,
    /// The longest that its health check may take; `None`: the files declare none.
    pub health_secs: Option<u64>,
    pub restart: String,
    pub ports: Vec<String>,
    pub needs: Vec<String>,
}

/// Where data is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// `volume` or `folder`.
    pub kind: &'static str,
    /// The volume's name on the engine, or the folder relative to the project's root.
    pub name: String,
    pub external: bool,
    pub services: Vec<String>,
}

impl Runbook {
    /// Tells whether another one says the same.
    pub fn digest(&self) -> String {
        short(serde_json::to_string(self).unwrap_or_default().as_bytes())
    }

    /// The file's first line: whose it is, what it says, and that nobody has changed it since.
    pub fn marker(&self, body: &str) -> String {
        Written { facts: self.digest(), body: short(body.as_bytes()), stack: self.stack.clone() }.line()
    }
}

/// # Errors
/// The files cannot be read (`Unusable`).
pub fn of(cx: &Context<'_>, request: &Request) -> Result<Runbook> {
    let stack = meant(cx, request)?;
    let subject = Subject::look(cx, stack, request.tag.as_deref())?;
    Ok(gather::gather(&subject))
}

/// Whether a runbook of the stack is among the project's files, and says what the stack is today.
///
/// # Errors
/// The project's files cannot be listed.
pub(super) fn documented(subject: &Subject<'_>) -> Result<Told> {
    let now = gather::gather(subject).digest();
    let id = &subject.stack.id;
    let found = file::of_stack(subject.cx, id)?;
    let mut seen = Seen::default();
    if let Some((path, _)) = found.iter().find(|(_, written)| written.facts == now) {
        seen.good.push(format!("{} says it as it is", path.display()));
    } else if let Some((path, _)) = found.first() {
        seen.wrong.push(format!("{} is of another state of the stack", path.display()));
    } else {
        seen.wrong.push("there is no runbook of this stack".to_string());
    }
    Ok(Told::new(seen, format!("`cargo xtask preflight {id} --runbook RUNBOOK.md` writes it; keep it with the files")))
}

/// The beginning of a hash.
fn short(bytes: &[u8]) -> String {
    Sha::of(bytes).as_str()[..16].to_string()
}
