use crate::catalogue::Category as Kind;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, Subject};

pub static RULE: Rule = Rule {
    name: "volume-not-backed-up",
    title: "nothing in the stack backs up the data of a database",
    doc: "A volume is one copy on one disk. Let a service of the stack make dumps, or mount the volume read-only for one that \
        copies it, or label what is backed up from outside. A stack with a service whose name or image has one of the words \
        of the parameter `words`, a label with `backup` in it, and a volume that another service mounts are not reported. If \
        backups are made outside, say so with an exception.",
    category: Category::VolumeMounts,
    priority: Priority::P2,
    references: &[Reference::Link(
        "Back up, restore, or migrate data volumes",
        "https://docs.docker.com/engine/storage/volumes/#back-up-restore-or-migrate-data-volumes",
    )],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let words = subject.policy.list(RULE.name, "words");
    let services: Vec<Service<'_>> = subject.services().collect();
    let speaks = |text: &str| words.iter().any(|word| text.to_ascii_lowercase().contains(word.as_str()));
    if services.iter().any(|service| speaks(service.name) || service.image().is_some_and(speaks)) {
        return;
    }
    for server in services.iter().filter(|service| service.kind().is_some_and(|kind| kind.category == Kind::Database)) {
        for mount in server.volume_mounts().into_iter().filter(|mount| server.keeps_data_at(mount.target)) {
            let others = services.iter().filter(|other| other.name != server.name);
            let is_mounted = others.flat_map(Service::volume_mounts).any(|other| other.volume == mount.volume);
            if !is_mounted && !is_labelled(server, mount.volume) {
                let message = format!("nothing in the stack backs up `{}`, the data of `{}`", mount.volume, server.name);
                found
                    .report(mount.spot, message, "add a service that makes dumps, or say in an exception how it is backed up")
                    .about(mount.volume);
            }
        }
    }
}

/// A label that speaks of backups, or a volume that is made elsewhere.
fn is_labelled(server: &Service<'_>, volume: &str) -> bool {
    let definition = server.subject.top("volumes").find(|(name, _)| *name == volume).map(|(_, value)| value);
    let of_volume = definition.and_then(|value| value.get("labels")?.as_map()).into_iter().flatten().map(|(key, _)| key.as_str());
    let is_external = definition.is_some_and(|value| value.get("external").is_some());
    is_external || of_volume.chain(server.entries("labels").map(|(key, _)| key)).any(|label| label.to_ascii_lowercase().contains("backup"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_data_that_nothing_copies() {
        assert_findings(
            &RULE,
            "
services:
  db:
    image: postgres:16
    volumes:
      - data:/var/lib/postgresql/data
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nothing in the stack backs up `data`, the data of `db`
      - dumps:/dumps
  cache: {image: redis, volumes: ['cache:/data']}
volumes: {data: , dumps: , cache: }
",
        );
    }

    #[test]
    fn what_is_copied_labelled_or_elsewhere_is_clean() {
        for other in [
            "  dumps: {image: 'prodrigestivill/postgres-backup-local'}\nvolumes: {data: }\n",
            "  nightly: {image: x, volumes: ['data:/data:ro']}\nvolumes: {data: }\n",
            "volumes: {data: {labels: {com.example.backup: daily}}}\n",
            "volumes: {data: {external: true}}\n",
        ] {
            assert_findings(&RULE, &format!("services:\n  db: {{image: mysql, volumes: ['data:/var/lib/mysql']}}\n{other}"));
        }
        let labelled = "services:\n  db: {image: mysql, volumes: ['data:/var/lib/mysql'], labels: [docker-volume-backup.stop-during-backup=true]}\nvolumes: {data: }\n";
        assert_findings(&RULE, labelled);
        assert_findings(&RULE, "services:\n  db: {image: mysql, volumes: ['./data:/var/lib/mysql']}\n");
    }
}
