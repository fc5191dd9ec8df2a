use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Value;

pub static RULE: Rule = Rule {
    name: "host-network",
    title: "a container is on the network of the host",
    doc: "On the host's network a container reaches everything that listens on `127.0.0.1` of the host, and whatever it \
        listens on is open on all interfaces; `ports` and the separation of networks no longer hold. The same comes of a network \
        whose name is `host`. Publish the ports that are needed on a network of the stack.",
    category: Category::NetworkIsolation,
    priority: Priority::P0,
    references: &[Reference::Cis("5.10"), Reference::Owasp(5), Reference::Spec("services.network_mode")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

const HELP: &str = "join a network of the stack and publish the ports that are needed";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let message = || format!("`{}` is on the network of the host", service.name);
    if service.text("network_mode") == Some("host") {
        found.report(service.spot("network_mode"), message(), HELP).fix(|| bridged(service));
    }
    for (key, name) in named_host(service) {
        let spot = service.subject.spot(name.at, format!("networks.{key}.name"), Some(service.name));
        found.report(spot, message(), HELP).about(key);
    }
}

/// The networks of a service whose name for the engine is `host`, with where they get it.
fn named_host<'a>(service: &Service<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let networks = service.subject.model.value.get("networks");
    let named = service.entries("networks").filter_map(move |(key, _)| Some((key, networks?.get(key)?.get("name")?)));
    named.filter(|(_, name)| name.as_str() == Some("host"))
}

/// Without the key the service is in the default network, which may come to be by that.
fn bridged(service: &Service<'_>) -> Option<Draft> {
    let draft = service.remove("network_mode")?;
    let (subject, name) = (service.subject, service.name);
    let mut changes = vec![service.change("network_mode", None)];
    if service.get("networks").is_none() {
        changes.push(service.change("networks", Some(serde_json::json!({"default": null}))));
        if !subject.top("networks").any(|(network, _)| network == "default") {
            let path = ["networks", "default"].map(String::from).to_vec();
            let default = serde_json::json!({"name": format!("{}_default", subject.model.name), "ipam": {}});
            changes.push(crate::finding::Change { path, now: Some(default) });
        }
    }
    Some(draft.renders(changes).caveat(format!("`{name}` is reached at the ports that it publishes, and no longer at the host's address")))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_it() {
        assert_findings(
            &RULE,
            "
services:
  agent:
    image: x
    network_mode: host
#                 ^^^^ `agent` is on the network of the host
  web: {image: x, networks: [edge, front]}
  none: {image: x, network_mode: none}
  bridge: {image: x, network_mode: bridge, hostname: host}
networks:
  front: {name: hosts, external: true}
  edge:
    external: true
    name: host
#         ^^^^ `web` is on the network of the host
",
        );
    }

    #[test]
    fn a_network_named_host_by_its_key_is_found() {
        assert_findings(
            &RULE,
            "
services:
  web: {image: x, networks: [host, front]}
networks:
  front:
  host: {external: true}
#       ^^^^^^^^^^^^^^^^ `web` is on the network of the host
",
        );
        let own = "services:\n  web: {image: x, networks: [host]}\nnetworks:\n  host: {}\n";
        Fixture::new(own).assert_findings(&RULE);
    }

    #[test]
    fn the_service_joins_the_default_network() {
        let after = "services:\n  web:\n    image: x\n";
        assert_fixed(&RULE, "services:\n  web:\n    image: x\n    network_mode: host\n", after);
    }
}
