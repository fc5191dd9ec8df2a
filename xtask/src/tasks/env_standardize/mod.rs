//! Phase 2: one root `.env`. What other env files hold goes into it, every `env_file` names it, and what renders
//! stays equal for every variable that a service had.
//!
//! survey -> loads (each `env_file` entry and what becomes of it) -> merge (the root's text; a name with two values, or
//! one that an unset `${}` would pick up, is a conflict) -> missing (what is used and set nowhere) -> rewrite (paths,
//! in their form) -> the project as it would render -> pins (what a service would see differently and so keeps under
//! its own `environment`) -> rewrite again -> plan; then the guarded way, then the proof, which starts again from the
//! files.
//!
//! The root's own lines are never changed, so that no `${}` gets another value. The files that were merged stay where
//! they are: nothing loads them any more, and removing them is for people.

mod copies;
mod draft;
mod loads;
mod merge;
mod missing;
mod pins;
mod prepare;
mod report;
mod rewrite;
mod shares;
mod show;
mod standing;

use std::cell::RefCell;

use super::phase::before::Asked;
use super::phase::change::Kind;
use super::phase::prove::{Rendered, on_the_way, prove_live, seen_by_git};
use super::phase::validate::validated;
use super::phase::{self, steps};
use super::{Context, Ended, Overrides, Prepared, carry_out};
use crate::actions::{Action, GitCommit, World};
use crate::error::Result;
use crate::saga::{Plan, Verdict};
use prepare::Proposal;

pub use report::{Gained, Given, Report};
pub use shares::{Share, shares};
pub use standing::{Standing, standing};

/// What is done about a variable that has two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The root's value holds for all; what changes by that is shown.
    KeepRoot,
    /// Every service keeps the value that it has.
    KeepFile,
}

impl OnConflict {
    pub fn name(self) -> &'static str {
        match self {
            OnConflict::KeepRoot => "keep-root",
            OnConflict::KeepFile => "keep-file",
        }
    }
}

/// What the caller chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Stacks by name; none means all.
    pub stacks: Vec<String>,
    /// `None`: a conflict is refused.
    pub on_conflict: Option<OnConflict>,
    pub commit: bool,
    pub recreate: bool,
    pub rehearse: bool,
    pub allow_dirty: bool,
    pub require_live: bool,
}

impl Options {
    /// As the command line takes them, for the run's record.
    fn args(&self) -> Vec<String> {
        let Options { stacks, on_conflict, commit, recreate, rehearse, allow_dirty, require_live } = self;
        let switches = [
            ("--commit", commit),
            ("--recreate", recreate),
            ("--rehearse", rehearse),
            ("--allow-dirty", allow_dirty),
            ("--require-live", require_live),
        ];
        let on = switches.into_iter().filter(|(_, on)| **on).map(|(name, _)| name.to_string());
        let conflict = on_conflict.map(|on| format!("--on-conflict={}", on.name()));
        stacks.iter().cloned().chain(on).chain(conflict).collect()
    }
}

const LIVE: &str = "running stacks are well";

/// Carries phase 2 out.
pub fn run(cx: &Context<'_>, options: &Options, overrides: &Overrides) -> Result<(Ended, Report)> {
    let asked = cx.doors.compose.as_deref().map(|compose| Asked { compose, masker: &cx.masker, cancel: cx.cancel });
    let asked = asked.as_ref();
    let proposed: RefCell<Option<Proposal>> = RefCell::default();
    // Its places are told as they were before the files have changed.
    let told: RefCell<Report> = RefCell::default();
    let ended = carry_out(cx, "env-standardize", overrides, |_| {
        let mut proposal = prepare::propose(cx, options, asked)?;
        let (mut plan, contents) = plan(cx, &proposal, options);
        plan.args = options.args();
        let preview = show::preview(cx, &proposal);
        told.replace(Report::of(cx, &proposal));
        let guards = std::mem::take(&mut proposal.guards);
        let projects = proposal.touched.iter().map(|touched| touched.call.project.clone()).collect();
        proposed.replace(Some(proposal));
        let prove = |world: &World| match proposed.borrow().as_ref() {
            Some(proposal) => prove(cx, world, proposal, asked),
            None => Ok(Verdict::Bad(vec!["there is nothing to prove".into()])),
        };
        Ok(Prepared { guards, projects, plan, contents, preview, still: None, prove: Box::new(prove) })
    })?;
    let mut report = told.into_inner();
    if let Ended::Committed { run, proof } = &ended {
        report.run = Some(run.to_string());
        report.proven.clone_from(&proof.proven);
        report.not_proven.clone_from(&proof.not_proven);
        report.next = next(cx, options, &report);
    }
    Ok((ended, report))
}

fn plan(cx: &Context<'_>, proposal: &Proposal, options: &Options) -> (Plan<Action>, Vec<Vec<u8>>) {
    let (mut made, mut contents) = (Vec::new(), Vec::new());
    let changes = &proposal.draft.changes;
    if !changes.is_empty() && options.rehearse {
        made.extend(steps::rehearse(&proposal.touched, &mut contents));
    }
    let recreates = !changes.is_empty() && options.recreate;
    if recreates {
        made.extend(steps::keep(&proposal.touched, &proposal.asking));
    }
    made.extend(changes.iter().map(|change| steps::write(&cx.project, change)));
    contents.extend(changes.iter().map(|change| change.after.clone().into_bytes()));
    if recreates {
        made.extend(steps::recreate(&proposal.touched, &proposal.asking));
    }
    let mut plan = Plan::new("env-standardize", made);
    plan.stacks.clone_from(&proposal.chosen);
    let shared = changes.iter().filter(|change| change.kind != Kind::Env);
    let paths: Vec<_> = shared.map(|change| cx.project.relative(&change.path).to_path_buf()).collect();
    if options.commit && !paths.is_empty() {
        let message = "Read every variable from the root's .env\n\nEvery service loads it, and renders as before.\n".to_string();
        plan.finish.push(Action::GitCommit(GitCommit { paths, message }));
    }
    (plan, contents)
}

fn prove(cx: &Context<'_>, world: &World, proposal: &Proposal, asked: Option<&Asked<'_>>) -> Result<Verdict> {
    let mut proof = on_the_way(cx, world);
    let Proposal { before, permitted, chosen, .. } = proposal;
    if let Err(why) = (Rendered { cx, before, permitted, chosen, asked }).prove(&mut proof)? {
        return Ok(Verdict::Bad(why));
    }
    let seen = seen_by_git(cx, &proposal.draft.changes)?;
    if !seen.is_empty() {
        return Ok(Verdict::Bad(seen));
    }
    let verdict = prove_live(cx, &proposal.asking, LIVE, proof)?;
    validated(cx, &cx.project.settings.validate.env_standardize, verdict)
}

fn next(cx: &Context<'_>, options: &Options, report: &Report) -> Vec<String> {
    let mut next = Vec::new();
    if let Some(run) = &report.run {
        next.push(format!("undo it: cargo xtask rollback {run}"));
    }
    if cx.git.is_some() && !options.commit {
        next.push("look at `git status` and `git diff`, then commit".to_string());
    }
    if !report.merged.is_empty() {
        let files: Vec<&str> = report.merged.keys().map(String::as_str).collect();
        next.push(format!("no service of these stacks loads {} any more: remove what nothing else reads", files.join(", ")));
    }
    let differ = !report.gained.is_empty() || !report.changed_values.is_empty();
    if differ && !options.recreate {
        next.push("the next `up` recreates the services that see more variables now".to_string());
    }
    next
}
