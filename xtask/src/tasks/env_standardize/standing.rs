//! What stands against phase 2 today.

use super::phase::survey::survey;
use super::{Options, prepare, show};
use crate::error::Result;
use crate::source::Disk;
use crate::tasks::Context;

/// What is still to be done, a line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Entries that name another file than the root's `.env`.
    pub elsewhere: Vec<String>,
    /// Files that the phase would change, relative to the project's root.
    pub changes: Vec<String>,
    /// Stacks that do not render.
    pub unread: Vec<String>,
}

/// Looks, and changes nothing.
pub fn standing(cx: &Context<'_>, stacks: &[String]) -> Result<Standing> {
    let chosen = cx.project.select(stacks)?;
    let found = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
    let draft = prepare::draft(cx, &chosen, &found, &Options::default())?;
    let unread = found.broken.iter().filter(|broken| broken.chosen).map(|broken| format!("stack {}: {}", broken.stack.id, broken.why));
    Ok(Standing {
        elsewhere: draft.legacy().map(|load| show::place(cx, load)).collect(),
        changes: draft.changes.iter().map(|change| cx.project.relative(&change.path).display().to_string()).collect(),
        unread: unread.collect(),
    })
}
