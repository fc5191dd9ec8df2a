//! Do the limits fit the machine of the engine: all of it, and what is free of it?

use serde_json::Value;

use super::subject::Subject;
use super::{Told, found};
use crate::audit::Audit;
use crate::error::Result;
use crate::proof::Seen;
use crate::tasks::audit::{free_memory_bytes, this_machine};

const RULES: [&str; 3] = ["limits-exceed-host", "memory-limit", "cpu-limit"];

/// # Errors
/// This machine's figures cannot be read.
pub fn limits(subject: &Subject<'_>, audit: &Audit) -> Result<Told> {
    let help = "`mem_limit` and `cpus` (or `deploy.resources.limits`) say what a service may take; lower them, or take a larger host";
    let mut seen = Seen { wrong: found(subject, audit, &RULES).into_iter().map(|(_, message)| message).collect(), ..Seen::default() };
    let info = match &subject.engine {
        Ok((_, info)) => info,
        Err(why) => {
            seen.not_tried.push(format!("the host is not known: {why}"));
            return Ok(Told::new(seen, help));
        }
    };
    let mib = |bytes: u64| bytes >> 20;
    let all = promised(subject, &|_| true);
    seen.good.push(format!("the memory limits add up to {} of {} MiB", mib(all), mib(info.memory_bytes)));
    // An engine of the same size that is elsewhere is unlikely enough.
    let here = this_machine()?.memory_bytes == info.memory_bytes;
    match free_memory_bytes().filter(|_| here) {
        Some(free) => {
            let runs = |service: &str| {
                let containers = subject.looked.as_ref().map_or(&[][..], |looked| &looked.standing.containers);
                containers.iter().any(|container| container.service() == service && container.is_up())
            };
            let more = promised(subject, &|service| !runs(service));
            let text = format!("what does not run yet may take {} MiB, and {} MiB are free", mib(more), mib(free));
            if more > free { seen.wrong.push(text) } else { seen.good.push(text) }
        }
        None => seen.good.push("what is free there cannot be seen from here".to_string()),
    }
    Ok(Told::new(seen, help))
}

/// The sum of the memory limits of these services' containers, in bytes.
fn promised(subject: &Subject<'_>, counts: &dyn Fn(&str) -> bool) -> u64 {
    subject.services().filter(|(name, _)| counts(name)).map(|(_, service)| memory_bytes(service).saturating_mul(replicas(service))).sum()
}

/// As Compose renders it: a number, or its digits as text.
fn memory_bytes(service: &Value) -> u64 {
    let said = service.get("mem_limit").or_else(|| service.pointer("/deploy/resources/limits/memory"));
    said.and_then(|said| said.as_u64().or_else(|| said.as_str()?.parse().ok())).unwrap_or_default()
}

fn replicas(service: &Value) -> u64 {
    service.get("scale").or_else(|| service.pointer("/deploy/replicas")).and_then(Value::as_u64).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_read_as_compose_prints_them() {
        let under_deploy = json!({"deploy": {"replicas": 3, "resources": {"limits": {"memory": "1048576"}}}});
        assert_eq!((memory_bytes(&under_deploy), replicas(&under_deploy)), (1 << 20, 3));
        assert_eq!((memory_bytes(&json!({"mem_limit": "64"})), replicas(&json!({}))), (64, 1));
        assert_eq!(memory_bytes(&json!({"image": "x"})), 0);
    }
}
