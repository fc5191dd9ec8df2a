//! The guards that every phase asks before anything is touched.

use std::path::PathBuf;

use super::change::{Change, Kind};
use super::live::{self, Asking};
use super::prove::Unequal;
use super::survey::Survey;
use crate::error::Result;
use crate::guards::{self, Checked};
use crate::secret::Secret;
use crate::tasks::Context;

pub fn renders(survey: &Survey<'_>) -> Checked {
    let why = survey.broken.iter().filter(|broken| broken.chosen).map(|broken| format!("stack {}: {}", broken.stack.id, broken.why));
    Checked::new(
        "stacks-render",
        why.collect(),
        "make the stack render (`cargo xtask render STACK`), or name only stacks that do; what is `not read yet` Compose may accept, this tool does not",
    )
}

/// Whether what was planned renders as before; `guards` are those that were asked already.
pub fn equal(unequal: Vec<Unequal>, guards: &[Checked]) -> Checked {
    // What only others come to see differently, they share with the chosen ones.
    let others = unequal.iter().all(|unequal| !unequal.chosen);
    let refused: Vec<&str> = guards.iter().filter(|guard| guard.refusal.is_some()).map(|guard| guard.name).collect();
    let help = match refused.is_empty() {
        _ if others => {
            "these stacks share a file with those that were named: name them too, or no stack at all, which means all".to_string()
        }
        false => format!("settle {} first, and look again", refused.join(", ")),
        true => "nothing may change what runs; please report this with the file".to_string(),
    };
    Checked::new("renders-as-before", unequal.into_iter().map(|unequal| unequal.why).collect(), help)
}

/// Whether the commit can be made that was asked for.
pub fn can_commit(cx: &Context<'_>) -> Checked {
    let why = match &cx.git {
        None => Some("there is no git repository to commit to".to_string()),
        Some(git) => git.check_can_commit().err().map(|error| error.to_string()),
    };
    Checked::new("can-commit", why.into_iter().collect(), "set this right first, or leave out --commit")
}

/// What the caller wants of running containers.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// There must be an engine.
    pub needs_engine: bool,
    /// There must be running stacks, and everything must be proven.
    pub require_live: bool,
}

/// What containers say before the change: a check that fails already would prove nothing afterwards. `asking` gets
/// the stacks that run; `is_asked_for` tells the passwords that are tried.
pub fn live_guards(
    cx: &Context<'_>,
    wish: Wish,
    found: &Survey<'_>,
    is_asked_for: &dyn Fn(&Secret) -> bool,
    asking: &mut Vec<Asking>,
) -> Result<Vec<Checked>> {
    let Some(live) = cx.live() else {
        let missing = if cx.doors.engine.is_none() {
            cx.doors.no_engine.clone()
        } else {
            "Docker Compose 2.20 or later is not installed".to_string()
        };
        let why = if wish.needs_engine { vec![missing] } else { Vec::new() };
        return Ok(vec![Checked::new("engine", why, "start Docker, or go on without --recreate, --rehearse and --require-live")]);
    };
    *asking = live::running(&live, found, is_asked_for)?;
    let said = live::ask(&live, asking, &cx.masker.borrow())?;
    let mut guards = vec![
        Checked::new(
            "healthy-stacks",
            said.unwell,
            "make the stack healthy first; what is ill already cannot show whether the change holds",
        ),
        Checked::new(
            "accepted-credentials",
            said.refused,
            "the server was set up with another password; find the right one before it is moved",
        ),
    ];
    if wish.require_live {
        let mut why: Vec<String> = said.not_proven.into_iter().map(|(label, needs)| format!("{label}: needs {needs}")).collect();
        if asking.is_empty() {
            why.push("no stack of this project runs".to_string());
        }
        guards.push(Checked::new("live-proof", why, "start the stacks, or go on without --require-live"));
    }
    Ok(guards)
}

/// Whether the files can be written, and hold nothing that git does not know.
pub fn file_guards(cx: &Context<'_>, changes: &[Change], allow_dirty: bool) -> Result<Vec<Checked>> {
    let below = |change: &Change| cx.project.relative(&change.path).to_path_buf();
    let all: Vec<PathBuf> = changes.iter().map(below).collect();
    let mut guards = vec![guards::replaceable(&cx.project.root, &all)];
    if let Some(git) = &cx.git {
        // Env files with values are ignored, or about to be.
        let shared: Vec<PathBuf> = changes.iter().filter(|change| change.kind != Kind::Env && change.before.is_some()).map(below).collect();
        let checked = guards::clean_in_git(git, &shared, &cx.left_by_us()?)?;
        guards.push(if allow_dirty { Checked { refusal: None, ..checked } } else { checked });
    }
    Ok(guards)
}
