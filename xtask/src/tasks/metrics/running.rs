//! The figures of what runs: pure, over what was seen of it.

use super::figure::{Figure, Measure, Part, Target, Unit};
use super::files::percent;
use crate::engine::Health;
use crate::engine::observe::Probe;
use crate::text::counted;

/// One container, or a service that should have one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub stack: String,
    pub service: String,
    /// Empty: it has none.
    pub container: String,
    pub has_check: bool,
    pub health: Option<Health>,
    pub restarts: i64,
    /// Since it was created.
    pub age_secs: Option<u64>,
    pub probes: Vec<Probe>,
}

/// An image that a service runs, or would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sized {
    pub stack: String,
    pub service: String,
    pub production: Option<bool>,
    pub image: String,
    pub id: String,
    pub bytes: u64,
}

pub const HEALTHY: Measure = Measure {
    name: "services-healthy",
    title: "services healthy",
    unit: Unit::Percent,
    target: Some(Target::AtLeast(100.0)),
    how: "services whose containers are all healthy, of the services with a health check in the stacks that run",
};

pub const RESTARTS: Measure = Measure {
    name: "restarts-per-day",
    title: "restarts of a container",
    unit: Unit::PerDay,
    target: Some(Target::Below(1.0)),
    how: "the highest of all containers: what the engine counts (restarts by its policy, from zero at each start by hand) over the \
          container's age, which counts as a day where it is less",
};

pub const PROBES: Measure = Measure {
    name: "health-probe-p95",
    title: "health checks, p95",
    unit: Unit::Millis,
    target: Some(Target::Below(100.0)),
    how: "of the last checks that the engine keeps (five a container) as it timed them: the start of the check's program is in it, so a \
          service answers faster, and a longer time does not tell that it misses the target of response times",
};

pub const IMAGES: Measure = Measure {
    name: "image-bytes",
    title: "images",
    unit: Unit::Bytes,
    target: None,
    how: "the size of every image of a service as the engine tells it, each image once; layers that images share are in each",
};

pub const REDUCTION: Measure = Measure {
    name: "prod-image-reduction",
    title: "production images smaller by",
    unit: Unit::Percent,
    target: Some(Target::AtLeast(50.0)),
    how: "the least of all services of the same name in a dev and a prod stack whose images are both there and are not the same",
};

pub fn healthy(seen: &[Seen]) -> Figure {
    let mut services: Vec<(String, bool)> = Vec::new();
    for one in seen.iter().filter(|one| one.has_check) {
        let (name, healthy) = (format!("{} {}", one.stack, one.service), one.health == Some(Health::Healthy));
        match services.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => *all &= healthy,
            None => services.push((name, healthy)),
        }
    }
    let well = services.iter().filter(|(_, healthy)| *healthy).count();
    let ill = services.iter().filter(|(_, healthy)| !healthy).map(|(name, _)| Part::new(name.as_str(), 0.0));
    match percent(well, services.len()) {
        None => HEALTHY.is_not("no service that runs has a health check"),
        Some(value) => HEALTHY.is(value).of(ill.collect()).adding(&format!("{well} of {}", services.len())),
    }
}

pub fn restarts(seen: &[Seen]) -> Figure {
    const DAY: f64 = 86_400.0;
    let rate = |one: &Seen| Some(one.restarts as f64 / (one.age_secs? as f64 / DAY).max(1.0));
    let rates: Vec<(&Seen, f64)> = seen.iter().filter_map(|one| Some((one, rate(one)?))).collect();
    let Some(highest) = rates.iter().map(|(_, rate)| *rate).reduce(f64::max) else { return RESTARTS.is_not("no container is there") };
    let some = rates.iter().filter(|(_, rate)| *rate > 0.0);
    let parts = some.map(|(one, rate)| Part::new(&one.container, rounded(*rate)).noting(format!("{} in all", one.restarts)));
    RESTARTS.is(rounded(highest)).of(parts.collect()).adding(&counted(rates.len(), "container"))
}

/// By the nearest rank: of fewer than twenty it is the longest.
pub fn probes(seen: &[Seen]) -> Figure {
    let millis = |probe: &Probe| rounded(probe.took.as_secs_f64() * 1000.0);
    let all = || seen.iter().flat_map(|one| &one.probes);
    let Some(p95) = p95(all().map(millis).collect()) else { return PROBES.is_not("the engine has timed no health check") };
    let failed = all().filter(|probe| !probe.passed).count();
    let with_probes = seen.iter().filter(|one| !one.probes.is_empty());
    let parts = with_probes.filter_map(|one| Some(Part::new(&one.container, self::p95(one.probes.iter().map(millis).collect())?)));
    let figure = PROBES.is(p95).of(parts.collect()).adding(&format!("{}, {failed} of them failed", counted(all().count(), "check")));
    // An upper bound of the response time: below the target it tells, above it does not.
    Figure { met: figure.met.filter(|met| *met), ..figure }
}

fn p95(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * 95).div_ceil(100);
    values.get(rank.checked_sub(1)?).copied()
}

/// `missing`: services whose image is not on the engine, or has no name in the files.
pub fn images(sizes: &[Sized], missing: Vec<String>) -> Figure {
    let mut ids: Vec<&str> = Vec::new();
    let mut parts = Vec::new();
    for one in sizes {
        if !ids.contains(&one.id.as_str()) {
            ids.push(&one.id);
            parts.push(Part::new(&one.image, one.bytes as f64));
        }
    }
    if parts.is_empty() {
        return IMAGES.is_not("the engine has none of the stacks' images");
    }
    IMAGES.is(parts.iter().map(|part| part.value).sum()).of(parts).without(missing).adding(&counted(ids.len(), "image"))
}

pub fn reduction(sizes: &[Sized]) -> Figure {
    let mut parts = Vec::new();
    for prod in sizes.iter().filter(|one| one.production == Some(true)) {
        let dev = sizes.iter().find(|one| one.production == Some(false) && one.service == prod.service && one.id != prod.id);
        let Some(dev) = dev.filter(|dev| dev.bytes > 0) else { continue };
        let less = rounded((1.0 - prod.bytes as f64 / dev.bytes as f64) * 100.0);
        let names = format!("{} ({} bytes) beside {} ({} bytes)", prod.image, prod.bytes, dev.image, dev.bytes);
        parts.push(Part::new(format!("{} {}", prod.stack, prod.service), less).noting(names));
    }
    match parts.iter().map(|part| part.value).reduce(f64::min) {
        None => REDUCTION.is_not("no service has an image in a dev stack and another one in a prod stack"),
        Some(least) => REDUCTION.is(least).of(parts),
    }
}

/// To a hundredth.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
