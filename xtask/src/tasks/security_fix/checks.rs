//! The guards of phase 1: what must hold before anything is touched.

use std::path::PathBuf;

use super::draft::{Change, Draft, Kind};
use super::live::Asking;
use super::name::Variable;
use super::spot::Spot;
use super::survey::Survey;
use super::{Options, live};
use crate::error::Result;
use crate::guards::{self, Checked};
use crate::model::Found;
use crate::tasks::Context;

pub fn renders(survey: &Survey<'_>) -> Checked {
    let why = survey.broken.iter().filter(|broken| broken.chosen).map(|broken| format!("stack {}: {}", broken.stack.id, broken.why));
    Checked::new(
        "stacks-render",
        why.collect(),
        "make the stack render (`cargo xtask render STACK`), or name only stacks that do; what is `not read yet` Compose may accept, this tool does not",
    )
}

/// A value that comes from this shell is nobody else's: what it renders to is not what the files say.
pub fn exported(survey: &Survey<'_>, variables: &[Variable], spots: &[Spot]) -> Checked {
    let mut why = Vec::new();
    for variable in variables {
        let in_use = |spot: &usize| {
            survey
                .views
                .iter()
                .filter(|view| view.reads(&spots[*spot].file))
                .any(|view| view.model.found(&variable.name) == Found::Exported)
        };
        if variable.spots.iter().any(in_use) {
            why.push(format!("{} is exported in this shell, so what renders here is not what the files say", variable.name));
        }
    }
    Checked::new("exported-variables", why, "unset it here (env -u NAME cargo xtask ...), or write its value into the env file first")
}

pub fn hidden(draft: &Draft, options: &Options) -> Checked {
    let why = if options.untrack {
        Vec::new()
    } else {
        draft.tracked.iter().map(|path| format!("git tracks {path}, where credentials would stand")).collect()
    };
    Checked::new("untracked-env", why, "add --untrack: it takes the file out of git's index, keeps it on disk, and adds it to .gitignore")
}

/// What containers say before the change: a check that fails already would prove nothing afterwards.
pub fn live_guards(
    cx: &Context<'_>,
    options: &Options,
    found: &Survey<'_>,
    variables: &[Variable],
    asking: &mut Vec<Asking>,
) -> Result<Vec<Checked>> {
    let needs_engine = options.recreate || options.rehearse || options.require_live;
    let Some(live) = cx.live() else {
        let missing = if cx.doors.engine.is_none() {
            cx.doors.no_engine.clone()
        } else {
            "Docker Compose 2.20 or later is not installed".to_string()
        };
        let why = if needs_engine { vec![missing] } else { Vec::new() };
        return Ok(vec![Checked::new("engine", why, "start Docker, or go on without --recreate, --rehearse and --require-live")]);
    };
    *asking = live::running(&live, found, variables)?;
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
    if options.require_live {
        let mut why: Vec<String> = said.not_proven.into_iter().map(|(label, needs)| format!("{label}: needs {needs}")).collect();
        if asking.is_empty() {
            why.push("no stack of this project runs".to_string());
        }
        guards.push(Checked::new("live-proof", why, "start the stacks, or go on without --require-live"));
    }
    Ok(guards)
}

pub fn file_guards(cx: &Context<'_>, draft: &Draft, options: &Options) -> Result<Vec<Checked>> {
    let below = |change: &Change| cx.project.relative(&change.path).to_path_buf();
    let all: Vec<PathBuf> = draft.changes.iter().map(below).collect();
    let mut guards = vec![guards::replaceable(&cx.project.root, &all)];
    if let Some(git) = &cx.git {
        // Env files with values are ignored, or about to be.
        let shared: Vec<PathBuf> =
            draft.changes.iter().filter(|change| change.kind != Kind::Env && change.before.is_some()).map(below).collect();
        let checked = guards::clean_in_git(git, &shared, &cx.left_by_us()?)?;
        guards.push(if options.allow_dirty { Checked { refusal: None, ..checked } } else { checked });
    }
    Ok(guards)
}
