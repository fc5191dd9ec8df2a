//! How long a service is away while a release goes out, by `prod-up` and by what else people use.

mod client;
mod figures;
mod shop;
mod way;

use std::time::Duration;

use serde::Serialize;

use super::inputs::Scratch;
use super::{Target, median};
use crate::cancel::Cancel;
use crate::engine::compose::{self, Found};
use crate::engine::{Docker, Engine};
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Sink};

use client::Client;
use figures::Round;
pub use figures::{Case, case, targets};
use shop::{Shop, Yard};
pub use way::Way;

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often everything is measured; what is told is the median.
    pub rounds: usize,
    /// Between two requests.
    pub every: Duration,
    /// Seconds until the service answers.
    pub start: u64,
    /// `settle` of the deploys, in seconds.
    pub settle: u64,
    pub ways: Vec<Way>,
    pub releases: Vec<Release>,
    /// An nginx of the engine's; none: the newest that it has.
    pub image: Option<String>,
    /// Where published ports answer.
    pub host: String,
}

/// What a release does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    Good,
    /// Ends while it starts.
    Crash,
    /// Answers 503, also to its healthcheck.
    Ill,
    /// The same, but only after it was healthy for three seconds.
    Later,
}

impl Release {
    pub const ALL: [Release; 4] = [Release::Good, Release::Crash, Release::Ill, Release::Later];
    /// The tag of what runs before.
    pub const FIRST: &'static str = "v1";

    pub fn name(self) -> &'static str {
        match self {
            Release::Good => "good",
            Release::Crash => "crash",
            Release::Ill => "ill",
            Release::Later => "later",
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Release::Good => "v2",
            Release::Crash => "bad-crash",
            Release::Ill => "bad-ill",
            Release::Later => "bad-later",
        }
    }
}

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Downtime {
    pub version: &'static str,
    pub cores: usize,
    pub engine: String,
    pub compose: String,
    pub image: String,
    pub rounds: usize,
    pub every_ms: u64,
    pub start_seconds: u64,
    pub settle_seconds: u64,
    /// From the start of the service until the engine calls it healthy.
    pub health_path_seconds: f64,
    pub cases: Vec<Case>,
    pub targets: Vec<Target>,
}

/// Requests before and after the release goes out, so that what comes late is seen.
const BEFORE: Duration = Duration::from_millis(500);
const AFTER: Duration = Duration::from_secs(2);
/// One that becomes ill later is watched until it is.
const AFTER_LATER: Duration = Duration::from_secs(8);
const NGINX: &str = "nginx:";

/// Deploys a stack of its own again and again, and takes it away again.
///
/// # Errors
/// No engine answers, or it has no nginx (`Unusable`); the stack cannot be started (`Failed`); `Interrupted`.
pub fn deploy(options: &Options, events: &dyn Sink, cancel: &Cancel) -> Result<Downtime> {
    let engine = Docker::connect()?;
    let info = engine.info()?;
    let compose = compose::find(cancel).and_then(Found::usable)?;
    let (name, image) = image(&engine, options.image.as_deref())?;
    let scratch = Scratch::new()?;
    let yard = Yard { engine: &engine, compose: &compose, options, scratch: &scratch, cancel, image };
    let cases = wanted(options);
    let mut rounds: Vec<Vec<Round>> = cases.iter().map(|_| Vec::new()).collect();
    let (mut paths, mut number) = (Vec::new(), 0);
    for round in 1..=options.rounds {
        for ((way, release, rehearse), measured) in cases.iter().zip(&mut rounds) {
            let rehearsal = if way.is_ours() && !rehearse { ", without rehearsal" } else { "" };
            events.emit(Event::Note(format!(
                "round {round} of {}: {} release by {}{rehearsal}",
                options.rounds,
                release.name(),
                way.name()
            )));
            number += 1;
            let shop = Shop::open(&yard, number, way.strategy())?;
            if paths.len() < round {
                paths.push(shop.health_path()?.as_secs_f64());
                shop.until_answered()?;
            }
            measured.push(once(&shop, *way, *release, *rehearse)?);
        }
    }
    let health_path_seconds = median(&paths);
    let cases: Vec<Case> =
        cases.iter().zip(&rounds).map(|((way, release, rehearse), rounds)| case(*way, *release, *rehearse, rounds)).collect();
    Ok(Downtime {
        version: env!("CARGO_PKG_VERSION"),
        cores: super::cores(),
        engine: info.version,
        compose: compose.version.to_string(),
        image: name,
        rounds: options.rounds,
        every_ms: u64::try_from(options.every.as_millis()).unwrap_or_default(),
        start_seconds: options.start,
        settle_seconds: options.settle,
        health_path_seconds,
        targets: targets(&cases, health_path_seconds, options.settle),
        cases,
    })
}

/// Every way with every release; ours with and without a rehearsal.
fn wanted(options: &Options) -> Vec<(Way, Release, bool)> {
    let mut cases = Vec::new();
    for way in Way::ALL.into_iter().filter(|way| options.ways.contains(way)) {
        for release in Release::ALL.into_iter().filter(|release| options.releases.contains(release)) {
            cases.push((way, release, way.is_ours()));
            if way.is_ours() {
                cases.push((way, release, false));
            }
        }
    }
    cases
}

fn once(shop: &Shop<'_>, way: Way, release: Release, rehearse: bool) -> Result<Round> {
    let client = Client::start(shop.address, shop.yard.options.every);
    std::thread::sleep(BEFORE);
    let began = std::time::Instant::now();
    let went = way.go(shop, release, rehearse)?;
    let took = began.elapsed();
    let until = std::time::Instant::now() + if release == Release::Later { AFTER_LATER } else { AFTER };
    while std::time::Instant::now() < until {
        if shop.yard.cancel.requested() {
            return Err(Error::new(Kind::Interrupted, "measure a deploy").why("interrupted"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(Round { seen: client.stop(), took, went })
}

/// Its name and its id.
fn image(engine: &dyn Engine, named: Option<&str>) -> Result<(String, String)> {
    let help = "`docker pull nginx` fetches one; --image names another that has nginx, a shell, and curl or wget";
    if let Some(name) = named {
        let missing = || Error::unusable(format!("take the image {name}")).why("the engine does not have it").help(help);
        return engine.image(name)?.map(|image| (name.to_string(), image.id)).ok_or_else(missing);
    }
    let tags = engine.images(NGINX)?.into_iter().flat_map(|image| {
        let id = image.id;
        image.tags.into_iter().filter(|tag| tag.starts_with(NGINX)).map(move |tag| (tag, id.clone()))
    });
    tags.max().ok_or_else(|| Error::unusable("find an image with nginx").why("the engine has none").help(help))
}
