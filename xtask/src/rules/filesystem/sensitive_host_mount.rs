use super::paths::{is_listed, is_root_equivalent, mounts};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "sensitive-host-mount",
    title: "a container sees files of its host that tell too much",
    doc: "`/`, `/etc` and home folders hold password hashes and keys; `/proc` and `/sys` tell of every process and device. Mount \
        the one file that is needed, and read-only. Programs that watch their host (node-exporter, cAdvisor) do need some of \
        it: write an exception with that reason. Single files such as `/etc/localtime`, and folders of a program's own such \
        as `/etc/nginx`, are not reported. `paths` are paths, with a slash at the end all below too; `names` are folders and \
        files that hold credentials wherever they are. What is worse is reported by `root-equivalent-mount`.",
    category: Category::VolumeMounts,
    priority: Priority::P1,
    references: &[Reference::Cis("5.6"), Reference::Spec("services.volumes")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

/// Of a folder with keys these may be seen.
const PUBLIC: &[&str] = &["known_hosts", "config"];

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let list = |parameter| service.subject.policy.list(RULE.name, parameter);
    let (paths, names) = (list("paths"), list("names"));
    for mount in mounts(service) {
        let has_name = |name: &String| format!("{}/", mount.source).contains(&format!("/{name}/")) && !is_public(&mount.source, name);
        if is_root_equivalent(service, &mount) || !(is_listed(&mount.source, paths) || names.iter().any(has_name)) {
            continue;
        }
        let does = if mount.read_only { "sees" } else { "can write to" };
        let message = format!("`{}` {does} `{}` of its host", service.name, mount.source);
        let help = if mount.read_only { "mount only the file that is needed" } else { "mount only the file that is needed, and add `:ro`" };
        found.report(mount.spot, message, help).about(mount.source);
    }
}

fn is_public(path: &str, name: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    file.ends_with(".pub") || (name == ".ssh" && PUBLIC.contains(&file))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_what_tells_too_much() {
        assert_findings(
            &RULE,
            "
services:
  exporter:
    image: prom/node-exporter
    volumes:
      - /proc:/host/proc:ro
#       ^^^^^^^^^^^^^^^^^^^ `exporter` sees `/proc` of its host
      - /:/rootfs:ro,rslave
#       ^^^^^^^^^^^^^^^^^^^ `exporter` sees `/` of its host
  job:
    image: x
    volumes:
      - ~/.ssh:/root/.ssh:ro
#       ^^^^^^^^^^^^^^^^^^^^ `job` sees `/project/~/.ssh` of its host
      - /home/me/.aws/credentials:/c
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `job` can write to `/home/me/.aws/credentials` of its host
      - /home/me:/me
#       ^^^^^^^^^^^^ `job` can write to `/home/me` of its host
      - /etc/shadow:/s:ro
#       ^^^^^^^^^^^^^^^^^ `job` sees `/etc/shadow` of its host
",
        );
    }

    #[test]
    fn single_files_and_own_folders_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    volumes:
      - /etc/localtime:/etc/localtime:ro
      - /etc/timezone:/etc/timezone:ro
      - /etc/ssl/certs:/etc/ssl/certs:ro
      - /etc/nginx:/etc/nginx:ro
      - /lib/modules:/lib/modules:ro
      - /home/me/shop/data:/data
      - /var/log:/var/log:ro
      - ./.docker/nginx.conf:/etc/nginx.conf:ro
      - ~/.ssh/known_hosts:/known_hosts:ro
      - ~/.ssh/id.pub:/id.pub:ro
      - /dev/shm:/dev/shm
      - ./proc:/proc/x
    secrets: [key]
  all: {image: x, volumes: ['/etc:/etc']}
secrets:
  key: {file: ~/.ssh/deploy}
",
        );
    }
}
