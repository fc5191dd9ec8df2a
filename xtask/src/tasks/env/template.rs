//! Writes the example of an `.env`: every variable, who uses it, whether it is required.

use crate::actions::Action;
use crate::error::Result;
use crate::event::Event;
use crate::saga::{Plan, Proof, Verdict};
use crate::source::{Disk, text_of};
use crate::tasks::phase::change::Change;
use crate::tasks::phase::checks::{file_guards, renders};
use crate::tasks::phase::example::example_change;
use crate::tasks::phase::lines::defined;
use crate::tasks::phase::survey::survey;
use crate::tasks::phase::{show, steps};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out};

/// The example made complete; `allow_dirty` goes on although it has changes that git does not know.
pub fn template(cx: &Context<'_>, allow_dirty: bool) -> Result<Ended> {
    carry_out(cx, "env-template", &Overrides::default(), |_| {
        let stacks = cx.project.select(&[])?;
        let found = survey(&cx.project, &stacks, &Disk, &cx.environment, cx.git.as_ref())?;
        cx.masker.replace(found.masker());
        let change = changed(cx)?;
        let changes: Vec<Change> = change.into_iter().collect();
        let mut guards = vec![renders(&found)];
        guards.extend(file_guards(cx, &changes, allow_dirty)?);
        let files: Vec<_> = changes.iter().map(|change| show::diff(&cx.project, change, &cx.masker.borrow())).collect();
        let preview = if files.is_empty() { Vec::new() } else { vec![Event::Planned { files, other: Vec::new() }] };
        let contents = changes.iter().map(|change| change.after.clone().into_bytes()).collect();
        let made: Vec<Action> = changes.iter().map(|change| steps::write(&cx.project, change)).collect();
        let prove = move |_: &crate::actions::World| match changed(cx)? {
            None => Ok(Verdict::Holds(Proof { proven: vec!["the example names every variable".into()], ..Proof::default() })),
            Some(_) => Ok(Verdict::Bad(vec!["the example is not complete".into()])),
        };
        let plan = Plan::new("env-template", made);
        Ok(Prepared { guards, projects: Vec::new(), plan, contents, preview, still: None, prove: Box::new(prove) })
    })
}

fn changed(cx: &Context<'_>) -> Result<Option<Change>> {
    let stacks = cx.project.select(&[])?;
    let found = survey(&cx.project, &stacks, &Disk, &cx.environment, None)?;
    let main = cx.project.root.join(".env");
    let names = defined(&main, text_of(&Disk, &main)?.as_deref().unwrap_or(""))?;
    example_change(&cx.project, &Disk, &found, &names)
}
