use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "restart-unbounded",
    title: "a service that keeps failing is started again without end",
    doc: "`on-failure` without a number starts a service again for as long as it fails, and nobody learns of it. CIS asks for \
        `on-failure:5`. The engine waits a tenth of a second before the first try and twice as long before each next one: \
        five tries are over in about three seconds, so what waits for a slow neighbour needs `depends_on` with \
        `service_healthy`, or a larger number. `always` and `unless-stopped` are not reported: they are what brings a server \
        back after its host was restarted.",
    category: Category::ServiceDefinitions,
    priority: Priority::P2,
    references: &[Reference::Cis("5.15"), Reference::Spec("services.restart")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

const CAVEAT: &str = "after five failures in a row the service stays down";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let message = || format!("`{}` is started again without end when it keeps failing", service.name);
    if let Some(policy) = service.text("restart") {
        // The engine takes 0 for no limit.
        if matches!(policy, "on-failure" | "on-failure:0") {
            found
                .report(service.spot("restart"), message(), "write `on-failure:5`")
                .fix(|| Some(service.set("restart", Plain::Str("on-failure:5".into()))?.caveat(CAVEAT)));
        }
        return;
    }
    let policy = "deploy.restart_policy";
    if service.text(&format!("{policy}.condition")) == Some("on-failure") && service.get(&format!("{policy}.max_attempts")).is_none() {
        found
            .report(service.spot(&format!("{policy}.condition")), message(), "add `max_attempts: 5`")
            .fix(|| Some(service.set(&format!("{policy}.max_attempts"), Plain::Int(5))?.caveat(CAVEAT)));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_on_failure_without_a_number() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: nginx
    restart: on-failure
#            ^^^^^^^^^^ `web` is started again without end when it keeps failing
  api:
    image: nginx
    deploy:
      restart_policy:
        condition: on-failure
#                  ^^^^^^^^^^ `api` is started again without end when it keeps failing
        delay: 5s
  five: {image: nginx, restart: 'on-failure:5'}
  tries: {image: nginx, deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}}
  server: {image: nginx, restart: always}
  job: {image: nginx, restart: 'no'}
",
        );
    }

    #[test]
    fn the_number_is_added() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: nginx\n    restart: on-failure # crashes\n  api:\n    image: nginx\n    deploy:\n      \
             restart_policy:\n        condition: on-failure\n",
            "services:\n  web:\n    image: nginx\n    restart: on-failure:5 # crashes\n  api:\n    image: nginx\n    deploy:\n      \
             restart_policy:\n        condition: on-failure\n        max_attempts: 5\n",
        );
    }
}
