use serde_json::json;

use super::health::{Health, health, is_job, known_command};
use crate::catalogue::{HealthCommand, is_image};
use crate::finding::{Category, FixKind, Priority};
use crate::model::{duration_nanos, duration_text};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "healthcheck-missing",
    title: "nobody notices when a service hangs",
    doc: "A process that runs need not answer. Without a health check the engine calls it well, nothing can wait until it is \
        ready, and a deployment cannot tell a good release from a bad one. Say `healthcheck` with a command that asks the \
        service itself. What ends by itself needs none: `restart: \"no\"`, or awaited with `service_completed_successfully`. \
        Where a health command of the image is known, it is proposed, and holds once the service became healthy with it. \
        The parameter `images` names images that bring a check of their own.",
    category: Category::HealthChecks,
    priority: Priority::P1,
    references: &[Reference::Cis("5.27"), Reference::Cis("4.6"), Reference::Spec("services.healthcheck")],
    fix: FixKind::Prove,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if health(service) != Health::Unsaid || is_job(service) {
        return;
    }
    let bring_one = service.subject.policy.list(RULE.name, "images");
    if service.image().is_some_and(|image| bring_one.iter().any(|known| is_image(image, known))) {
        return;
    }
    let help = match known_command(service) {
        Some(_) => "add `healthcheck` with the image's own health command",
        None => "add `healthcheck` with a command that asks the service itself",
    };
    found
        .report(service.name_spot(), format!("nobody notices when `{}` hangs: it declares no health check", service.name), help)
        .fix(|| draft(service, known_command(service)?));
}

/// A health check as the catalogue knows it.
fn draft(service: &Service<'_>, command: &HealthCommand) -> Option<Draft> {
    let text = |text: &String| Plain::Str(text.clone());
    let entries = vec![
        ("test".to_string(), Plain::Seq(command.test.iter().map(text).collect())),
        ("interval".to_string(), text(&command.interval)),
        ("timeout".to_string(), text(&command.timeout)),
        ("retries".to_string(), Plain::Int(command.retries.into())),
        ("start_period".to_string(), text(&command.start_period)),
    ];
    let rendered = |duration: &String| duration_nanos(duration).map(duration_text);
    let now = json!({
        "test": command.test,
        "interval": rendered(&command.interval)?,
        "timeout": rendered(&command.timeout)?,
        "retries": command.retries,
        "start_period": rendered(&command.start_period)?,
    });
    Some(service.set("healthcheck", Plain::Map(entries))?.renders(vec![service.change("healthcheck", Some(now))]))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_services_that_nobody_asks() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ nobody notices when `web` hangs: it declares no health check
    image: nginx
    depends_on:
      migrate: {condition: service_completed_successfully}
  migrate: {image: app}
  backup: {image: app, restart: 'no'}
  tower: {image: 'containrrr/watchtower:1.7.1'}
  slower: {image: app, healthcheck: {interval: 1m}}
  worker: {image: app, healthcheck: {disable: true}}
  checked: {image: app, healthcheck: {test: curl localhost}}
",
        );
    }

    #[test]
    fn an_overlay_can_say_it() {
        Fixture::new("services: {web: {image: nginx}}\n")
            .overlay("prod.yaml", "services: {web: {healthcheck: {test: curl -f localhost}}}\n")
            .assert_findings(&RULE);
    }

    #[test]
    fn a_dockerfile_can_say_it() {
        let built = |text: &str| Fixture::new("services: {web: {build: .}}\n").file("Dockerfile", text).gathered().findings(&RULE).len();
        assert_eq!(built("FROM node:18\nHEALTHCHECK CMD node check.js\n"), 0);
        assert_eq!((built("FROM node:18\n"), built("FROM node:18\nHEALTHCHECK NONE\n")), (1, 1));
    }

    #[test]
    fn a_known_image_gets_its_command() {
        assert_fixed(
            &RULE,
            "services:\n  mq:\n    image: rabbitmq:3.12\n  db:\n    image: postgres:15\n  own:\n    image: unheard-of\n",
            "services:\n  mq:\n    image: rabbitmq:3.12\n    healthcheck:\n      test:\n        - CMD\n        - rabbitmq-diagnostics\n        \
             - -q\n        - check_running\n      interval: 30s\n      timeout: 20s\n      retries: 5\n      start_period: 60s\n  db:\n    \
             image: postgres:15\n    healthcheck:\n      test:\n        - CMD-SHELL\n        - pg_isready -q -h 127.0.0.1 -U \
             \"$${POSTGRES_USER:-postgres}\"\n      interval: 10s\n      timeout: 5s\n      retries: 5\n      start_period: 30s\n  own:\n    \
             image: unheard-of\n",
        );
    }
}
