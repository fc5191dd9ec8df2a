use super::paths::{is_root_equivalent, mounts};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "root-equivalent-mount",
    title: "a container can write where its host runs things as root",
    doc: "Whoever can write to `/`, `/etc`, the folders of programs, kernel modules or jobs, or to the engine's own data is root \
        on the host with the next login, job or start. Mount the one file or folder that is needed, and read-only. Volumes \
        that are bind mounts by their `driver_opts` count as well. The parameter `paths` lists where: with a slash at the end \
        all that is below too.",
    category: Category::VolumeMounts,
    priority: Priority::P0,
    references: &[Reference::Cis("5.6"), Reference::Spec("services.volumes")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    for mount in mounts(service) {
        if is_root_equivalent(service, &mount) {
            let message = format!("`{}` can write to `{}` of its host, and so become root there", service.name, mount.source);
            found.report(mount.spot, message, "mount only what is needed, and add `:ro`").about(mount.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_ways_to_become_root() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: x
    volumes:
      - /:/host
#       ^^^^^^^ `a` can write to `/` of its host, and so become root there
      - /srv/../etc/:/x:rw
#       ^^^^^^^^^^^^^^^^^^ `a` can write to `/etc` of its host, and so become root there
      - /etc/cron.d/job:/job
#       ^^^^^^^^^^^^^^^^^^^^ `a` can write to `/etc/cron.d/job` of its host, and so become root there
  b: {image: x, volumes: [docker:/d]}
volumes:
  docker:
    driver_opts:
      type: none
      o: bind
      device: /var/lib/docker
#             ^^^^^^^^^^^^^^^ `b` can write to `/var/lib/docker` of its host, and so become root there
",
        );
    }

    #[test]
    fn read_only_or_a_folder_of_its_own_is_clean() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: x
    volumes: ['/:/rootfs:ro,rslave', '/etc/nginx:/etc/nginx', '/srv:/etc', './etc:/etc', '/etc/localtime:/etc/localtime', 'etc:/etc', '/var/lib/docker/volumes/x/_data:/x:ro']
    tmpfs: [/usr]
volumes:
  etc:
",
        );
    }
}
