use crate::catalogue::{Category as Kind, server_kind};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "watchtower-in-prod",
    title: "containers are updated without anybody's doing",
    doc: "An updater replaces running containers as soon as a registry has something new under their tag: without a test, \
        without a plan, with no way back, and with the engine's socket in its hands. In production deploy on purpose. One that \
        only tells of updates is not reported.",
    category: Category::ServiceDefinitions,
    priority: Priority::P2,
    references: &[Reference::Link("Watchtower, Arguments", "https://containrrr.dev/watchtower/arguments/"), Reference::Cis("5.32")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let updates = service.image().and_then(server_kind).is_some_and(|kind| kind.category == Kind::Updater);
    if updates && !only_tells(service) {
        found.report(
            service.spot("image"),
            format!("`{}` replaces running containers without anybody's doing", service.name),
            "deploy new versions on purpose, or let it only tell of them",
        );
    }
}

fn only_tells(service: &Service<'_>) -> bool {
    let set = service.variable("WATCHTOWER_MONITOR_ONLY").is_some_and(|value| matches!(value, "true" | "True" | "TRUE" | "1"));
    set || service.words("command").iter().any(|word| matches!(*word, "--monitor-only" | "--monitor-only=true" | "-m"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_what_updates() {
        assert_findings(
            &RULE,
            "
services:
  updates:
    image: containrrr/watchtower
#          ^^^^^^^^^^^^^^^^^^^^^ `updates` replaces running containers without anybody's doing
    command: --interval 30
  tells: {image: 'containrrr/watchtower:1.7.1', environment: {WATCHTOWER_MONITOR_ONLY: 'true'}}
  told: {image: 'ghcr.io/containrrr/watchtower', command: --monitor-only --cleanup}
  tower: {image: app/watchtower-exporter}
",
        );
    }
}
