//! How long the last health checks of containers took.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Observer;
use crate::engine::wait::clock;

/// One health check as the engine has timed it: from before its program is started in the container to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    pub took: Duration,
    pub passed: bool,
}

impl Observer {
    /// The last checks of each of these containers by its id, as many as the engine keeps (five), oldest first.
    /// Containers without any are left out.
    pub fn probes(&self, ids: &[String]) -> BTreeMap<String, Vec<Probe>> {
        self.each(ids, |client, id| async move {
            let log = client.inspect_container(&id, None).await.ok()?.state?.health?.log?;
            let probe = |checked: &bollard::models::HealthcheckResult| {
                let took = took(checked.start.as_deref()?, checked.end.as_deref()?)?;
                Some(Probe { took, passed: checked.exit_code == Some(0) })
            };
            let probes: Vec<Probe> = log.iter().filter_map(probe).collect();
            (!probes.is_empty()).then_some(probes)
        })
    }
}

fn took(start: &str, end: &str) -> Option<Duration> {
    let passed = nanos(end)?.checked_sub(nanos(start)?)?;
    u64::try_from(passed).ok().map(Duration::from_nanos)
}

/// Since 1970, of `2026-11-21T22:07:14.123456789Z`; a clock counts whole seconds.
fn nanos(text: &str) -> Option<i64> {
    let digits: String = match text.get(19..)?.strip_prefix('.') {
        Some(rest) => rest.chars().take_while(char::is_ascii_digit).take(9).collect(),
        None => String::new(),
    };
    let fraction: i64 = format!("{digits:0<9}").parse().ok()?;
    clock::seconds(text)?.checked_mul(1_000_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_takes_what_lies_between_its_times() {
        let at = |end: &str| took("2026-11-21T22:07:14.950000001Z", end);
        assert_eq!(at("2026-11-21T22:07:15.05Z"), Some(Duration::from_nanos(99_999_999)));
        assert_eq!(at("2026-11-21T23:07:15+01:00"), Some(Duration::from_nanos(49_999_999)));
        assert_eq!((at("2026-11-21T22:07:14Z"), at("0001-01-01T00:00:00Z"), at("")), (None, None, None));
    }
}
