//! What a plan comes to, for people and programs, before anybody is asked.

use std::collections::BTreeSet;

use super::change::Kind;
use super::draft::Draft;
use super::phase::preview::others_may_read;
use super::prepare::Proposal;
use super::show;
use crate::event::{Event, FileDiff};
use crate::project::Project;
use crate::secret::Masker;
use crate::tasks::Context;
use crate::text::LineIndex;

/// What the plan comes to, for people and programs.
pub fn preview(cx: &Context<'_>, proposal: &Proposal) -> Vec<Event> {
    let files: Vec<FileDiff> = proposal.draft.changes.iter().map(|change| show::diff(&cx.project, change, &cx.masker.borrow())).collect();
    let mut other = Vec::new();
    for (variable, places) in proposal.variables.iter().zip(&proposal.places) {
        let known = if variable.well_known { " (a value that anyone would try)" } else { "" };
        other.push(format!("{}{known}: {}", variable.name, places.join(", ")));
    }
    let opened = proposal.draft.changes.iter().filter(|change| change.kind == Kind::Env && others_may_read(&change.path));
    other.extend(opened.map(|change| format!("{} becomes its owner's alone (0600)", cx.project.relative(&change.path).display())));
    other.extend(proposal.draft.links.iter().map(|link| format!("link {} to {}", link.path.display(), link.target.display())));
    other.extend(proposal.draft.untrack.iter().map(|path| format!("take {} out of git's index", path.display())));
    other.extend(gained(proposal));
    if files.is_empty() && other.is_empty() {
        return Vec::new();
    }
    let mut events = vec![Event::Planned { files, other }];
    events.extend(proposal.warnings.iter().cloned().map(Event::Warning));
    events
}

/// The comments that will still say a credential which is moved: a comment is nobody's to rewrite.
pub fn in_comments(project: &Project, draft: &Draft, masker: &Masker) -> Vec<String> {
    let public = draft.changes.iter().filter(|change| matches!(change.kind, Kind::Compose | Kind::SharedEnv));
    let mut told = Vec::new();
    for change in public {
        let lines = LineIndex::new(&change.after);
        for span in show::telling_comments(&change.after, masker) {
            let (line, _) = lines.line_column(&change.after, span.start);
            told.push(format!("{}:{line}: a comment says a credential and will go on saying it", project.relative(&change.path).display()));
        }
    }
    told
}

/// Who sees more than before, in one sentence.
fn gained(proposal: &Proposal) -> Option<String> {
    let names: BTreeSet<&String> = proposal.gains.values().flatten().collect();
    if names.is_empty() {
        return None;
    }
    let services: Vec<String> = proposal.gains.keys().map(|(stack, service)| format!("{service} ({stack})")).collect();
    Some(format!(
        "{} load the env file with their env_file: each will see up to {} of these secrets, and the next `up` recreates it; --strict keeps them out",
        services.join(", "),
        names.len()
    ))
}
