use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "privileged-port",
    title: "a port below 1024 of the host is taken",
    doc: "Clients take it that behind a port below 1024 stands what the host's administrator put there: SSH, mail, names. A \
        container should not take one without need. Web and name servers may have theirs (parameter `allowed`); add what else this \
        host is there for.",
    category: Category::PortExposure,
    priority: Priority::P2,
    references: &[Reference::Cis("5.8"), Reference::Spec("services.ports")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

/// The kernel's `net.ipv4.ip_unprivileged_port_start`, unless it is set.
const FIRST_OF_EVERYONE: u16 = 1024;

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let allowed = service.subject.policy.list(RULE.name, "allowed");
    for port in service.published() {
        let Some((first, last)) = port.host else { continue };
        let is_allowed = first == last && allowed.contains(&first.to_string());
        if first < FIRST_OF_EVERYONE && !is_allowed {
            let message = format!("`{}` takes {} of the host, which clients trust to be its administrator's", service.name, port.name());
            found.report(service.item_spot("ports", port.index), message, "publish it at a port from 1024 on").about(port.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_ports_below_1024() {
        assert_findings(
            &RULE,
            "
services:
  mail:
    image: x
    ports:
      - 127.0.0.1:25:25
#       ^^^^^^^^^^^^^^^ `mail` takes 25/tcp of the host, which clients trust to be its administrator's
      - '1022-1025:1022-1025'
#       ^^^^^^^^^^^^^^^^^^^^^ `mail` takes 1022-1025/tcp of the host, which clients trust to be its administrator's
  web: {image: x, ports: ['80:80', '443:443/udp', '53:53/udp', '1024:22', '25']}
",
        );
    }

    #[test]
    fn the_policy_allows_more() {
        let policy = "rules: {privileged-port: {allowed: [53]}}";
        let text = "services:\n  dns: {image: x, ports: ['53:53', '80:80']}\n#                                  ^^^^^^^ `dns` takes 80/tcp of the host, which clients trust to be its administrator's\n";
        Fixture::new(text).policy(policy).assert_findings(&RULE);
    }

    #[test]
    fn a_port_that_nobody_knows_is_none() {
        assert_findings(
            &RULE,
            "services:\n  a: {image: x, ports: ['${PORT:?}:80', '127.0.0.1:${P:?}:81', {target: 82, published: '${Q:?}'}]}\n",
        );
    }
}
