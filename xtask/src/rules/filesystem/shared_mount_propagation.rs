use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "shared-mount-propagation",
    title: "what a container mounts appears on its host",
    doc: "With the propagation `shared` or `rshared` a file system that is mounted inside the container is mounted on the host \
        as well, and in every other container that shares the place. `rslave` lets the host's mounts in and none out; the \
        default `rprivate` neither.",
    category: Category::VolumeMounts,
    priority: Priority::P1,
    references: &[
        Reference::Cis("5.20"),
        Reference::Spec("services.volumes"),
        Reference::Link("Bind propagation", "https://docs.docker.com/engine/storage/bind-mounts/#configure-bind-propagation"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    for (index, mount) in service.items("volumes").iter().enumerate() {
        let propagation = mount.get("bind").and_then(|bind| bind.get("propagation")?.as_str());
        if matches!(propagation, Some("shared" | "rshared")) {
            let target = mount.get("target").and_then(|target| target.as_str()).unwrap_or_default();
            let message = format!("what `{}` mounts below `{target}` appears on the host", service.name);
            found.report(service.item_spot("volumes", index), message, "write `rslave`, or nothing").about(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_mounts_that_go_out() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: x
    volumes:
      - /mnt:/mnt:rshared
#       ^^^^^^^^^^^^^^^^^ what `a` mounts below `/mnt` appears on the host
      - /srv:/srv:ro,rslave
      - ./data:/data
      - type: bind
#       ^ what `a` mounts below `/media` appears on the host
        source: /media
        target: /media
        bind: {propagation: shared}
",
        );
    }
}
