//! Phase 4: a production image for each service that is built here, proven and not yet used.
//!
//! look -> recipes -> files -> plan; then the guarded way: write, build, look inside, start it as production would.

mod activate;
mod files;
mod guards;
mod look;
mod pin;
mod prove;
mod report;
mod secrets;
mod standing;
mod steps;
mod trial;

use std::cell::RefCell;

pub use report::{Image, Report};
pub use standing::{Standing, standing};

use super::{Context, Ended, Overrides, Prepared, carry_out};
use crate::actions::World;
use crate::error::Result;
use crate::event::Event;
use activate::Activation;
use files::File;
use look::Looked;

/// As runs and histories name it.
pub const TASK: &str = "dockerfile-prod";

/// What the caller chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Stacks by name; none means all.
    pub stacks: Vec<String>,
    /// Make the production stacks build with what was written.
    pub activate: bool,
    pub commit: bool,
    pub allow_dirty: bool,
    pub require_live: bool,
}

impl Options {
    fn args(&self) -> Vec<String> {
        let Options { stacks, activate, commit, allow_dirty, require_live } = self;
        let switches = [("--activate", activate), ("--commit", commit), ("--allow-dirty", allow_dirty), ("--require-live", require_live)];
        let on = switches.into_iter().filter(|(_, on)| **on).map(|(name, _)| name.to_string());
        stacks.iter().cloned().chain(on).collect()
    }
}

/// Everything that is known before a file is touched.
struct Proposal<'p> {
    looked: Looked<'p>,
    files: Vec<File>,
    activation: Activation,
    /// Services with an image to be proven, and its name.
    images: Vec<(usize, String)>,
    /// The images that they would replace, where the engine does not have them: built to be compared with.
    present: Vec<(usize, String)>,
    /// Services whose images nobody can start here.
    untried: RefCell<Vec<String>>,
}

/// Carries phase 4 out.
pub fn run(cx: &Context<'_>, options: &Options, overrides: &Overrides) -> Result<(Ended, Report)> {
    let report: RefCell<Report> = RefCell::default();
    let ended = carry_out(cx, TASK, overrides, |run| {
        let looked = look::look(cx, &options.stacks)?;
        cx.masker.replace(secrets::masker(cx, &looked));
        let files = files::files(cx, &looked, true)?;
        let activation = if options.activate { activate::activate(cx, &looked)? } else { Activation::default() };
        let guards = guards::guards(cx, options, &looked, &files, &activation)?;
        let images = steps::images(&looked, &files, run);
        let present = steps::present(cx, &looked, &images)?;
        let mut proposal = Proposal { looked, files, activation, images, present, untried: RefCell::default() };
        let (mut plan, contents) = steps::plan(cx, options, &proposal, run)?;
        plan.args = options.args();
        let preview = vec![preview(cx, &proposal)];
        proposal.files.retain(File::changes);
        report.replace(Report::of(cx, &proposal));
        let report = &report;
        let prove = move |world: &World| prove::prove(cx, world, options, &proposal, report);
        Ok(Prepared { guards, projects: Vec::new(), plan, contents, preview, still: None, prove: Box::new(prove) })
    })?;
    let mut report = report.into_inner();
    (report.run, report.proven, report.not_proven) = ended.told();
    if let Some(run) = ended.run() {
        report.next = next(options, run, &report);
    }
    Ok((ended, report))
}

fn preview(cx: &Context<'_>, proposal: &Proposal<'_>) -> Event {
    let mut other: Vec<String> = proposal.looked.made.iter().map(look::Made::summary).collect();
    other.extend(
        proposal.looked.made.iter().flat_map(|made| made.recipe.notes.iter().map(move |note| format!("{}: {note}", made.recipe.service))),
    );
    other.extend(proposal.looked.kept.iter().map(|kept| format!("{kept}: built with Dockerfile.prod already, kept as it is")));
    // A command may hold what must not be shown.
    let masker = cx.masker.borrow();
    other.iter_mut().for_each(|line| *line = masker.mask(line).into_owned());
    let mut shown: Vec<_> = proposal.files.iter().filter(|file| file.changes()).map(|file| file.diff(cx)).collect();
    shown.extend(proposal.activation.diffs(cx));
    Event::Planned { files: shown, other }
}

fn next(options: &Options, run: &str, report: &Report) -> Vec<String> {
    let mut next = vec![format!("undo it: cargo xtask rollback {run}")];
    if !options.activate {
        next.push(
            "nothing uses the new files yet: `cargo xtask dockerfile-prod --activate` makes the production stacks build with them".into(),
        );
    } else if !report.activated.is_empty() {
        next.push(
            "what runs is as it was: `cargo xtask build --tag TAG`, then `cargo xtask prod-up`, bring the new images into production"
                .into(),
        );
    }
    if !options.commit {
        next.push("look at `git status` and `git diff`, then commit".into());
    }
    next
}
