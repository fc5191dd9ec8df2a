//! Phase 3: what nobody uses is removed, and what has content comes back.
//!
//! gather (what the engine keeps) and referred (who refers to it) -> stock (which is unused, and why the rest stays) ->
//! served (what a registry would give back) -> plan: images that it would, an archive of the rest in the backup repository,
//! then networks, volumes and named images one by one, by id; what cannot come back goes after the proof. Nothing is
//! ever pruned.

mod figures;
mod gather;
mod look;
mod plan;
mod prove;
mod referred;
mod report;
mod served;
mod show;
mod stock;

use std::cell::RefCell;
use std::rc::Rc;

use super::backup::{place, usable};
use super::{Context, Ended, Overrides, Prepared, carry_out, security_fix};
use crate::backup::{Place, Repository};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::saga::RunId;
use figures::Figures;

pub use figures::{Disk, Reclaimed};
pub use look::look as survey;
pub use report::{Item, Report};
pub use stock::Kind;

/// The name of its command and of its runs.
pub const TASK: &str = "cleanup";

/// What the caller chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Stacks by name: only what carries a label of their compose projects. None means all, and images without a name.
    pub stacks: Vec<String>,
    /// The whole engine.
    pub host: bool,
    /// Stopped containers too.
    pub containers: bool,
    /// How many of a kind there must be.
    pub expect: Vec<(Kind, usize)>,
    /// It is one of several phases: without an engine there is nothing to do.
    pub together: bool,
    /// Named volumes stay: nobody has agreed to a list by its name.
    pub without_named: bool,
    /// Not even images without a name, where they carry no label of the project.
    pub only_labelled: bool,
}

impl Options {
    /// As the command line takes them, for the run's record.
    fn args(&self) -> Vec<String> {
        let switches = [("--host", self.host), ("--include=containers", self.containers)];
        let on = switches.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_string());
        let expect = self.expect.iter().map(|(kind, count)| format!("--expect={}={count}", kind.plural()));
        self.stacks.iter().cloned().chain(on).chain(expect).collect()
    }
}

/// Carries phase 3 out.
///
/// # Errors
/// `Refused`: no engine answers, a count is not the expected one, the list was not confirmed. `RolledBack`: something did not
/// hold, and everything is back.
pub fn run(cx: &Context<'_>, options: &Options, overrides: &Overrides) -> Result<(Ended, Report)> {
    if options.together && cx.live().is_none() {
        cx.events.emit(Event::Note("no engine answers, so there is nothing to clean up".into()));
        return Ok((Ended::NothingToDo, Report::default()));
    }
    engine(cx)?;
    let place = place::of(cx, None)?;
    let _lock = if cx.dry_run { None } else { Some(place::lock(cx, &place)?) };
    // With a key that does not open it nothing can be stored.
    if place::there(cx, &place)? {
        Repository::open(&place)?;
    }
    let told: RefCell<Option<(Report, Figures)>> = RefCell::default();
    let ended = carry_out(cx, TASK, overrides, |run| prepare(cx, options, &place, run, &told))?;
    place::note_seen(cx, &place)?;
    let Some((mut report, figures)) = told.into_inner() else { return Ok((ended, Report::default())) };
    if let Ended::Committed { run, proof } = &ended {
        report.committed(run, proof);
        report.reclaimed = Some(figures.reclaimed(cx, run)?);
    }
    Ok((ended, report))
}

fn prepare<'p>(
    cx: &'p Context<'_>,
    options: &Options,
    place: &Place,
    run: &RunId,
    told: &RefCell<Option<(Report, Figures)>>,
) -> Result<Prepared<'p>> {
    cx.masker.replace(security_fix::secrets(cx));
    let mut found = look::look(cx, options)?;
    served::ask(cx, &mut found)?;
    let figures = Figures::before(cx, &found, place)?;
    let mut guards = plan::guards(options, &found, &figures);
    if plan::needs_archive(&found) {
        let volumes = found.of(stock::Kind::Volume).map(|thing| &thing.name);
        guards.extend([usable::writable(place)?, usable::apart_from_volumes(engine(cx)?.as_ref(), place, volumes)?]);
    }
    let (mut plan, contents) = plan::plan(cx, &found, &figures.note, run)?;
    plan.args = options.args();
    plan.stacks = cx.project.select(&options.stacks)?.iter().map(|stack| stack.id.clone()).collect();
    let preview = show::preview(&found);
    told.replace(Some((Report::of(&found), figures)));
    let (named, word) = (found.named_volumes().len(), show::word(&found));
    Ok(Prepared {
        guards,
        projects: found.touched().into_iter().collect(),
        plan,
        contents,
        preview,
        still: Some(Box::new(move || confirmed(cx, named, &word))),
        prove: Box::new(move |world| prove::prove(cx, world, &found)),
    })
}

/// `--yes` alone never removes a named volume: whoever agrees names the very list that was shown.
fn confirmed(cx: &Context<'_>, named: usize, word: &str) -> Result<()> {
    if named == 0 {
        return Ok(());
    }
    let question = format!("{named} named volumes are archived and removed; the list above is {word}.");
    if (cx.confirm_by_name)(&question, word)? {
        return Ok(());
    }
    Err(Error::refused("clean up").why("the name of the list was not typed; nothing was touched"))
}

fn engine(cx: &Context<'_>) -> Result<Rc<dyn Engine>> {
    let nobody = |why: String| Error::refused("clean up").why(why).help("`cargo xtask doctor` says what is missing");
    let engine = cx.doors.engine.clone().ok_or_else(|| nobody(cx.doors.no_engine.clone()))?;
    cx.doors.compose.as_ref().ok_or_else(|| nobody("Docker Compose 2.20 or later is not installed".into()))?;
    Ok(engine)
}
