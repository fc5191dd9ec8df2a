//! The proposal as a plan: its steps in their order, and the contents that they write.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Options;
use super::change::Kind;
use super::phase::steps;
use super::prepare::Proposal;
use crate::actions::{Action, GitCommit, GitUntrack};
use crate::saga::Plan;
use crate::tasks::Context;

/// The steps, and the contents that they write.
pub fn plan(cx: &Context<'_>, proposal: &Proposal, options: &Options) -> (Plan<Action>, Vec<Vec<u8>>) {
    let draft = &proposal.draft;
    let mut contents = Vec::new();
    let mut made = before_files(proposal, options, &mut contents);
    let mut paths = Vec::new();
    let untracked: BTreeSet<&PathBuf> = draft.untrack.iter().collect();
    // A variable is there, and hidden, before anything needs it.
    for change in draft.changes.iter().filter(|change| matches!(change.kind, Kind::Ignore | Kind::Env)) {
        made.push(steps::write(&cx.project, change));
    }
    made.extend(draft.links.iter().map(|link| Action::CreateSymlink(link.clone())));
    for change in draft.changes.iter().filter(|change| !matches!(change.kind, Kind::Ignore | Kind::Env)) {
        made.push(steps::write(&cx.project, change));
    }
    if options.untrack {
        made.extend(draft.untrack.iter().map(|path| Action::GitUntrack(GitUntrack { path: path.clone() })));
        paths.extend(draft.untrack.iter().cloned());
    }
    made.extend(after_files(proposal, options));
    for change in &draft.changes {
        contents.push(change.after.clone().into_bytes());
        let path = cx.project.relative(&change.path).to_path_buf();
        if change.kind != Kind::Env && !untracked.contains(&path) {
            paths.push(path);
        }
    }
    paths.extend(
        draft
            .links
            .iter()
            .map(|link| link.path.clone())
            .filter(|path| cx.git.as_ref().is_some_and(|git| !git.ignored(path).unwrap_or(true))),
    );
    let mut plan = Plan::new("security-fix", made);
    plan.stacks = proposal.chosen.clone();
    if options.commit && !plan.steps.is_empty() {
        paths.sort();
        plan.finish.push(Action::GitCommit(GitCommit { paths, message: message(proposal) }));
    }
    (plan, contents)
}

/// What comes before a file is touched: the rehearsal, and the note of what serves.
fn before_files(proposal: &Proposal, options: &Options, contents: &mut Vec<Vec<u8>>) -> Vec<Action> {
    let mut made = Vec::new();
    if proposal.draft.changes.is_empty() {
        return made;
    }
    if options.rehearse {
        made.extend(steps::rehearse(&proposal.touched, contents));
    }
    if options.recreate {
        made.extend(steps::keep(&proposal.touched, &proposal.asking));
    }
    made
}

fn after_files(proposal: &Proposal, options: &Options) -> Vec<Action> {
    let wanted = options.recreate && !proposal.draft.changes.is_empty();
    if wanted { steps::recreate(&proposal.touched, &proposal.asking) } else { Vec::new() }
}

fn message(proposal: &Proposal) -> String {
    let names: Vec<&str> = proposal.variables.iter().map(|variable| variable.name.as_str()).collect();
    format!(
        "Move credentials out of compose files\n\nThey are read from .env now, under these names: {}.\nEvery stack renders as before; history still holds the old values.\n",
        names.join(", ")
    )
}
