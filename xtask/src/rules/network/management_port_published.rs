use super::behind::{Use, behind, reached};
use super::sensitive_port_published::local_only;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "management-port-published",
    title: "other hosts reach a page that controls a server",
    doc: "Consoles, dashboards and metrics show or change how a server works; many let everybody in. Pages that people log \
        in to speak clear text by themselves: passwords and cookies can be read on the way. Put them behind a proxy that ends \
        TLS and asks who comes, or bind them to the host, `127.0.0.1:15672:15672`, and reach them through a tunnel. What is \
        behind a port is known for many images; for all others the parameter `ports` counts.",
    category: Category::PortExposure,
    priority: Priority::P1,
    references: &[Reference::Cis("5.9"), Reference::Spec("services.ports")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    for port in service.published() {
        let Some(behind) = behind(service, &port) else { continue };
        let what = behind.what.unwrap_or("management");
        let (name, on) = (service.name, reached(&port));
        let (message, help) = match behind.use_ {
            Use::Stack => continue,
            Use::Operation => (
                format!("`{name}` publishes port {} ({what}) on {on}", behind.target),
                "write `127.0.0.1:` before it, or put it behind a proxy that asks who comes",
            ),
            Use::Login => (
                format!("`{name}` takes logins in clear text on {on}: port {} ({what})", behind.target),
                "write `127.0.0.1:` before it, and let a proxy that ends TLS pass requests on",
            ),
        };
        found.report(service.item_spot("ports", port.index), message, help).about(port.name()).fix(|| local_only(service, &port));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_consoles_and_logins() {
        assert_findings(
            &RULE,
            "
services:
  broker:
    image: rabbitmq:3.12-management
    ports:
      - '15672:15672'
#       ^^^^^^^^^^^^^ `broker` publishes port 15672 (management interface) on every interface of the host
      - '5672:5672'
  traces:
    image: langfuse/langfuse:2
    ports: ['80:3000']
#           ^^^^^^^^^ `traces` takes logins in clear text on every interface of the host: port 3000 (web interface)
  proxy:
    image: traefik:v3
    ports: ['80:80', '443:443', '8080:8080']
#                               ^^^^^^^^^^^ `proxy` publishes port 8080 (dashboard) on every interface of the host
  own:
    build: .
    ports: ['15672:15672', '8080:8080']
#           ^^^^^^^^^^^^^ `own` publishes port 15672 (management interface) on every interface of the host
",
        );
    }

    #[test]
    fn what_is_bound_or_asks_nobody_is_clean() {
        assert_findings(
            &RULE,
            "
services:
  graphs: {image: grafana/grafana, ports: ['127.0.0.1:3000:3000']}
  traces: {image: jaegertracing/all-in-one, ports: ['16686:16686']}
  host: {image: prom/prometheus, network_mode: host, ports: ['9090:9090']}
  web: {build: ., ports: ['8080:8080', '9000:9000']}
",
        );
    }

    #[test]
    fn no_port_is_told_by_two_rules() {
        let text = "services:\n  a: {image: rabbitmq, ports: ['1:5672', '2:15672', '3:15692']}\n  b: {image: x, ports: ['1:2375', '2:15672']}\n  c: {image: 'docker:dind', ports: ['2375:2375']}\n";
        let places = |rule| Fixture::new(text).findings(rule).into_iter().map(|finding| finding.place).collect::<Vec<_>>();
        let sensitive = places(&super::super::sensitive_port_published::RULE);
        let management = places(&RULE);
        assert_eq!(sensitive, ["services.a.ports[0]", "services.a.ports[2]", "services.b.ports[0]"]);
        assert_eq!(management, ["services.a.ports[1]", "services.b.ports[1]", "services.c.ports[0]"]);
    }

    #[test]
    fn the_port_becomes_the_hosts_own() {
        assert_fixed(
            &RULE,
            "services:\n  b:\n    image: rabbitmq\n    ports: [15672:15672/tcp, '127.0.0.1:1:1']\n",
            "services:\n  b:\n    image: rabbitmq\n    ports: ['127.0.0.1:15672:15672/tcp', '127.0.0.1:1:1']\n",
        );
    }
}
