//! Phase 1: credentials out of compose files, into `.env`, with nothing that renders changed.
//!
//! survey -> spots -> credentials -> variables -> draft -> plan; then the guarded way, then the
//! proof, which starts again from the files.

mod burned;
mod checks;
mod draft;
mod group;
mod name;
mod prepare;
mod preview;
mod prove;
mod report;
mod rewrite;
mod spot;
mod spots;
mod standing;
mod steps;
mod taken;

use std::cell::RefCell;

use super::phase::before::Asked;
use super::phase::{self, before, change, hidden, home, lines, live, rendering, show, survey};
use prove::prove;

pub use super::phase::live::SETTLE;
pub use super::phase::show::credentials as credentials_in_text;
pub use report::{Burned, Moved, Report};
pub use standing::{Standing, StandingCredential, standing};

use super::{Context, Ended, Overrides, Prepared, carry_out};
use crate::actions::World;
use crate::error::Result;
use crate::event::Event;
use crate::project::Stack;
use crate::saga::Verdict;
use crate::secret::{Masker, Secret};
use crate::source::Disk;
use prepare::Proposal;
use survey::Survey;

/// What the caller chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Stacks by name; none means all.
    pub stacks: Vec<String>,
    pub commit: bool,
    pub recreate: bool,
    pub rehearse: bool,
    pub strict: bool,
    pub untrack: bool,
    pub allow_dirty: bool,
    pub require_live: bool,
}

impl Options {
    /// As the command line takes them, for the run's record.
    fn args(&self) -> Vec<String> {
        let Options { stacks, commit, recreate, rehearse, strict, untrack, allow_dirty, require_live } = self;
        let switches = [
            ("--commit", commit),
            ("--recreate", recreate),
            ("--rehearse", rehearse),
            ("--strict", strict),
            ("--untrack", untrack),
            ("--allow-dirty", allow_dirty),
            ("--require-live", require_live),
        ];
        let on = switches.into_iter().filter(|(_, on)| **on).map(|(name, _)| name.to_string());
        stacks.iter().cloned().chain(on).collect()
    }
}

/// Carries phase 1 out.
pub fn run(cx: &Context<'_>, options: &Options, overrides: &Overrides) -> Result<(Ended, Report)> {
    let asked = cx.doors.compose.as_deref().map(|compose| Asked { compose, masker: &cx.masker, cancel: cx.cancel });
    let asked = asked.as_ref();
    let proposed: RefCell<Option<Proposal>> = RefCell::default();
    let ended = carry_out(cx, "security-fix", overrides, |_| {
        let mut proposal = prepare::propose(cx, options, asked)?;
        let (mut plan, contents) = steps::plan(cx, &proposal, options);
        plan.args = options.args();
        let preview = preview::preview(cx, &proposal);
        let guards = std::mem::take(&mut proposal.guards);
        let projects = proposal.touched.iter().map(|touched| touched.call.project.clone()).collect();
        proposed.replace(Some(proposal));
        let prove = |world: &World| match proposed.borrow().as_ref() {
            Some(proposal) => prove(cx, world, proposal, asked),
            None => Ok(Verdict::Bad(vec!["there is nothing to prove".into()])),
        };
        Ok(Prepared { guards, projects, plan, contents, preview, still: None, prove: Box::new(prove) })
    })?;
    let Some(proposal) = proposed.into_inner() else { return Ok((ended, Report::default())) };
    let mut report = Report::of(&proposal, &cx.project.root);
    (report.run, report.proven, report.not_proven) = ended.told();
    if report.run.is_some() {
        look_back(cx, &proposal, &mut report);
        report.next = next(cx, options, &proposal, &report);
    }
    Ok((ended, report))
}

/// Takes the project's secrets out of text, as far as its files can be read.
pub fn secrets(cx: &Context<'_>) -> Masker {
    whole_survey(cx).map(|found| found.masker()).unwrap_or_default()
}

/// The secrets themselves, for whoever knows more of them; the files are read once for all stacks that are
/// looked at.
pub fn secret_values(cx: &Context<'_>) -> Vec<Secret> {
    cx.secrets_of_files.get_or_init(|| whole_survey(cx).map(|found| found.secrets()).unwrap_or_default()).clone()
}

/// As [`secrets`], or `None` where a file cannot be read or a stack does not render: it may hold more.
pub fn all_secrets(cx: &Context<'_>) -> Option<Masker> {
    whole_survey(cx).ok().filter(|found| found.broken.is_empty()).map(|found| found.masker())
}

fn whole_survey<'c>(cx: &'c Context<'_>) -> Result<Survey<'c>> {
    let all: Vec<&Stack> = cx.project.stacks.iter().collect();
    survey::survey(&cx.project, &all, &Disk, &cx.environment, cx.git.as_ref())
}

/// What git's history holds is known to whoever has a clone. The run is committed: that nothing can
/// be said about the history is no failure of it.
fn look_back(cx: &Context<'_>, proposal: &Proposal, report: &mut Report) {
    let Some(git) = cx.git.as_ref().filter(|git| git.head().is_some()) else { return };
    match burned::search(git, &cx.project, proposal) {
        Ok(found) => {
            report.burned = found.burned;
            report.unseen = found.unseen;
        }
        Err(error) => {
            cx.events.emit(Event::Warning(format!("git's history could not be searched for these credentials: {error}")));
            report.unseen.push("git's history, which could not be searched".to_string());
        }
    }
}

fn next(cx: &Context<'_>, options: &Options, proposal: &Proposal, report: &Report) -> Vec<String> {
    let mut next = Vec::new();
    if let Some(run) = &report.run {
        next.push(format!("undo it: cargo xtask rollback {run}"));
    }
    if cx.git.is_some() && !options.commit {
        next.push("look at `git status` and `git diff`, then commit: new files too, and a link, which holds no secret".to_string());
    }
    if !report.burned.is_empty() {
        next.push("rotate what is burned: whoever has a clone has it".to_string());
    }
    if !proposal.gains.is_empty() && !options.recreate {
        next.push("the next `up` recreates the services that see more variables now".to_string());
    }
    next
}
