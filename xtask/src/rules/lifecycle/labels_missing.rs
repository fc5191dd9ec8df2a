use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "labels-missing",
    title: "a container does not say what it is part of",
    doc: "Labels tell who runs a container, which version it is, and whom to ask: for people, for monitoring, and for what \
        collects logs. The parameter `labels` lists the keys that every service must have; while it is empty, a service \
        without any label is reported.",
    category: Category::ServiceDefinitions,
    priority: Priority::P1,
    references: &[
        Reference::Spec("services.labels"),
        Reference::Link("Docker, Object labels", "https://docs.docker.com/engine/manage-resources/labels/"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let wanted = service.subject.policy.list(RULE.name, "labels");
    let has = |key: &String| service.entries("labels").any(|(label, _)| label == key);
    let missing: Vec<String> = wanted.iter().filter(|key| !has(key)).map(|key| format!("`{key}`")).collect();
    let none = wanted.is_empty() && service.get("labels").is_none();
    if service.get("provider").is_some() || (missing.is_empty() && !none) {
        return;
    }
    let (message, help) = match missing.is_empty() {
        true => (format!("`{}` has no labels that say what it is part of", service.name), "add `labels`".to_string()),
        false => (format!("`{}` lacks the labels {}", service.name, missing.join(", ")), "add them to `labels`".to_string()),
    };
    found.report(service.spot("labels"), message, help);
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_services_without_any() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ `web` has no labels that say what it is part of
    image: nginx
    deploy: {labels: {a: b}}
  api: {image: nginx, labels: [com.example.team=web]}
  db: {image: nginx, labels: {team: web}}
",
        );
    }

    #[test]
    fn a_policy_lists_what_is_wanted() {
        Fixture::new(
            "
services:
  web:
    image: nginx
    labels: [team=web]
#   ^^^^^^ `web` lacks the labels `tier`, `owner`
  api: {image: nginx, labels: {team: web, tier: 1, owner: ''}}
",
        )
        .policy("rules: {labels-missing: {labels: [team, tier, owner]}}\n")
        .assert_findings(&RULE);
    }
}
