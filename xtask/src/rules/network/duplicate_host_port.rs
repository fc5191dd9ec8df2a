use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Fact, Found, Reference, Rule, Subject};
use crate::yaml::Value;

pub static RULE: Rule = Rule {
    name: "duplicate-host-port",
    title: "two services want the same port of the host",
    doc: "The engine gives a port of an address to one container: the second does not start. Give each its own. Stacks are \
        compared when they have the same role, lie in the same folder and name the service differently: those with the same \
        service are taken for two forms of one stack. So are services of which no profile is active together.",
    category: Category::PortExposure,
    priority: Priority::P2,
    references: &[Reference::Spec("services.ports")],
    fix: FixKind::Report,
    check: Check::Across { gather, judge },
};

/// Ranges longer than this are not told port by port.
const LONGEST_RANGE: u16 = 100;

fn gather(subject: &Subject<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for service in subject.services() {
        let profiles: Vec<&str> = service.items("profiles").iter().filter_map(Value::as_str).collect();
        for port in service.published() {
            // Of a range for one port the engine takes the first that is free.
            let Some((first, last)) = port.host.filter(|(first, last)| usize::from(last - first) < port.targets.len()) else { continue };
            let says = format!("{} {}", port.address.unwrap_or("0.0.0.0"), profiles.join(" "));
            facts.extend((first..=last.min(first.saturating_add(LONGEST_RANGE))).map(|number| Fact {
                stack: subject.id.to_string(),
                role: subject.role,
                key: format!("{number}/{}", port.protocol),
                says: says.clone(),
                spot: service.item_spot("ports", port.index),
            }));
        }
    }
    facts
}

fn judge(facts: &[Fact], found: &mut Found<'_>) {
    // Only what is of one stack or of one folder can clash; a tree may have thousands of others.
    let mut of_stack: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    let mut of_folder: HashMap<(&str, Option<&Path>), Vec<usize>> = HashMap::new();
    for (number, fact) in facts.iter().enumerate() {
        let near = [of_stack.entry((&fact.key, &fact.stack)).or_default(), of_folder.entry((&fact.key, folder(fact))).or_default()];
        let first = near.iter().filter_map(|known| known.iter().copied().find(|earlier| clash(&facts[*earlier], fact))).min();
        near.into_iter().for_each(|known| known.push(number));
        let Some(earlier) = first.map(|first| &facts[first]) else { continue };
        let names = [fact, earlier].map(|fact| fact.spot.service.as_deref().unwrap_or_default());
        let message = match earlier.stack == fact.stack {
            true => format!("`{}` wants {} of the host, which `{}` has", names[0], fact.key, names[1]),
            false => format!("`{}` wants {} of the host, which `{}` of the stack {} has", names[0], fact.key, names[1], earlier.stack),
        };
        found.report(fact.spot.clone(), message, "give one of them another port, or another address").about(&fact.key);
    }
}

fn clash(one: &Fact, other: &Fact) -> bool {
    let (address, profiles) = one.says.split_once(' ').unwrap_or_default();
    let (other_address, other_profiles) = other.says.split_once(' ').unwrap_or_default();
    let together =
        profiles.is_empty() || other_profiles.is_empty() || profiles.split(' ').any(|one| other_profiles.split(' ').any(|o| o == one));
    let same = one.spot.service == other.spot.service;
    let side_by_side = match one.stack == other.stack {
        // One service that names a port twice is told by Compose.
        true => !same && together,
        false => !same && one.role == other.role && folder(one) == folder(other) && profiles.is_empty() && other_profiles.is_empty(),
    };
    one.key == other.key && side_by_side && overlap(address, other_address)
}

fn folder(fact: &Fact) -> Option<&Path> {
    fact.spot.file.parent()
}

/// All addresses of a family overlap with each of it; IPv6's take IPv4's ports too.
fn overlap(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other || (one.is_unspecified() || other.is_unspecified()) && one.is_ipv4() == other.is_ipv4(),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::{RULE, judge};
    use crate::finding::{Finding, Severity};
    use crate::project::Role;
    use crate::rules::testing::assert_findings;
    use crate::rules::{Fact, Found, Spot};
    use crate::text::Span;

    #[test]
    fn finds_a_port_that_two_services_want() {
        assert_findings(
            &RULE,
            "
services:
  one: {image: x, ports: ['8080:80', '9000-9002:9000-9002']}
  two:
    image: x
    ports:
      - 127.0.0.1:8080:81
#       ^^^^^^^^^^^^^^^^^ `two` wants 8080/tcp of the host, which `one` has
      - 9001:1
#       ^^^^^^ `two` wants 9001/tcp of the host, which `one` has
  tools:
    image: x
    profiles: [tools]
    ports: ['8080:80']
#           ^^^^^^^^^ `tools` wants 8080/tcp of the host, which `one` has
",
        );
    }

    #[test]
    fn what_can_be_together_is_clean() {
        assert_findings(
            &RULE,
            "
services:
  tcp: {image: x, ports: ['53:53']}
  udp: {image: x, ports: ['53:53/udp']}
  a: {image: x, ports: ['127.0.0.1:80:80']}
  b: {image: x, ports: ['10.0.0.1:80:80', '127.0.0.2:80:80']}
  pool: {image: x, ports: ['7000-7009:80']}
  pool2: {image: x, ports: ['7000-7009:80']}
  free: {image: x, ports: ['80']}
  cpu: {image: x, profiles: [cpu], ports: ['6000:1']}
  gpu: {image: x, profiles: [gpu], ports: ['6000:1']}
  host: {image: x, network_mode: host, ports: ['53:53']}
",
        );
    }

    fn fact(stack: &str, role: Role, file: &str, service: &str, says: &str) -> Fact {
        let spot = Spot { file: file.into(), span: Span::new(0, 1), place: String::new(), service: Some(service.into()) };
        Fact { stack: stack.into(), role, key: "80/tcp".into(), says: says.into(), spot }
    }

    fn clashes(other: &Fact) -> Vec<Finding> {
        let first = fact("web", Role::Prod, "/p/web.yml", "front", "0.0.0.0 ");
        let mut findings = Vec::new();
        judge(&[first, other.clone()], &mut Found::new(&RULE, Severity::Low, false, &mut findings));
        findings
    }

    #[test]
    fn stacks_of_one_folder_and_role_are_side_by_side() {
        let found = clashes(&fact("api", Role::Prod, "/p/api.yml", "api", "127.0.0.1 "));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "`api` wants 80/tcp of the host, which `front` of the stack web has");
        assert_eq!(found[0].about, "80/tcp");
        for (other, why) in [
            (fact("api", Role::Dev, "/p/api.yml", "api", "0.0.0.0 "), "another role"),
            (fact("api", Role::Prod, "/other/api.yml", "api", "0.0.0.0 "), "another folder"),
            (fact("test", Role::Prod, "/p/test.yml", "front", "0.0.0.0 "), "the same service"),
            (fact("api", Role::Prod, "/p/api.yml", "api", "0.0.0.0 debug"), "a profile"),
            (fact("api", Role::Prod, "/p/api.yml", "api", ":: "), "another family"),
        ] {
            assert!(clashes(&other).is_empty(), "{why}");
        }
    }

    #[test]
    fn ports_that_nobody_knows_do_not_clash() {
        assert_findings(&RULE, "services:\n  a: {image: x, ports: ['${A:?}:80']}\n  b: {image: x, ports: ['${B:?}:80']}\n");
    }
}
