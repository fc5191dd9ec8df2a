//! A healthcheck that is as patient as the live one and asks more often.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::Healthcheck;
use crate::engine::wait::budget;

/// One that may need what is not rehearsed proves nothing by being ill, so minutes would be wasted.
const LEANING_OUT: Duration = Duration::from_secs(30);

/// The live bound becomes the period in which failures do not count, asked every second; after it
/// three failures are the verdict. So a service is healthy a second after it can be, and has all the
/// time that it has in production. (`start_interval` would do the same, on engine 25 and later only.)
pub(super) fn rewrite(check: Option<&Value>, inherited: Option<&Healthcheck>, leans_out: bool) -> Option<Value> {
    let check = check.filter(|check| !check.is_null());
    if check.is_some_and(is_off) {
        return check.cloned();
    }
    let bound = bound(check, inherited)?.min(if leans_out { LEANING_OUT } else { Duration::MAX });
    let mut rewritten = json!({
        "interval": "1s",
        "retries": 3,
        "start_period": format!("{}s", bound.as_secs().max(1)),
        "timeout": format!("{}ms", timeout(check, inherited).as_millis()),
    });
    if let Some(test) = check.and_then(|check| check.get("test")) {
        rewritten["test"] = test.clone();
    }
    Some(rewritten)
}

/// How long the check may take to its last verdict in production; `None` without a check.
pub fn bound(check: Option<&Value>, inherited: Option<&Healthcheck>) -> Option<Duration> {
    let check = check.filter(|check| !check.is_null());
    let has_test = check.is_some_and(|check| check.get("test").is_some());
    if check.is_some_and(is_off) || (!has_test && inherited.is_none()) {
        return None;
    }
    let said = |key: &str| check.and_then(|check| duration(check.get(key)?.as_str()?));
    let retries = check.and_then(|check| check.get("retries")?.as_u64()).and_then(|count| u32::try_from(count).ok());
    let default = Duration::from_secs(30);
    Some(budget::of_check(&Healthcheck {
        interval: said("interval").or(inherited.map(|check| check.interval)).unwrap_or(default),
        timeout: timeout(check, inherited),
        start_period: said("start_period").or(inherited.map(|check| check.start_period)).unwrap_or_default(),
        retries: retries.or(inherited.map(|check| check.retries)).unwrap_or(3),
    }))
}

fn timeout(check: Option<&Value>, inherited: Option<&Healthcheck>) -> Duration {
    let said = check.and_then(|check| duration(check.get("timeout")?.as_str()?));
    said.or(inherited.map(|check| check.timeout)).unwrap_or(Duration::from_secs(30))
}

fn is_off(check: &Value) -> bool {
    let none = check.pointer("/test/0").and_then(Value::as_str) == Some("NONE");
    none || check.get("disable") == Some(&Value::Bool(true))
}

/// Reads a duration as Compose renders it: `1m30s`, `500ms`, `1h0m0s`. Zero is what was not said.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        sum += number
            * match &rest[digits..unit_end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Duration::try_from_secs_f64(sum).ok().filter(|sum| !sum.is_zero())
}
