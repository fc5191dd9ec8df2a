use std::collections::BTreeSet;

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, Subject};

pub static RULE: Rule = Rule {
    name: "volume-shared-between-services",
    title: "another service writes into the data of a server",
    doc: "A server takes its files for its own: what another one writes there while it runs is lost, or destroys the rest. Two \
        servers on the same data are worse. Mount it `:ro` where it is only read, for example for a backup, and talk to \
        the server for the rest. A service that has ended before the server starts (`condition: \
        service_completed_successfully`) is not reported.",
    category: Category::VolumeMounts,
    priority: Priority::P2,
    references: &[Reference::Spec("services.volumes"), Reference::Spec("services.depends_on")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let services: Vec<Service<'_>> = subject.services().collect();
    let mut told = BTreeSet::new();
    for (number, server) in services.iter().enumerate().filter(|(_, service)| service.is_store()) {
        for data in server.volume_mounts().iter().filter(|mount| !mount.read_only && server.keeps_data_at(mount.target)) {
            for (other_number, other) in services.iter().enumerate() {
                // Of two servers on the same data the later one is told.
                let is_told = other.is_store() && other_number < number || told.contains(&(other.name, data.volume));
                if other_number == number || is_told || ends_before(server, other.name) {
                    continue;
                }
                let shared = other.volume_mounts().into_iter().find(|mount| mount.volume == data.volume && !mount.read_only);
                if let Some(mount) = shared {
                    let message = format!("`{}` writes into `{}`, where `{}` keeps its data", other.name, data.volume, server.name);
                    told.insert((other.name, data.volume));
                    found.report(mount.spot, message, "add `:ro`, or give it a volume of its own").about(data.volume);
                }
            }
        }
    }
}

fn ends_before(server: &Service<'_>, other: &str) -> bool {
    let condition = server.get("depends_on").and_then(|all| all.get(other)?.get("condition")?.as_str());
    condition == Some("service_completed_successfully")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_writers_into_a_servers_data() {
        assert_findings(
            &RULE,
            "
services:
  db: {image: 'postgres:16', volumes: ['data:/var/lib/postgresql/data']}
  job:
    image: x
    volumes:
      - data:/data
#       ^^^^^^^^^^ `job` writes into `data`, where `db` keeps its data
  db2:
    image: postgres:15
    volumes:
      - {type: volume, source: data, target: /var/lib/postgresql/data}
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `db2` writes into `data`, where `db` keeps its data
volumes: {data: }
",
        );
    }

    #[test]
    fn readers_and_what_ends_before_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  db:
    image: 'postgres:16'
    volumes: ['data:/var/lib/postgresql/data', 'dumps:/dumps', './init:/docker-entrypoint-initdb.d:ro']
    depends_on: {owner: {condition: service_completed_successfully}}
  owner: {image: busybox, volumes: ['data:/data']}
  backup: {image: x, volumes: ['data:/data:ro', 'dumps:/dumps']}
  web: {image: nginx, volumes: ['static:/static']}
  api: {build: ., volumes: ['static:/static']}
volumes: {data: , dumps: , static: }
",
        );
    }
}
