//! What a service says about limits: under its own keys or under `deploy`, which Compose applies as well.

use crate::rules::{Draft, Service};
use crate::yaml::Plain;

/// The memory that one container may have, in bytes; `None`: there is no limit.
pub fn memory_bytes(service: &Service<'_>) -> Option<u64> {
    ["mem_limit", "deploy.resources.limits.memory"]
        .iter()
        .find_map(|path| service.scalar(path)?.parse().ok().filter(|bytes: &u64| *bytes > 0))
}

/// The CPUs that one container may keep busy; `None`: there is no limit.
pub fn cpus(service: &Service<'_>) -> Option<f64> {
    let number = |path: &str| service.scalar(path)?.parse().ok().filter(|number: &f64| *number > 0.0);
    let of_quota = || Some(number("cpu_quota")? / number("cpu_period").unwrap_or(DEFAULT_PERIOD_MICROS));
    number("cpus").or_else(|| number("deploy.resources.limits.cpus")).or_else(of_quota)
}

/// The engine's own period of `cpu_quota`.
const DEFAULT_PERIOD_MICROS: f64 = 100_000.0;

/// The processes that one container may have; `None`: there is no limit.
pub fn pids(service: &Service<'_>) -> Option<i64> {
    ["pids_limit", "deploy.resources.limits.pids"]
        .iter()
        .find_map(|path| service.scalar(path)?.parse().ok().filter(|count: &i64| *count > 0))
}

/// How many containers a service starts.
pub fn containers(service: &Service<'_>) -> u64 {
    ["scale", "deploy.replicas"].iter().find_map(|path| service.scalar(path)?.parse().ok()).unwrap_or(1)
}

/// The limit is written beside those that the service has already: the two forms must not contradict each other.
/// `now` is what the rendered model has then.
pub fn set(service: &Service<'_>, own: &str, under_deploy: &str, value: Plain, now: serde_json::Value) -> Option<Draft> {
    let under_deploy = format!("deploy.resources.limits.{under_deploy}");
    let there = |path: &str| service.get(path).is_some();
    let path = if there(&under_deploy) || (!there(own) && there("deploy.resources.limits")) { &under_deploy } else { own };
    if there(&under_deploy) && there(own) {
        return None;
    }
    Some(service.set(path, value)?.renders(vec![service.change(path, Some(now))]))
}
