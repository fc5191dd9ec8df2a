//! How long containers may take: a bound from their own healthchecks, along what they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::engine::{Container, Healthcheck, Status};

/// For the engine's own work between one container and the next.
const SLACK: Duration = Duration::from_secs(2);
/// A container without a healthcheck has this many times its settling time, so that one restart is
/// forgiven and a loop is seen.
const SETTLES: u32 = 3;

/// The longest that a healthcheck can take to its last verdict.
pub fn of_check(check: &Healthcheck) -> Duration {
    check.start_period + check.timeout + check.retries * (check.interval + check.timeout)
}

/// How long each service may take, and since when its time counts: what it needs has time of its own, but
/// once that is well nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Budgets {
    own: BTreeMap<String, Duration>,
    /// With the longest path of what it depends on, as Compose noted it on the containers.
    whole: BTreeMap<String, Duration>,
    needs: BTreeMap<String, Vec<String>>,
    began: Instant,
    /// When a service was seen started and all that it needs well.
    since: BTreeMap<String, Instant>,
}

impl Budgets {
    pub fn of(containers: &[Container], settle: Duration, began: Instant) -> Self {
        let mut own: BTreeMap<&str, Duration> = BTreeMap::new();
        let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for container in containers {
            let bound = container.healthcheck.as_ref().map_or(settle * SETTLES, of_check) + SLACK;
            let longest = own.entry(container.service()).or_default();
            *longest = bound.max(*longest);
            needs.insert(container.service(), depends_on(container));
        }
        let whole = longest_paths(&own, &needs);
        let needs = needs.into_iter().map(|(service, needs)| (service.into(), needs.into_iter().map(String::from).collect())).collect();
        let own = own.into_iter().map(|(service, bound)| (service.into(), bound)).collect();
        Budgets { own, whole, needs, began, since: BTreeMap::new() }
    }

    /// `well`: the services of which every container is well now.
    pub fn look(&mut self, containers: &[Container], well: &BTreeSet<&str>, now: Instant) {
        for (service, needs) in &self.needs {
            let started = containers.iter().filter(|one| one.service() == service).all(|one| one.state.status != Status::Created);
            let waits = needs.iter().any(|need| self.own.contains_key(need) && !well.contains(need.as_str()));
            if started && !waits {
                self.since.entry(service.clone()).or_insert(now);
            }
        }
    }

    /// The time that a service had, once that is all that it may have.
    pub fn over(&self, service: &str, now: Instant) -> Option<Duration> {
        let (since, bound) = match self.since.get(service) {
            Some(since) => (*since, self.own.get(service)),
            None => (self.began, self.whole.get(service)),
        };
        bound.copied().filter(|bound| now.saturating_duration_since(since) > *bound)
    }

    /// Whether it had so much time with all that it needs. What was well from the first look on may have been
    /// so for long.
    pub fn had(&self, service: &str, time: Duration, now: Instant) -> bool {
        self.since.get(service).is_some_and(|since| *since == self.began || now.saturating_duration_since(*since) >= time)
    }
}

/// Sums along the longest path, for every name. What is named but not there, and a circle, add nothing.
pub fn longest_paths<'n>(own: &BTreeMap<&'n str, Duration>, needs: &BTreeMap<&'n str, Vec<&'n str>>) -> BTreeMap<String, Duration> {
    let mut known = BTreeMap::new();
    for name in own.keys() {
        path(name, own, needs, &mut Vec::new(), &mut known);
    }
    known
}

fn path<'n>(
    name: &'n str,
    own: &BTreeMap<&'n str, Duration>,
    needs: &BTreeMap<&'n str, Vec<&'n str>>,
    above: &mut Vec<&'n str>,
    known: &mut BTreeMap<String, Duration>,
) -> Duration {
    if let Some(sum) = known.get(name) {
        return *sum;
    }
    let Some(alone) = own.get(name).filter(|_| !above.contains(&name)) else { return Duration::ZERO };
    above.push(name);
    let below = needs.get(name).into_iter().flatten().map(|need| path(need, own, needs, above, known)).max();
    above.pop();
    let sum = *alone + below.unwrap_or_default();
    known.insert(name.to_string(), sum);
    sum
}

/// Reads `db:service_healthy:false,cache:service_started:true`.
fn depends_on(container: &Container) -> Vec<&str> {
    let label = container.labels.get("com.docker.compose.depends_on").map_or("", String::as_str);
    label.split(',').filter_map(|entry| entry.split(':').next()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_check_is_bounded_by_its_own_numbers() {
        let check = Healthcheck { interval: s(2), timeout: s(2), start_period: s(0), retries: 3 };
        assert_eq!(of_check(&check), s(14));
    }

    #[test]
    fn the_longest_path_counts_and_a_circle_ends() {
        let own = BTreeMap::from([("db", s(10)), ("cache", s(1)), ("api", s(5)), ("web", s(2))]);
        let needs = BTreeMap::from([("api", vec!["db", "cache"]), ("web", vec!["api", "cache", "elsewhere"])]);
        let sums = longest_paths(&own, &needs);
        assert_eq!((sums["db"], sums["api"], sums["web"]), (s(10), s(15), s(17)));
        let needs = BTreeMap::from([("api", vec!["web"]), ("web", vec!["api"])]);
        assert_eq!(longest_paths(&own, &needs)["api"], s(7));
    }

    #[test]
    fn a_service_has_its_own_time_once_what_it_needs_is_well() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let began = Instant::now();
        let of = || Budgets {
            own: BTreeMap::from([("db".into(), s(60)), ("api".into(), s(10))]),
            whole: BTreeMap::from([("db".into(), s(60)), ("api".into(), s(70))]),
            needs: BTreeMap::from([("db".into(), Vec::new()), ("api".into(), names(&["db", "elsewhere"]))]),
            began,
            since: BTreeMap::new(),
        };
        let mut budgets = of();
        budgets.look(&[], &BTreeSet::new(), began);
        assert_eq!((budgets.over("api", began + s(69)), budgets.over("api", began + s(71))), (None, Some(s(70))), "db has its time");
        budgets.look(&[], &BTreeSet::from(["db"]), began + s(5));
        budgets.look(&[], &BTreeSet::new(), began + s(6));
        assert_eq!((budgets.over("api", began + s(14)), budgets.over("api", began + s(16))), (None, Some(s(10))));
        assert!(!budgets.had("api", s(8), began + s(12)) && budgets.had("api", s(8), began + s(13)));

        let mut budgets = of();
        budgets.look(&[], &BTreeSet::from(["db"]), began);
        assert_eq!(budgets.over("api", began + s(11)), Some(s(10)));
        assert!(budgets.had("api", s(8), began + s(1)), "db may have been well for long");
    }
}
