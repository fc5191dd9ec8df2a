use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, Unpublished};

pub static RULE: Rule = Rule {
    name: "ports-ignored",
    title: "ports are published that cannot be",
    doc: "With `network_mode: host` or `none`, and on networks that are all `internal`, the engine drops `ports` without a word; \
        with `network_mode: service:NAME` it refuses to create the container. The entries then say what is not so. Put them \
        on the service whose network it is, or remove them.",
    category: Category::PortExposure,
    priority: Priority::P2,
    references: &[Reference::Spec("services.network_mode"), Reference::Spec("networks.internal")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(why) = service.unpublished().filter(|_| !service.items("ports").is_empty()) else { return };
    let name = service.name;
    let (message, help) = match why {
        Unpublished::Host => (
            format!("the ports of `{name}` are ignored: it has the host's own network, and all its ports are open there"),
            "remove `ports`, or `network_mode: host`",
        ),
        Unpublished::NoNetwork => (format!("the ports of `{name}` are ignored: it has no network"), "remove `ports`"),
        Unpublished::Shared => (
            format!("`{name}` cannot be created: its network is another container's, so that it cannot publish ports"),
            "move `ports` to the service whose network it is",
        ),
        Unpublished::Internal => (
            format!("the ports of `{name}` are ignored: all its networks are internal"),
            "remove `ports`, or let a proxy that is on an outer network too pass requests on",
        ),
    };
    found.report(service.spot("ports"), message, help).fix(|| service.remove("ports"));
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_ports_that_come_to_nothing() {
        assert_findings(
            &RULE,
            "
services:
  host:
    image: x
    network_mode: host
    ports: ['80:80']
#   ^^^^^ the ports of `host` are ignored: it has the host's own network, and all its ports are open there
  shared:
    image: x
    network_mode: service:host
    ports: ['81:81']
#   ^^^^^ `shared` cannot be created: its network is another container's, so that it cannot publish ports
  data:
    image: x
    networks: [data]
    ports: ['82:82']
#   ^^^^^ the ports of `data` are ignored: all its networks are internal
  both: {image: x, networks: [data, front], ports: ['83:83']}
  plain: {image: x, network_mode: host}
  bridge: {image: x, network_mode: bridge, ports: ['84:84']}
networks:
  data: {internal: true}
  front:
",
        );
    }

    #[test]
    fn the_key_goes() {
        let before = "services:\n  a:\n    image: x\n    network_mode: none\n    ports:\n      - 1:1\n    init: true\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: x\n    network_mode: none\n    init: true\n");
    }
}
