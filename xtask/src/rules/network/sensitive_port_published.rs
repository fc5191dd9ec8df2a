use super::behind::{Use, behind, reached};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Published, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "sensitive-port-published",
    title: "other hosts reach a database or the like",
    doc: "A published port goes past the host's own firewall: the engine's rules stand before it. Databases, caches and brokers \
        are for the services of their stack, which reach them by name without `ports`; many of them ask nobody for a password. \
        Remove the entry, or give it an address: `127.0.0.1:5432:5432` is for the host alone. (Before Docker 28 hosts of the \
        same network segment could reach such a port as well.) What is behind a port is known for many images; for all others \
        the parameter `ports` counts. Loopback and private addresses are not reported.",
    category: Category::PortExposure,
    priority: Priority::P1,
    references: &[
        Reference::Cis("5.9"),
        Reference::Spec("services.ports"),
        Reference::Link("Packet filtering and firewalls", "https://docs.docker.com/engine/network/packet-filtering-firewalls/"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    for port in service.published() {
        let Some(behind) = behind(service, &port).filter(|behind| behind.use_ == Use::Stack) else { continue };
        let what = behind.what.map_or(String::new(), |what| format!(" ({what})"));
        let message = format!("`{}` publishes port {}{what} on {}", service.name, behind.target, reached(&port));
        found
            .report(
                service.item_spot("ports", port.index),
                message,
                "remove it: services of the stack need no published port; for the host alone write `127.0.0.1:` before it",
            )
            .about(port.name())
            .fix(|| local_only(service, &port));
    }
}

/// The same entry for the host alone. Only where it is one port written out in the short form.
pub(super) fn local_only(service: &Service<'_>, port: &Published<'_>) -> Option<crate::rules::Draft> {
    let (first, last) = port.host?;
    let item = &service.items("ports")[port.index];
    let written = service.subject.written(item.at).trim_matches(['"', '\'']);
    if port.address.is_some() || first != last || written.contains(['$', '*', '{']) {
        return None;
    }
    let draft = service.set_item("ports", port.index, format!("127.0.0.1:{written}"), "host_ip", "127.0.0.1".into())?;
    Some(draft.caveat("other hosts no longer reach it"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_what_is_for_the_stack() {
        assert_findings(
            &RULE,
            "
services:
  db:
    image: registry.example:5000/mirror/postgres:16
    ports:
      - '5432:5432'
#       ^^^^^^^^^^^ `db` publishes port 5432 (SQL) on every interface of the host
      - 0.0.0.0:15432:5432/tcp
#       ^^^^^^^^^^^^^^^^^^^^^^ `db` publishes port 5432 (SQL) on every interface of the host
  cache:
    image: redis
    ports: [6379]
#           ^^^^ `cache` publishes port 6379 (keys and values) on every interface of the host
  own:
    build: .
    ports:
      - target: 3306
#       ^ `own` publishes port 3306 (SQL) on every interface of the host
        published: 13306
      - 203.0.113.7:27017:27017
#       ^^^^^^^^^^^^^^^^^^^^^^^ `own` publishes port 27017 (documents) on a public address
  broker:
    image: rabbitmq:3-management
    ports: ['5671-5673:5671-5673']
#           ^^^^^^^^^^^^^^^^^^^^^ `broker` publishes port 5672 (AMQP) on every interface of the host
",
        );
    }

    #[test]
    fn what_only_the_host_or_a_private_network_reaches_is_clean() {
        assert_findings(
            &RULE,
            "
services:
  db: {image: postgres, ports: ['127.0.0.1:5432:5432', '[::1]:5432:5432', '10.1.2.3:5432:5432', '100.64.0.9:5432:5432']}
  expose: {image: postgres, expose: [5432]}
  inner: {image: redis, ports: ['6379:6379'], networks: [data]}
  web: {image: nginx, ports: ['5432:80', '443:443']}
  udp: {image: x, ports: ['3306:3306/udp']}
  broker: {image: 'rabbitmq:3-management', ports: ['15672:15672']}
networks:
  data: {internal: true}
",
        );
    }

    #[test]
    fn the_policy_names_ports_of_unknown_images() {
        let text = "services:\n  a: {image: x, ports: ['1:5432', '2:7777']}\n#                                 ^^^^^^^^ `a` publishes port 7777 on every interface of the host\n";
        Fixture::new(text).policy("rules: {sensitive-port-published: {ports: [7777]}}").assert_findings(&RULE);
    }

    #[test]
    fn the_port_becomes_the_hosts_own() {
        let after = "services:\n  db:\n    image: postgres\n    ports:\n      - \"127.0.0.1:5432:5432\" # for the tool\n";
        assert_fixed(&RULE, "services:\n  db:\n    image: postgres\n    ports:\n      - \"5432:5432\" # for the tool\n", after);
    }
}
