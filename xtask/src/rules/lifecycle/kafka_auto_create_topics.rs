use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "kafka-auto-create-topics",
    title: "a broker makes a topic of every name that it hears",
    doc: "With `auto.create.topics.enable`, which is on unless it is switched off, a producer with a misspelt name makes a new \
        topic with the broker's default partitions and replicas, and nobody reads it. Switch it off, and make topics on \
        purpose. A broker that is not configured through its environment is not judged.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Link(
        "Apache Kafka, auto.create.topics.enable",
        "https://kafka.apache.org/documentation/#brokerconfigs_auto.create.topics.enable",
    )],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

/// Bitnami's image puts `CFG` into its names.
const NAMES: [&str; 2] = ["KAFKA_AUTO_CREATE_TOPICS_ENABLE", "KAFKA_CFG_AUTO_CREATE_TOPICS_ENABLE"];

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.kind().is_none_or(|kind| kind.kind != "kafka") {
        return;
    }
    let said = NAMES.into_iter().find_map(|name| Some((name, service.variable(name)?)));
    let message = format!("`{}` makes a topic of every name that it hears", service.name);
    match said {
        Some((_, value)) if value.trim().eq_ignore_ascii_case("false") => {}
        Some((name, _)) => {
            found
                .report(service.entry_spot("environment", name), message, format!("write `{name}: \"false\"`, and make topics on purpose"))
                .fix(|| Some(service.set_variable(name, "false")?.caveat("topics that nobody made do not come to be any more")));
        }
        None if configured(service) => {
            found.report(service.name_spot(), message, "switch auto.create.topics.enable off, and make topics on purpose");
        }
        None => {}
    }
}

/// Whether the environment says how the broker works.
fn configured(service: &Service<'_>) -> bool {
    service.entries("environment").any(|(name, _)| name.starts_with("KAFKA_") && name.contains("LISTENERS"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_brokers_that_make_topics() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: apache/kafka:3.7.0
    environment:
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'true'
#                                      ^^^^^^ `a` makes a topic of every name that it hears
  broker:
# ^^^^^^ `broker` makes a topic of every name that it hears
    image: bitnami/kafka
    environment:
      - KAFKA_CFG_ADVERTISED_LISTENERS=PLAINTEXT://b:9092
  c: {image: apache/kafka, environment: {KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false'}}
  d: {image: apache/kafka, volumes: ['./server.properties:/etc/kafka/server.properties']}
  e: {image: app, environment: {KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'true'}}
",
        );
    }

    #[test]
    fn it_is_switched_off_in_both_forms() {
        let before = "services:\n  a:\n    image: apache/kafka\n    environment:\n      KAFKA_AUTO_CREATE_TOPICS_ENABLE: \"true\" # x\n  b:\n    \
                      image: bitnami/kafka\n    environment:\n      - A=1\n      - KAFKA_CFG_AUTO_CREATE_TOPICS_ENABLE=yes\n";
        assert_fixed(&RULE, before, &before.replace("\"true\"", "\"false\"").replace("yes", "false"));
    }

    #[test]
    fn a_value_of_an_env_file_is_left_alone() {
        let fixture = Fixture::new("services:\n  a:\n    image: apache/kafka\n    env_file: kafka.env\n")
            .file("kafka.env", "KAFKA_AUTO_CREATE_TOPICS_ENABLE=true\n");
        let findings = fixture.findings(&RULE);
        assert!(findings.len() == 1 && findings[0].fix.is_none());
    }
}
