use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "logging-disabled",
    title: "what a service says is thrown away",
    doc: "With the log driver `none` nothing that a service prints is kept: after a fault or a break-in there is nothing to \
        read. Take `local`, which rotates by itself, or a driver that sends logs elsewhere.",
    category: Category::ServiceDefinitions,
    priority: Priority::P1,
    references: &[
        Reference::Spec("services.logging"),
        Reference::Link("Docker, Configure logging drivers", "https://docs.docker.com/engine/logging/configure/"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.text("logging.driver") == Some("none") {
        found
            .report(
                service.spot("logging.driver"),
                format!("what `{}` says is thrown away", service.name),
                "write `driver: local`, or a driver that sends logs elsewhere",
            )
            .fix(|| {
                Some(service.set("logging.driver", Plain::Str("local".into()))?.caveat("up to 100 MB of logs are kept for each container"))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_it() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: nginx
    logging:
      driver: none
#             ^^^^ what `web` says is thrown away
  api: {image: nginx, logging: {driver: syslog}}
  default: {image: nginx}
",
        );
    }

    #[test]
    fn the_driver_is_replaced() {
        let before = "services:\n  web:\n    image: nginx\n    logging:\n      driver: none # too loud\n";
        assert_fixed(&RULE, before, &before.replace("none", "local"));
    }
}
