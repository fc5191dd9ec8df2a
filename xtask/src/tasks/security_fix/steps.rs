//! The proposal as a plan: its steps in their order, and the contents that they write.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::draft::{Change, Kind};
use super::prepare::Proposal;
use super::{Options, live};
use crate::actions::{Action, GitCommit, GitUntrack, KeepContainers, Recreate, Rehearse, StackCall, WriteFile};
use crate::saga::{Plan, Sha};
use crate::tasks::Context;

/// The steps, and the contents that they write.
pub fn plan(cx: &Context<'_>, proposal: &Proposal, options: &Options) -> (Plan<Action>, Vec<Vec<u8>>) {
    let draft = &proposal.draft;
    let mut contents = Vec::new();
    let mut steps = before_files(proposal, options, &mut contents);
    let mut paths = Vec::new();
    let untracked: BTreeSet<&PathBuf> = draft.untrack.iter().collect();
    let write = |change: &Change| {
        Action::WriteFile(WriteFile {
            path: cx.project.relative(&change.path).to_path_buf(),
            content: Sha::of(change.after.as_bytes()),
            before: change.before.as_ref().map(|text| Sha::of(text.as_bytes())),
            mode: (change.kind == Kind::Env).then_some(0o600),
        })
    };
    // A variable is there, and hidden, before anything needs it.
    for change in draft.changes.iter().filter(|change| matches!(change.kind, Kind::Ignore | Kind::Env)) {
        steps.push(write(change));
    }
    steps.extend(draft.links.iter().map(|link| Action::CreateSymlink(link.clone())));
    for change in draft.changes.iter().filter(|change| !matches!(change.kind, Kind::Ignore | Kind::Env)) {
        steps.push(write(change));
    }
    if options.untrack {
        steps.extend(draft.untrack.iter().map(|path| Action::GitUntrack(GitUntrack { path: path.clone() })));
        paths.extend(draft.untrack.iter().cloned());
    }
    steps.extend(after_files(proposal, options));
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
    let mut plan = Plan::new("security-fix", steps);
    plan.stacks = proposal.chosen.clone();
    if options.commit && !plan.steps.is_empty() {
        paths.sort();
        plan.finish.push(Action::GitCommit(GitCommit { paths, message: message(proposal) }));
    }
    (plan, contents)
}

/// What comes before a file is touched: the rehearsal, and the note of what serves.
fn before_files(proposal: &Proposal, options: &Options, contents: &mut Vec<Vec<u8>>) -> Vec<Action> {
    let mut steps = Vec::new();
    if proposal.draft.changes.is_empty() {
        return steps;
    }
    let settle_secs = live::SETTLE.as_secs();
    if options.rehearse && !proposal.touched.is_empty() {
        let mut stacks = Vec::new();
        for touched in &proposal.touched {
            let model = touched.planned.to_string().into_bytes();
            stacks.push((touched.call.stack.clone(), Sha::of(&model)));
            contents.push(model);
        }
        steps.push(Action::Rehearse(Rehearse { stacks, settle_secs, ..Rehearse::default() }));
    }
    let keep = |(call, services)| Action::KeepContainers(KeepContainers { call, services, settle_secs });
    // Undone in reverse: what others need comes back first.
    let mut kept: Vec<Action> = recreated(proposal, options).map(keep).collect();
    kept.reverse();
    steps.extend(kept);
    steps
}

fn after_files(proposal: &Proposal, options: &Options) -> Vec<Action> {
    if proposal.draft.changes.is_empty() {
        return Vec::new();
    }
    let settle_secs = live::SETTLE.as_secs();
    recreated(proposal, options).map(|(call, services)| Action::Recreate(Recreate { call, services, settle_secs })).collect()
}

/// The services to recreate: touched, and running now.
fn recreated<'p>(proposal: &'p Proposal, options: &Options) -> impl Iterator<Item = (StackCall, Vec<String>)> + 'p {
    let wanted = options.recreate;
    proposal.touched.iter().filter(move |_| wanted).filter_map(|touched| {
        let running = proposal.asking.iter().find(|asking| asking.call == touched.call)?;
        let services: Vec<String> = touched.services.iter().filter(|service| running.services.contains(service)).cloned().collect();
        (!services.is_empty()).then(|| (touched.call.clone(), services))
    })
}

fn message(proposal: &Proposal) -> String {
    let names: Vec<&str> = proposal.variables.iter().map(|variable| variable.name.as_str()).collect();
    format!(
        "Move credentials out of compose files\n\nThey are read from .env now, under these names: {}.\nEvery stack renders as before; history still holds the old values.\n",
        names.join(", ")
    )
}
