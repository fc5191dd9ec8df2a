use super::behind::behind;
use super::sensitive_port_published::local_only;
use crate::catalogue::Reach;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Published, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "port-on-all-interfaces",
    title: "a port is published on every interface of the host",
    doc: "`8080:80` listens on every address of the host, also on those that its firewall seems to close. Say which one is \
        meant: `127.0.0.1:8080:80` where a proxy on the same host passes requests on, or the address of an inner network. What \
        serves everyone is not reported: web servers and proxies at the ports that they are known to serve, and the host's \
        ports in the parameter `allowed`.",
    category: Category::PortExposure,
    priority: Priority::P1,
    references: &[Reference::Cis("5.14"), Reference::Spec("services.ports")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let allowed = service.subject.policy.list(RULE.name, "allowed");
    for port in service.published() {
        let is_allowed = port.host.is_some_and(|(first, last)| first == last && allowed.contains(&first.to_string()));
        if !port.is_everywhere() || is_allowed || serves_everyone(service, &port) {
            continue;
        }
        let message = match port.host.is_some() || port.variable.is_some() {
            true => format!("`{}` listens at {} on every interface of the host", service.name, port.name()),
            false => {
                format!("`{}` publishes port {} on every interface, at a port of the engine's choice", service.name, port.targets[0])
            }
        };
        found
            .report(service.item_spot("ports", port.index), message, "write the address that is meant before it, such as `127.0.0.1:`")
            .about(port.name())
            // Where another rule speaks of the port, it has the fix.
            .fix(|| behind(service, &port).is_none().then(|| local_only(service, &port)).flatten());
    }
}

fn serves_everyone(service: &Service<'_>, port: &Published<'_>) -> bool {
    let is_public = |target: &u16| service.kind().and_then(|kind| kind.port(*target)).is_some_and(|facts| facts.reach == Reach::Everyone);
    port.targets.iter().all(is_public)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_ports_without_an_address() {
        assert_findings(
            &RULE,
            "
services:
  api:
    image: api:1
    ports:
      - 4000:4000
#       ^^^^^^^^^ `api` listens at 4000/tcp on every interface of the host
      - '[::]:4001:4001/udp'
#       ^^^^^^^^^^^^^^^^^^^^ `api` listens at 4001/udp on every interface of the host
      - 4002
#       ^^^^ `api` publishes port 4002 on every interface, at a port of the engine's choice
      - 4100-4120:4100-4120
#       ^^^^^^^^^^^^^^^^^^^ `api` listens at 4100-4120/tcp on every interface of the host
  good: {image: api, ports: ['127.0.0.1:4000:4000', '192.168.1.2:1:1', {target: 80, published: '81', host_ip: '::1'}]}
  front: {image: 'nginx:1.27', ports: ['80:80', '443:443', '8088:80']}
  own: {build: ., ports: ['80:3000', '443:3443/tcp']}
  host: {image: x, network_mode: host, ports: ['1:1']}
",
        );
    }

    #[test]
    fn an_overlay_adds_its_own() {
        let over = "services:\n  api:\n    ports: ['5:5']\n#           ^^^^^ `api` listens at 5/tcp on every interface of the host\n";
        Fixture::new("services:\n  api: {image: x, ports: ['127.0.0.1:4:4']}\n").overlay("over.yaml", over).assert_findings(&RULE);
    }

    #[test]
    fn an_address_is_written() {
        let before = "services:\n  a:\n    image: x\n    ports:\n      - 90:90\n      - '91:91'\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: x\n    ports:\n      - '127.0.0.1:90:90'\n      - '127.0.0.1:91:91'\n");
    }

    #[test]
    fn a_port_that_a_variable_sets_is_called_by_it() {
        assert_findings(
            &RULE,
            "
services:
  api:
    image: api:1
    ports:
      - ${PORT:?set PORT}:3000
#       ^^^^^^^^^^^^^^^^^^^^^^ `api` listens at ${PORT}/tcp on every interface of the host
      - ${ADDRESS:?}:8080:80
",
        );
    }
}
