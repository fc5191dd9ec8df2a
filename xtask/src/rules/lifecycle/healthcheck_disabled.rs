use super::health::{Health, health, is_job};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "healthcheck-disabled",
    title: "a health check is switched off",
    doc: "`disable: true` and `test: [NONE]` switch off what the image itself brings. That is right for a job, and for a worker \
        that shares an image with a web server; the worker then deserves a check of its own.",
    category: Category::HealthChecks,
    priority: Priority::P2,
    references: &[Reference::Cis("5.27"), Reference::Spec("services.healthcheck")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if health(service) != Health::Disabled || is_job(service) {
        return;
    }
    let path = if service.flag("healthcheck.disable") { "healthcheck.disable" } else { "healthcheck.test" };
    found
        .report(
            service.spot(path),
            format!("the health check of `{}` is switched off", service.name),
            "write a `test` that suits the service, or remove `healthcheck` if its image brings one",
        )
        .fix(|| Some(service.remove("healthcheck")?.caveat("the check that the image brings must suit this service")));
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_both_forms() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: nginx
    healthcheck:
      disable: true
#              ^^^^ the health check of `web` is switched off
  api:
    image: nginx
    healthcheck:
      test: [NONE]
#     ^^^^ the health check of `api` is switched off
  job: {image: nginx, restart: 'no', healthcheck: {disable: true}}
  good: {image: nginx, healthcheck: {test: [CMD, 'true'], disable: false}}
",
        );
    }

    #[test]
    fn the_switch_goes() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: nginx\n    healthcheck:\n      disable: true\n    init: true\n",
            "services:\n  web:\n    image: nginx\n    init: true\n",
        );
    }
}
