//! Failed database connections in the logs, counted since the last measurement.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::failures::{Databases, failure};
use super::figure::{Figure, Measure, Part, Target, Unit};
use super::live::Looked;
use crate::catalogue::{Category, server_kind};
use crate::engine::Engine;
use crate::engine::observe::{Part as Range, Said};
use crate::engine::wait::clock;
use crate::tasks::Context;

pub const FAILURES: Measure = Measure {
    name: "failed-database-connections",
    title: "failed database connections",
    unit: Unit::Count,
    target: Some(Target::AtMost(0.0)),
    how: "lines of the containers' logs that tell of a refused login or of a database that was not reached; a failure that client and \
          server both log counts twice, one that nobody logs not at all",
};

/// Logs of all stacks together are read for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const DAY_SECS: i64 = 86_400;

/// What the logs of all stacks told.
#[derive(Debug, Default)]
pub struct Counted {
    /// By container and the words by which a line was known.
    lines: BTreeMap<(String, &'static str), usize>,
    looked: usize,
    without: Vec<String>,
}

/// Counts in `from..until` of each stack, in seconds since 1970 on the engine's clock, and says by stack up to when
/// its logs were read.
pub fn count(
    cx: &Context<'_>,
    engine: &dyn Engine,
    all: &[Looked<'_>],
    since: &dyn Fn(&str) -> Option<i64>,
    until: i64,
) -> (Counted, BTreeMap<String, i64>) {
    let mut counted = Counted::default();
    let mut read_until = BTreeMap::new();
    let began = Instant::now();
    for looked in all {
        let databases = databases(looked);
        let from = since(&looked.stack.id).unwrap_or(until - DAY_SECS);
        let ids: Vec<String> = looked.containers.iter().map(|container| container.id.clone()).collect();
        let mut history = engine.observer().history(&ids, Range { since_secs: Some(from), tail: None });
        let mut reached = until;
        while let Some(said) = history.next(cx.cancel) {
            match said {
                Said::Line { id, line } => {
                    let at = clock::seconds(&line.at).unwrap_or(from);
                    if began.elapsed() > PATIENCE {
                        reached = at.clamp(from, until);
                        counted
                            .without
                            .push(format!("the later logs of stack {}: there are more than can be read in time", looked.stack.id));
                        break;
                    }
                    if (from..until).contains(&at) {
                        counted.take(looked, &id, &line.text, &databases);
                    }
                }
                Said::Unreadable { id, .. } => {
                    let name = looked.container(&id).map_or(id.as_str(), |container| container.name.as_str());
                    counted.without.push(format!("the log of {name}, which cannot be read"));
                }
            }
        }
        counted.looked += ids.len();
        read_until.insert(looked.stack.id.clone(), reached);
    }
    (counted, read_until)
}

impl Counted {
    fn take(&mut self, looked: &Looked<'_>, id: &str, line: &str, databases: &Databases) {
        let Some(container) = looked.container(id) else { return };
        let kind = server_kind(&container.image).map(|kind| kind.kind.as_str());
        if let Some(words) = failure(line, kind, databases) {
            *self.lines.entry((container.name.clone(), words)).or_default() += 1;
        }
    }

    /// `since`: in words.
    pub fn figure(self, since: &str) -> Figure {
        if self.looked == 0 {
            return FAILURES.is_not("no container is there");
        }
        let total: usize = self.lines.values().sum();
        let parts = self.lines.into_iter().map(|((container, words), lines)| Part::new(container, lines as f64).noting(words));
        FAILURES.is(total as f64).of(parts.collect()).without(self.without).adding(since)
    }
}

/// The databases of the stack by their names in it and by their usual ports.
fn databases(looked: &Looked<'_>) -> Databases {
    let mut found = Databases::default();
    for service in looked.model.services() {
        let image = looked.image_of(service).unwrap_or_default();
        let Some(kind) = server_kind(&image).filter(|kind| is_database(kind.category)) else { continue };
        found.names.insert(service.to_ascii_lowercase());
        found.ports.extend(&kind.ports);
    }
    for container in &looked.containers {
        if server_kind(&container.image).is_some_and(|kind| is_database(kind.category)) {
            found.names.insert(container.name.to_ascii_lowercase());
        }
    }
    found
}

fn is_database(category: Category) -> bool {
    matches!(category, Category::Database | Category::Cache | Category::Broker | Category::Search)
}
