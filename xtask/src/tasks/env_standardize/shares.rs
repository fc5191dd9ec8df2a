//! Which stacks and services load the root's `.env` and nothing else.

use super::loads::reads_main;
use super::phase::survey::survey;
use crate::error::Result;
use crate::source::{Disk, real};
use crate::tasks::Context;

/// One stack, with all its profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub stack: String,
    /// Services whose every `env_file` is the root's `.env`.
    pub on_root: Vec<String>,
    /// Services with an `env_file` that is another file.
    pub elsewhere: Vec<String>,
    /// Services without `env_file`.
    pub without: usize,
    /// Whether its `${}` are read from the root's `.env`; `None`: it has none.
    pub variables_on_root: Option<bool>,
}

impl Share {
    /// `None`: it uses no variables at all, so it needs no env file.
    pub fn is_on_root(&self) -> Option<bool> {
        let loads = !self.on_root.is_empty() || !self.elsewhere.is_empty();
        (loads || self.variables_on_root.is_some()).then(|| self.elsewhere.is_empty() && self.variables_on_root != Some(false))
    }
}

/// The shares of the stacks named, all when none is, and the stacks that do not render, with why.
pub fn shares(cx: &Context<'_>, stacks: &[String]) -> Result<(Vec<Share>, Vec<String>)> {
    let chosen = cx.project.select(stacks)?;
    let found = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
    let main = cx.project.root.join(".env");
    let shares = found.views.iter().filter(|view| view.chosen).map(|view| {
        let (mut on_root, mut elsewhere) = (Vec::new(), Vec::new());
        for (service, files) in view.model.env_files.iter().filter(|(_, files)| !files.is_empty()) {
            let all = files.iter().all(|file| file.path == main || real(&file.path) == main);
            if all { on_root.push(service.clone()) } else { elsewhere.push(service.clone()) }
        }
        let without = view.model.services().count().saturating_sub(on_root.len() + elsewhere.len());
        let variables_on_root = (!view.model.references.is_empty()).then(|| reads_main(view, &main));
        Share { stack: view.stack.id.clone(), on_root, elsewhere, without, variables_on_root }
    });
    let shares = shares.collect();
    let unread = found.broken.iter().filter(|broken| broken.chosen).map(|broken| format!("stack {}: {}", broken.stack.id, broken.why));
    Ok((shares, unread.collect()))
}
