//! The logs of several services as one, without their secrets.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use regex::Regex;
use serde::Serialize;

use super::chosen::{Chosen, Unnamed, choose};
use super::engine;
use crate::engine::observe::{Follow, Happened, Line, Part, Said};
use crate::engine::wait::clock;
use crate::engine::{Container, Engine};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::duration_nanos;
use crate::proof::health;
use crate::secret::{Masker, Secret};
use crate::tasks::{Context, hidden};

/// Which part is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub follow: bool,
    /// `10m`, `2h30m`, or a time: `2026-11-21T22:07:14Z`.
    pub since: Option<String>,
    /// So many last lines of each container.
    pub tail: Option<u32>,
}

/// One line, masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// The engine's time.
    pub at: String,
    pub stack: String,
    pub service: String,
    pub container: String,
    pub stderr: bool,
    pub text: String,
}

/// Where one may have missed what happened, one looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_millis(200);

static COLOURS: LazyLock<Regex> = LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;:]*m").expect("a constant"));

/// Whose logs are read, and what is known of each container.
struct Reading<'a> {
    cx: &'a Context<'a>,
    engine: &'a dyn Engine,
    chosen: &'a [Chosen<'a>],
    known: BTreeMap<String, Known>,
    secrets: Vec<Secret>,
    masker: Masker,
}

struct Known {
    stack: String,
    service: String,
    container: String,
}

/// Hands the lines to `show` until the end, until somebody stops, or until `show` wants no more. `names`
/// is told first which services there are.
pub fn logs(
    cx: &Context<'_>,
    words: &[String],
    wanted: &Wanted,
    names: &mut dyn FnMut(&[String]),
    show: &mut dyn FnMut(&LogLine) -> bool,
) -> Result<()> {
    let engine = engine(cx)?;
    let runs = |chosen: &Chosen<'_>| Ok(!health::containers(engine.as_ref(), &chosen.running())?.is_empty());
    let chosen = choose(cx, words, &Unnamed { wanted: &runs, strict: false })?;
    if chosen.is_empty() {
        return Err(Error::refused("read logs").why("no stack here has a container").help("dev-up and prod-up start one"));
    }
    names(&chosen.iter().flat_map(|chosen| chosen.services().to_vec()).collect::<Vec<_>>());
    let now_secs = clock::seconds(&engine.info()?.system_time);
    let since_secs = wanted.since.as_deref().map(|text| since(text, now_secs)).transpose()?;
    // Listens before it looks, so that nothing is started unseen.
    let labels: Vec<String> = chosen.iter().map(|chosen| format!("com.docker.compose.project={}", chosen.project())).collect();
    let mut follow = wanted.follow.then(|| engine.observer().follow(&labels));
    let secrets = hidden::of_project(cx, chosen.iter().map(|chosen| &chosen.model));
    let mut reading =
        Reading { cx, engine: engine.as_ref(), chosen: &chosen, known: BTreeMap::new(), masker: hidden::masker(&secrets), secrets };
    let ids = reading.look()?;
    let part = Part { since_secs, tail: wanted.tail };
    if !reading.history(&ids, part, follow.as_mut(), show) {
        return Ok(());
    }
    match follow {
        Some(follow) => reading.follow(follow, &ids, now_secs, show),
        None => Ok(()),
    }
}

/// In seconds since 1970 on the engine's clock.
fn since(text: &str, now_secs: Option<i64>) -> Result<i64> {
    let ago = || Some(now_secs? - duration_nanos(text).filter(|nanos| *nanos >= 0)? / 1_000_000_000);
    let date = || clock::seconds(&format!("{text}T00:00:00Z"));
    clock::seconds(text).or_else(ago).or_else(date).ok_or_else(|| {
        Error::unusable(format!("read --since {text}"))
            .why("it is neither a duration nor a time")
            .help("write 10m, 2h30m or 2026-11-21T22:07:14Z")
    })
}

impl Reading<'_> {
    /// The containers of the chosen services; learns what new ones were given.
    fn look(&mut self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for chosen in self.chosen {
            for listed in health::containers(self.engine, &chosen.running())? {
                if !self.known.contains_key(&listed.id) {
                    let Some(container) = self.engine.container(&listed.id)? else { continue };
                    if !chosen.named.is_empty() && !chosen.named.iter().any(|name| name == container.service()) {
                        continue;
                    }
                    self.learn(chosen, &container);
                }
                ids.push(listed.id);
            }
        }
        Ok(ids)
    }

    fn learn(&mut self, chosen: &Chosen<'_>, container: &Container) {
        self.secrets.extend(hidden::of_container(container));
        self.masker = hidden::masker(&self.secrets);
        let known = Known { stack: chosen.stack.id.clone(), service: container.service().to_string(), container: container.name.clone() };
        self.known.insert(container.id.clone(), known);
    }

    /// Whether more is wanted.
    fn history(&self, ids: &[String], part: Part, mut follow: Option<&mut Follow>, show: &mut dyn FnMut(&LogLine) -> bool) -> bool {
        let mut history = self.engine.observer().history(ids, part);
        while let Some(said) = history.next(self.cx.cancel) {
            match said {
                Said::Line { id, line } => {
                    if let Some(follow) = follow.as_deref_mut() {
                        follow.shown(&id, &line.at);
                    }
                    if !self.tell(&id, line, show) {
                        return false;
                    }
                }
                Said::Unreadable { id, why } => {
                    let name = self.known.get(&id).map_or(id.as_str(), |known| known.container.as_str());
                    let why = self.masker.mask(&why.to_string()).into_owned();
                    self.cx.events.emit(Event::Warning(format!("the log of {name} is left out: {why}")));
                }
            }
        }
        !self.cx.cancel.requested()
    }

    fn follow(&mut self, mut follow: Follow, ids: &[String], now_secs: Option<i64>, show: &mut dyn FnMut(&LogLine) -> bool) -> Result<()> {
        ids.iter().for_each(|id| follow.add(id, now_secs));
        let mut looked = Instant::now();
        while !self.cx.cancel.requested() {
            let mut look = looked.elapsed() > LOOK_AGAIN;
            for happened in follow.next(PATIENCE) {
                match happened {
                    Happened::Line { id, line } => {
                        if !self.tell(&id, line, show) {
                            return Ok(());
                        }
                    }
                    Happened::Started | Happened::Ended { .. } => look = true,
                }
            }
            if look {
                looked = Instant::now();
                for id in self.look()? {
                    if self.engine.container(&id)?.is_some_and(|container| container.state.status == crate::engine::Status::Running) {
                        follow.add(&id, None);
                    }
                }
            }
        }
        Ok(())
    }

    fn tell(&self, id: &str, line: Line, show: &mut dyn FnMut(&LogLine) -> bool) -> bool {
        let Some(known) = self.known.get(id) else { return true };
        // Colours go first: they could stand within a secret.
        let plain = COLOURS.replace_all(&line.text, "");
        show(&LogLine {
            at: line.at,
            stack: known.stack.clone(),
            service: known.service.clone(),
            container: known.container.clone(),
            stderr: line.stderr,
            text: self.masker.mask(&plain).into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_duration_a_time_or_a_day() {
        let now = Some(1_795_298_834);
        assert_eq!(since("10m", now).unwrap(), 1_795_298_234);
        assert_eq!(since("2026-11-21T22:07:14Z", now).unwrap(), 1_795_298_834);
        assert_eq!(since("1970-01-02", now).unwrap(), 86_400);
        assert!(since("yesterday", now).is_err() && since("-5m", now).is_err());
    }
}
