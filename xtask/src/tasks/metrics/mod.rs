//! The figures by which the migration is judged, as they are measured now; what cannot be measured says why, and is
//! never a zero.
//!
//! files -> what the rules and the journals say; live -> what the engine shows of each stack; record -> what was
//! measured before, for growth and for the logs since then. Everything in between is pure.

mod failures;
mod figure;
mod files;
mod growth;
mod live;
mod logs;
mod record;
mod running;

use serde::Serialize;

use super::Context;
use super::history::readable;
use crate::engine::Engine;
use crate::engine::wait::clock;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::saga::now_ms;
use live::Looked;
use record::{Point, Records};

pub use figure::{Figure, Part, Target, Unit};

/// What `metrics` answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// UTC.
    pub at: String,
    pub figures: Vec<Figure>,
}

/// Measures, and notes what the next measurement starts from, except in a dry run.
///
/// # Errors
/// A stack is named that there is not (`Unusable`), files or journals cannot be read, or the engine stops answering.
pub fn metrics(cx: &Context<'_>, stacks: &[String]) -> Result<Metrics> {
    let at_ms = now_ms();
    let mut figures = files::of_files(cx, stacks)?;
    match cx.doors.engine.clone() {
        Some(engine) => figures.extend(of_engine(cx, engine.as_ref(), stacks, at_ms)?),
        None => figures.extend(without_engine(&cx.doors.no_engine)),
    }
    Ok(Metrics { at: readable(at_ms), figures })
}

fn without_engine(why: &str) -> Vec<Figure> {
    let why = format!("no engine answers: {why}");
    let all = [running::IMAGES, running::REDUCTION, running::HEALTHY, running::RESTARTS, running::PROBES];
    let all = all.into_iter().chain([logs::FAILURES, growth::GROWTH, growth::MONTHLY]);
    all.map(|measure| measure.is_not(&why)).collect()
}

fn of_engine(cx: &Context<'_>, engine: &dyn Engine, stacks: &[String], at_ms: u64) -> Result<Vec<Figure>> {
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for stack in cx.project.select(stacks)? {
        match Looked::look(cx, engine, stack) {
            Ok(looked) => all.push(looked),
            Err(error) if error.kind == Kind::Failed => return Err(error),
            Err(error) => unread.push(format!("stack {}: {error}", stack.id)),
        }
    }
    let info = engine.info()?;
    let (mut seen, mut images, mut no_images) = (Vec::new(), Vec::new(), Vec::new());
    for looked in &all {
        seen.extend(looked.seen(engine, &info.system_time));
        let (sizes, missing) = looked.images(engine)?;
        images.extend(sizes);
        no_images.extend(missing);
    }
    let records = cx.state_folder().and_then(|state| Records::read(&state, &cx.project.root));
    let (records, kept) = match records {
        Ok(records) => (records, true),
        Err(error) => {
            cx.events.emit(Event::Warning(format!("what was measured before is not known: {error}")));
            (Records::default(), false)
        }
    };
    let until = clock::seconds(&info.system_time).ok_or_else(|| Error::failed("read the engine's clock"))?;
    let since = |stack: &str| records.last(stack, &info.id).map(|point| point.logs_until);
    let (counted, read_until) = logs::count(cx, engine, &all, &since, until);
    if cx.cancel.requested() {
        return Err(Error::new(Kind::Interrupted, "measure").why("interrupted"));
    }
    let (sizes, no_sizes) = match engine.observer().volume_bytes() {
        Ok(sizes) => (Some(sizes), String::new()),
        Err(error) => (None, error.to_string()),
    };
    let now: Vec<(String, Point)> = all
        .iter()
        .map(|looked| {
            let volumes = sizes.as_ref().map(|sizes| looked.volumes(sizes));
            let logs_until = read_until.get(&looked.stack.id).copied().unwrap_or(until);
            (looked.stack.id.clone(), Point { at_ms, engine: info.id.clone(), logs_until, volumes })
        })
        .collect();
    let started = all.iter().map(|looked| since(&looked.stack.id)).collect::<Vec<_>>();
    let mut figures = vec![running::images(&images, no_images), running::reduction(&images)];
    figures.extend([running::healthy(&seen), running::restarts(&seen), running::probes(&seen), counted.figure(&in_words(&started))]);
    figures.extend(growth::growth(&now, &records, &no_sizes));
    if kept && !cx.dry_run {
        keep(cx, records, now);
    }
    Ok(figures.into_iter().map(|figure| missing(figure, &unread)).collect())
}

/// From when the logs were read.
fn in_words(since: &[Option<i64>]) -> String {
    let earliest = since.iter().flatten().min().and_then(|secs| u64::try_from(*secs).ok());
    let new = since.iter().filter(|since| since.is_none()).count();
    match (earliest, new) {
        (None, _) => "of the last 24 hours, as this is the first measurement".to_string(),
        (Some(secs), 0) => format!("since the last measurement, {}", readable(secs * 1000)),
        (Some(secs), _) => format!("since the last measurement, {}; of the last 24 hours for stacks without one", readable(secs * 1000)),
    }
}

fn missing(figure: Figure, unread: &[String]) -> Figure {
    let all = figure.without.iter().chain(unread).cloned().collect();
    figure.without(all)
}

/// The figures are told all the same.
fn keep(cx: &Context<'_>, mut records: Records, now: Vec<(String, Point)>) {
    for (stack, point) in now {
        records.add(&stack, point);
    }
    let written = cx.state_folder().and_then(|state| records.write(&state, &cx.project.root));
    if let Err(error) = written {
        cx.events.emit(Event::Warning(format!("the next measurement cannot start from this one: {error}")));
    }
}
