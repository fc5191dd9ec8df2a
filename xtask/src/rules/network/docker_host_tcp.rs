use crate::catalogue::server_kind;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "docker-host-tcp",
    title: "an engine is commanded over TCP without TLS",
    doc: "An engine that listens on TCP without TLS does what anybody on the network says: a privileged container is one call \
        away. Use the certificates that `docker:dind` makes by itself (`tcp://docker:2376`, `DOCKER_TLS_VERIFY=1`), SSH, or a \
        socket proxy that passes only the calls that are needed. A proxy of the same stack and loopback addresses are not \
        reported.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[
        Reference::Owasp(1),
        Reference::Link("Protect the Docker daemon socket", "https://docs.docker.com/engine/security/protect-access/"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

const HELP: &str = "use TLS with verification, or a socket proxy in the stack that passes only the needed calls";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let verifies = service.variable("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
    if let Some(host) = service.variable("DOCKER_HOST").and_then(|value| value.trim().strip_prefix("tcp://"))
        && !verifies
        && !is_trusted(service, host)
    {
        let message = format!("`{}` commands an engine over TCP without TLS", service.name);
        found.report(service.entry_spot("environment", "DOCKER_HOST"), message, HELP);
    }
    for key in ["entrypoint", "command"] {
        let words = service.words(key);
        // The options of one key can stand behind the program of the other.
        let with_tls = service.words("command").iter().chain(&service.words("entrypoint")).any(|word| is_tls(word));
        let option = words.iter().enumerate().find(|(at, word)| listens(word, words.get(at + 1).copied()));
        if let (Some((index, _)), false) = (option, with_tls) {
            let message = format!("`{}` opens or commands an engine over TCP without TLS", service.name);
            found.report(service.item_spot(key, index), message, HELP).about(key);
        }
    }
}

/// The host itself, or a proxy that holds the socket for this stack.
fn is_trusted(service: &Service<'_>, address: &str) -> bool {
    let host = address.split(['/', ':']).next().unwrap_or_default();
    let is_proxy = |image: &str| server_kind(image).is_some_and(|kind| kind.kind == "socket-proxy");
    let named = |other: &Service<'_>| {
        let aliases =
            other.entries("networks").flat_map(|(_, network)| network.get("aliases").and_then(|all| all.as_seq()).unwrap_or_default());
        let is_alias = aliases.into_iter().any(|alias| alias.as_str() == Some(host));
        (other.name == host || other.text("container_name") == Some(host) || is_alias) && other.image().is_some_and(is_proxy)
    };
    matches!(host, "localhost" | "127.0.0.1" | "[") || service.subject.services().any(|other| named(&other))
}

fn is_tls(word: &str) -> bool {
    ["--tlsverify", "--tls"].iter().any(|option| word == *option || word.strip_prefix(option) == Some("=true"))
}

/// `-H tcp://`, `--host=tcp://`, each also in one word.
fn listens(word: &str, next: Option<&str>) -> bool {
    let outside =
        |address: &str| address.strip_prefix("tcp://").is_some_and(|rest| !rest.starts_with("127.") && !rest.starts_with("localhost"));
    match word {
        "-H" | "--host" => next.is_some_and(outside),
        _ => word.strip_prefix("--host=").or_else(|| word.strip_prefix("-H=")).or_else(|| word.strip_prefix("-H")).is_some_and(outside),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_engines_without_tls() {
        assert_findings(
            &RULE,
            "
services:
  runner:
    image: runner:1
    environment:
      DOCKER_HOST: tcp://docker:2375
#                  ^^^^^^^^^^^^^^^^^ `runner` commands an engine over TCP without TLS
  docker:
    image: docker:27-dind
    command:
      - dockerd
      - --host=tcp://0.0.0.0:2375
#       ^^^^^^^^^^^^^^^^^^^^^^^^^ `docker` opens or commands an engine over TCP without TLS
  watch:
    image: watch:1
    command: [watch, -H, 'tcp://10.0.0.1:2375']
#                    ^^ `watch` opens or commands an engine over TCP without TLS
",
        );
    }

    #[test]
    fn tls_and_proxies_of_the_stack_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  proxy: {image: 'ghcr.io/tecnativa/docker-socket-proxy:0.3', container_name: the-proxy}
  traefik: {image: traefik, environment: [DOCKER_HOST=tcp://proxy:2375]}
  other: {image: x, environment: [DOCKER_HOST=tcp://the-proxy:2375]}
  runner: {image: x, environment: {DOCKER_HOST: 'tcp://docker:2376', DOCKER_TLS_VERIFY: '1'}}
  docker: {image: 'docker:dind', command: [dockerd, --tlsverify, -H, 'tcp://0.0.0.0:2376']}
  local: {image: x, environment: {DOCKER_HOST: 'unix:///run/docker.sock'}, command: [docker, -H, 'ssh://a@b', ps]}
  curl: {image: x, command: [curl, -H, 'Accept: text/plain', 'tcp://x']}
",
        );
    }
}
