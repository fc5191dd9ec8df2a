use crate::catalogue::AuthOffAt;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "auth-disabled",
    title: "a server lets in whoever reaches it",
    doc: "A setting switches the server's authentication off: `POSTGRES_HOST_AUTH_METHOD: trust`, \
        `ALLOW_EMPTY_PASSWORD`, `xpack.security.enabled: false`, a plaintext listener. Every container on its networks, and \
        every machine that reaches a published port, then reads and writes its data. Leave the setting out and give the \
        server a password.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Link(
        "CWE-306: missing authentication for a critical function",
        "https://cwe.mitre.org/data/definitions/306.html",
    )],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(kind) = service.kind() else { return };
    let environment = service.entries("environment").filter_map(|(name, value)| Some((name, value.as_str()?)));
    let mut said: Vec<&str> = Vec::new();
    for at in kind.auth_off(environment, &[""; 0]) {
        let AuthOffAt::Variable { name, effect } = at else { continue };
        // Listeners and the protocols behind their names are one setting.
        if said.contains(&effect) || (!said.is_empty() && name.ends_with("_PROTOCOL_MAP")) {
            continue;
        }
        said.push(effect);
        // What stands in an env file is not shown with its line.
        let shown = is_in_compose(service, name);
        let spot = if shown { service.entry_spot("environment", name) } else { service.name_spot() };
        found
            .report(
                spot,
                format!("`{}` has `{name}` set so that {effect}", service.name),
                format!("change `{name}`, and give the server a password"),
            )
            .about(name)
            .fix(|| {
                let is_switch = service.variable(name).is_some_and(|value| !value.contains([':', '/', ',', ' ']));
                let draft = service.remove(&format!("environment.{name}")).filter(|_| shown && is_switch)?;
                Some(
                    draft
                        .caveat("clients that come without a login are refused; a server that has data may need its accounts set up first"),
                )
            });
    }
    for key in ["command", "entrypoint"] {
        let words = service.words(key);
        for at in kind.auth_off(std::iter::empty(), &words) {
            let AuthOffAt::Argument { argument, effect } = at else { continue };
            let message = format!("`{}` is called with `{argument}`: {effect}", service.name);
            found.report(service.spot(key), message, format!("leave `{argument}` out, and set a password")).about(argument);
        }
    }
}

fn is_in_compose(service: &Service<'_>, name: &str) -> bool {
    let value = service.get("environment").and_then(|environment| environment.get(name));
    value.is_some_and(|value| service.subject.is_in_compose(value.at))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_what_lets_anybody_in() {
        assert_findings(
            &RULE,
            "
services:
  db:
    image: postgres:15
    environment:
      POSTGRES_HOST_AUTH_METHOD: trust
#                                ^^^^^ `db` has `POSTGRES_HOST_AUTH_METHOD` set so that every client on the network logs in without a password
  search:
    image: elasticsearch:8.11.0
    environment:
      - xpack.security.enabled=false
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `search` has `xpack.security.enabled` set so that every client reads and writes without a login
  cache:
    image: redis:7
    command: [redis-server, --protected-mode, 'no']
#   ^^^^^^^ `cache` is called with `--protected-mode no`: clients of other hosts are served although no password is set
  plain:
    image: apache/kafka:3.8.0
    environment:
      KAFKA_LISTENERS: PLAINTEXT://:9092
#                      ^^^^^^^^^^^^^^^^^ `plain` has `KAFKA_LISTENERS` set so that every client reads and writes without a login or encryption
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://plain:9092
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: PLAINTEXT:PLAINTEXT
  strict: {image: 'postgres:15', environment: {POSTGRES_HOST_AUTH_METHOD: scram-sha-256}}
  mine: {image: 'mine:1', environment: {POSTGRES_HOST_AUTH_METHOD: trust}}
  broker: {image: 'apache/kafka:3.8.0', environment: {KAFKA_LISTENERS: 'SASL_SSL://:9092'}}
",
        );
    }

    #[test]
    fn what_an_env_file_says_is_not_shown_and_no_listener_goes() {
        let found = Fixture::new("services:\n  db:\n    image: mysql:8\n    env_file: db.env\n")
            .file("db.env", "MYSQL_ALLOW_EMPTY_PASSWORD=yes\n")
            .findings(&RULE);
        let listener = "services:\n  bus:\n    image: apache/kafka:3.8.0\n    environment:\n      KAFKA_LISTENERS: PLAINTEXT://:9092\n";
        assert!(Fixture::new(listener).findings(&RULE)[0].fix.is_none(), "without the setting it is the same");
        assert_eq!((found.len(), found[0].file.ends_with("compose.yaml"), found[0].fix.is_none()), (1, true, true));
    }

    #[test]
    fn the_variable_goes() {
        assert_fixed(
            &RULE,
            "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_DB: a\n      POSTGRES_HOST_AUTH_METHOD: trust\n",
            "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_DB: a\n",
        );
    }
}
