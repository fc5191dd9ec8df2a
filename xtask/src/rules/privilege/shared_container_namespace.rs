use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "shared-container-namespace",
    title: "a container shares a namespace with another",
    doc: "Services that share `pid` see each other's processes, arguments and environments, and can signal them; those that \
        share `ipc` write to each other's memory: whoever has one has both. `network_mode: container:NAME` ties the service \
        to a container that the stack does not define: whoever creates a container of that name has its traffic, and when it \
        is created anew the service is cut off. `network_mode: service:NAME`, the way of a sidecar, is not reported.",
    category: Category::SecuritySettings,
    priority: Priority::P2,
    references: &[Reference::Spec("services.network_mode"), Reference::Spec("services.pid"), Reference::Spec("services.ipc")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let name = service.name;
    for (key, what) in [("pid", "processes"), ("ipc", "memory")] {
        let Some((kind, other)) = service.text(key).and_then(|text| text.split_once(':')) else { continue };
        if matches!(kind, "service" | "container") {
            let message = format!("`{name}` shares its {what} with the {kind} `{other}`");
            found.report(service.spot(key), message, format!("remove `{key}`, or run both in one container if they are one thing"));
        }
    }
    let container = service.text("network_mode").and_then(|mode| mode.strip_prefix("container:"));
    if let Some(other) = container.filter(|other| !is_of_stack(service, other)) {
        let message = format!("`{name}` is on the network of the container `{other}`, which the stack does not define");
        found.report(service.spot("network_mode"), message, "define both in one stack and say `network_mode: service:NAME`");
    }
}

fn is_of_stack(service: &Service<'_>, container: &str) -> bool {
    let mut services = service.subject.services();
    services.any(|other| other.text("container_name") == Some(container))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_shared_processes_memory_and_foreign_networks() {
        assert_findings(
            &RULE,
            "
services:
  debug:
    image: x
    pid: service:web
#        ^^^^^^^^^^^ `debug` shares its processes with the service `web`
    ipc: 'container:far'
#        ^^^^^^^^^^^^^^^ `debug` shares its memory with the container `far`
    network_mode: container:far
#                 ^^^^^^^^^^^^^ `debug` is on the network of the container `far`, which the stack does not define
  web: {image: x, ipc: shareable}
",
        );
    }

    #[test]
    fn sidecars_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  vpn: {image: x, container_name: tunnel}
  web: {image: x, network_mode: 'service:vpn'}
  api: {image: x, network_mode: 'container:tunnel'}
  job: {image: x, network_mode: none, pid: host, ipc: private}
",
        );
    }
}
