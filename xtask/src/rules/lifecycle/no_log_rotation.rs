use serde_json::json;

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "no-log-rotation",
    title: "logs grow until the disk is full",
    doc: "The engine's own log driver, `json-file`, keeps everything that a container ever printed, and one day the disk of the \
        host is full. Say `max-size`, and `max-file` for how many such files are kept; or take `local`, which rotates by \
        itself. A host can be set up otherwise for all containers, but a compose file cannot know. The parameters `max_size` \
        and `max_file` are what a fix writes.",
    category: Category::ServiceDefinitions,
    priority: Priority::P1,
    references: &[
        Reference::Spec("services.logging"),
        Reference::Link("Docker, JSON File logging driver", "https://docs.docker.com/engine/logging/drivers/json-file/"),
    ],
    fix: FixKind::Apply,
    check: Check::Service(check),
};

const DRIVER: &str = "json-file";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let rotates = service.scalar("logging.options.max-size").is_some_and(|size| !matches!(size.as_str(), "" | "-1"));
    let other = service.text("logging.driver").is_some_and(|driver| driver != DRIVER);
    if rotates || other || service.get("provider").is_some() {
        return;
    }
    found
        .report(
            service.spot("logging"),
            format!("the log of `{}` grows until the disk is full", service.name),
            "add `max-size` and `max-file` under `logging.options`",
        )
        .fix(|| draft(service));
}

/// Options that the host's own choice of a driver may not know are not added.
fn draft(service: &Service<'_>) -> Option<Draft> {
    let word = |parameter| service.subject.policy.word(RULE.name, parameter);
    let (size, files) = (word("max_size")?, word("max_file")?);
    let now = json!({"max-size": size, "max-file": files});
    let text = |key: &str, value: String| (key.to_string(), Plain::Str(value));
    let options = Plain::Map(vec![text("max-size", size), text("max-file", files)]);
    let draft = match (service.get("logging"), service.get("logging.options")) {
        (None, _) => {
            let logging = Plain::Map(vec![text("driver", DRIVER.into()), ("options".into(), options)]);
            let change = service.change("logging", Some(json!({"driver": DRIVER, "options": now})));
            service.set("logging", logging)?.renders(vec![change])
        }
        (Some(_), None) if service.text("logging.driver") == Some(DRIVER) => service.set("logging.options", options)?,
        _ => return None,
    };
    Some(draft.caveat("older lines are lost, and logs go to files whatever driver the host prefers"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_logs_without_end() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ the log of `web` grows until the disk is full
    image: nginx
  api:
    image: nginx
    logging:
#   ^^^^^^^ the log of `api` grows until the disk is full
      driver: json-file
      options: {tag: api}
  unlimited:
    image: nginx
    logging:
#   ^^^^^^^ the log of `unlimited` grows until the disk is full
      options: {max-size: '-1'}
  sized: {image: nginx, logging: {options: {max-size: 5m}}}
  local: {image: nginx, logging: {driver: local}}
  sent: {image: nginx, logging: {driver: journald}}
  off: {image: nginx, logging: {driver: none}}
",
        );
    }

    #[test]
    fn rotation_is_added_where_that_is_clear() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: nginx\n  api:\n    image: nginx\n    logging:\n      driver: json-file\n  other:\n    image: \
             nginx\n    logging:\n      options:\n        tag: api\n",
            "services:\n  web:\n    image: nginx\n    logging:\n      driver: json-file\n      options:\n        max-size: 10m\n        \
             max-file: '3'\n  api:\n    image: nginx\n    logging:\n      driver: json-file\n      options:\n        max-size: 10m\n        \
             max-file: '3'\n  other:\n    image: nginx\n    logging:\n      options:\n        tag: api\n",
        );
    }
}
