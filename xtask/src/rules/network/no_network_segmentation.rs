use std::collections::BTreeSet;

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, Subject};

pub static RULE: Rule = Rule {
    name: "no-network-segmentation",
    title: "every service reaches every other",
    doc: "On one network whoever gets into one container reaches all of them, the database first. Give a stack several: one \
        for what takes requests from outside, one for the services behind it, and one with `internal: true` for what keeps \
        data; a service joins those that it needs. Reported once for a stack of three services or more (parameter \
        `services`) of which one keeps data.",
    category: Category::NetworkIsolation,
    priority: Priority::P0,
    references: &[Reference::Cis("5.30"), Reference::Owasp(5), Reference::Spec("networks")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let services: Vec<Service<'_>> = subject.services().filter(|service| service.get("networks").is_some()).collect();
    let least = subject.policy.number(RULE.name, "services").unwrap_or(3.0);
    #[allow(clippy::cast_precision_loss, reason = "a stack has few services")]
    let is_small = (services.len() as f64) < least;
    if is_small || !services.iter().any(Service::is_store) {
        return;
    }
    let of = |service: &Service<'_>| service.entries("networks").map(|(name, _)| name.to_string()).collect::<BTreeSet<_>>();
    let all: BTreeSet<String> = services.iter().flat_map(of).collect();
    let [network] = all.iter().map(String::as_str).collect::<Vec<_>>()[..] else { return };
    let count = services.len();
    let message = match network {
        "default" => format!("all {count} services share the default network: whoever gets into one reaches every other"),
        name => format!("all {count} services share the network `{name}`: whoever gets into one reaches every other"),
    };
    found.report(
        subject.file_spot("networks"),
        message,
        "give them several networks, one with `internal: true` for what keeps data, and let each join those that it needs",
    );
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_stacks_on_the_default_network() {
        let found = Fixture::new("services:\n  web: {image: nginx}\n  api: {build: .}\n  db: {image: postgres}\n").findings(&RULE);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "all 3 services share the default network: whoever gets into one reaches every other");
        assert_eq!((found[0].span.start, found[0].span.end), (0, 8), "points at the first key of the file");
    }

    #[test]
    fn one_named_network_is_no_better() {
        let found = Fixture::new("services:\n  web: {image: nginx, networks: [all]}\n  api: {build: ., networks: [all]}\n  db: {image: redis, networks: [all]}\nnetworks: {all: }\n").findings(&RULE);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "all 3 services share the network `all`: whoever gets into one reaches every other");
        assert_eq!((found[0].place.as_str(), found[0].service.as_deref()), ("networks", None));
    }

    #[test]
    fn small_stacks_and_those_that_are_divided_are_clean() {
        assert_findings(&RULE, "services:\n  web: {image: nginx}\n  db: {image: postgres}\n");
        assert_findings(&RULE, "services:\n  a: {image: nginx}\n  b: {build: .}\n  c: {image: x}\n");
        assert_findings(
            &RULE,
            "services:\n  a: {image: nginx}\n  b: {build: ., networks: [default, data]}\n  c: {image: postgres, networks: [data]}\nnetworks: {data: }\n",
        );
        assert_findings(&RULE, "services:\n  a: {image: nginx}\n  b: {build: .}\n  c: {image: redis, network_mode: 'service:b'}\n");
    }

    #[test]
    fn the_policy_says_what_is_small() {
        let text = "services:\n  a: {image: nginx}\n  c: {image: postgres}\n";
        assert_eq!(Fixture::new(text).policy("rules: {no-network-segmentation: {services: 2}}").findings(&RULE).len(), 1);
    }
}
