//! Whether the phase holds, without an engine and without a change.

use super::files::{File, files};
use super::look::look;
use super::secrets::masker;
use crate::error::Result;
use crate::tasks::Context;

/// What stands against the phase.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Services with a production image that is as it would be written.
    pub held: Vec<String>,
    /// Files that are missing, or would be written otherwise now; relative to the project's root.
    pub open: Vec<String>,
    /// Services of which something cannot be told, and stacks that cannot be read.
    pub unread: Vec<String>,
}

/// Digests are not asked for: a file without one that is not there yet is open all the same.
pub fn standing(cx: &Context<'_>, stacks: &[String]) -> Result<Standing> {
    let looked = look(cx, stacks)?;
    cx.masker.replace(masker(cx, &looked));
    let files = files(cx, &looked, false)?;
    let is_open = |number: usize| files.iter().any(|file| file.made == number && file.changes());
    let made = looked.made.iter().enumerate().filter(|(number, _)| !is_open(*number)).map(|(_, made)| made.recipe.service.clone());
    let open = files.iter().filter(|file| file.changes()).map(|file: &File| cx.project.relative(&file.path).display().to_string());
    let masker = cx.masker.borrow();
    let refused = looked.refused.iter().map(|refused| masker.mask(&refused.why).into_owned());
    let unread = looked.unread.iter().cloned().chain(refused);
    Ok(Standing { held: made.chain(looked.kept.iter().cloned()).collect(), open: open.collect(), unread: unread.collect() })
}
