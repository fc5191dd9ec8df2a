//! How long containers may take: a bound from their own healthchecks, along what they depend on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{Container, Healthcheck};

/// For the engine's own work between one container and the next.
const SLACK: Duration = Duration::from_secs(2);
/// A container without a healthcheck has this many times its settling time, so that one restart is
/// forgiven and a loop is seen.
const SETTLES: u32 = 3;

/// The longest that a healthcheck can take to its last verdict.
pub fn of_check(check: &Healthcheck) -> Duration {
    check.start_period + check.timeout + check.retries * (check.interval + check.timeout)
}

/// The budget of each container by its id: its own bound and that of the longest path of what it
/// depends on, as Compose noted it on the container.
pub(super) fn of(containers: &[Container], settle: Duration) -> BTreeMap<String, Duration> {
    let mut own: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for container in containers {
        let bound = container.healthcheck.as_ref().map_or(settle * SETTLES, of_check) + SLACK;
        let longest = own.entry(container.service()).or_default();
        *longest = bound.max(*longest);
        needs.insert(container.service(), depends_on(container));
    }
    let whole = longest_paths(&own, &needs);
    containers.iter().map(|container| (container.id.clone(), whole[container.service()])).collect()
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
}
