use std::collections::BTreeSet;

use super::limits;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, Subject};
use crate::surroundings::Host;
use crate::yaml::Value;

pub static RULE: Rule = Rule {
    name: "limits-exceed-host",
    title: "the limits together are more than the host has",
    doc: "Limits protect a host only when it can honour all of them at once. Where the memory limits of the services add up to \
        more than its memory, the kernel ends containers although none of them broke its limit; a service with a limit of \
        more CPUs than there are does not start at all. Counts every container of a service, and of the profiles the one that \
        needs most. Looks only when a host is given. The parameters `memory_times` and `cpu_times` say how many times what \
        the host has may be promised.",
    category: Category::ResourceLimits,
    priority: Priority::P2,
    references: &[
        Reference::Spec("deploy.resources"),
        Reference::Link("Docker, Resource constraints", "https://docs.docker.com/engine/containers/resource_constraints/"),
    ],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

const GIB: f64 = 1_073_741_824.0;

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let Some(host) = subject.surroundings.host else { return };
    let times = |parameter| subject.policy.number(RULE.name, parameter).unwrap_or(1.0);
    #[allow(clippy::cast_precision_loss)] // A host's memory is far below the numbers that a float rounds.
    let memory = host.memory_bytes as f64;
    #[allow(clippy::cast_precision_loss)]
    let bytes = most(subject, |service| limits::memory_bytes(service).map(|bytes| bytes as f64));
    if bytes > memory * times("memory_times") {
        let message = format!("the memory limits add up to {:.1} GiB; the host has {:.1} GiB", bytes / GIB, memory / GIB);
        found.report(subject.file_spot("services"), message, "lower limits, or move services to another host").about("memory");
    }
    let cpus = most(subject, limits::cpus);
    if cpus > host.cpus * times("cpu_times") {
        let message = format!("the CPU limits add up to {cpus:.1} CPUs; the host has {:.1}", host.cpus);
        found.report(subject.file_spot("services"), message, "lower limits, or move services to another host").about("cpu");
    }
    subject.services().for_each(|service| too_many_cpus(&service, host, found));
}

/// The engine refuses to start such a container.
fn too_many_cpus(service: &Service<'_>, host: Host, found: &mut Found<'_>) {
    let path = if service.get("cpus").is_some() { "cpus" } else { "deploy.resources.limits.cpus" };
    let asked = service.scalar(path).and_then(|text| text.parse().ok()).filter(|cpus: &f64| *cpus > host.cpus);
    if let Some(asked) = asked {
        let message = format!("`{}` does not start: its limit is {asked} CPUs and the host has {}", service.name, host.cpus);
        found.report(service.spot(path), message, "lower the limit to what the host has").about("start");
    }
}

/// The sum over all services that run whatever the profile, and those of the one profile that adds most.
fn most(subject: &Subject<'_>, limit: impl Fn(&Service<'_>) -> Option<f64>) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let each: Vec<(Vec<&str>, f64)> = subject
        .services()
        .filter_map(|service| Some((profiles(&service), limit(&service)? * limits::containers(&service) as f64)))
        .collect();
    let sum = |counts: &dyn Fn(&[&str]) -> bool| -> f64 { each.iter().filter(|(of, _)| counts(of)).map(|(_, limit)| limit).sum() };
    let names: BTreeSet<&str> = each.iter().flat_map(|(profiles, _)| profiles.iter().copied()).collect();
    let added = names.into_iter().map(|name| sum(&|of| of.contains(&name))).fold(0.0, f64::max);
    sum(&|of| of.is_empty()) + added
}

fn profiles<'a>(service: &Service<'a>) -> Vec<&'a str> {
    service.items("profiles").iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};
    use crate::surroundings::Host;

    fn on_host(text: &str) -> Fixture {
        let mut fixture = Fixture::new(text);
        fixture.surroundings.host = Some(Host { cpus: 4.0, memory_bytes: 8 << 30 });
        fixture
    }

    #[test]
    fn finds_more_than_the_host_has() {
        on_host(
            "
  services:
# ^^^^^^^^ the memory limits add up to 9.0 GiB; the host has 8.0 GiB
# ^^^^^^^^ the CPU limits add up to 8.0 CPUs; the host has 4.0
    web: {image: nginx, deploy: {replicas: 3, resources: {limits: {memory: 1g}}}}
    db:
      image: postgres
      mem_limit: 6g
      cpus: 8
#           ^ `db` does not start: its limit is 8 CPUs and the host has 4
",
        )
        .assert_findings(&RULE);
    }

    #[test]
    fn profiles_do_not_run_all_at_once() {
        let text = "
services:
  web: {image: nginx, mem_limit: 4g, cpus: 2}
  one: {image: nginx, mem_limit: 3g, profiles: [one], cpus: 2}
  two: {image: nginx, mem_limit: 4g, profiles: [two], cpus: 1.5}
";
        on_host(text).assert_findings(&RULE);
        assert_findings(&RULE, &text.replace("4g", "400g"));
    }

    #[test]
    fn more_may_be_promised() {
        on_host("services: {web: {image: nginx, mem_limit: 9g}}\n")
            .policy("rules: {limits-exceed-host: {memory_times: 1.5}}\n")
            .assert_findings(&RULE);
    }
}
