use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, HostMount, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "docker-socket-mount",
    title: "a container can command the engine",
    doc: "Whoever can write to an engine's socket can start a privileged container and so owns the host. Mounting it \
        read-only changes nothing: that protects the file, not what is said through it. The same holds for its folder, for \
        `/`, for the sockets of containerd, Podman and CRI-O, and for `use_api_socket: true`. Let a proxy that passes only the \
        calls that are needed hold the socket, on a network of its own. Images of such proxies are not reported (parameter \
        `proxies`); `sockets` are names of files, `folders` are where sockets stand.",
    category: Category::VolumeMounts,
    priority: Priority::P0,
    references: &[Reference::Cis("5.32"), Reference::Owasp(1), Reference::Spec("services.use_api_socket")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

const HELP: &str = "let a socket proxy that passes only the needed calls hold the socket, and drop the mount here";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let list = |parameter| service.subject.policy.list(RULE.name, parameter);
    let proxies = list("proxies");
    if service.image().is_some_and(|image| proxies.iter().any(|proxy| is_of(image, proxy))) {
        return;
    }
    if service.flag("use_api_socket") {
        let message = format!("`{}` can command the engine, with the credentials of its user", service.name);
        found.report(service.spot("use_api_socket"), message, "remove `use_api_socket`, or give it a socket proxy").about("use_api_socket");
    }
    let (sockets, folders) = (list("sockets"), list("folders"));
    for mount in service.host_mounts() {
        let name = mount.source.rsplit(['/', '\\']).next().unwrap_or_default();
        if let Some(socket) = sockets.iter().find(|socket| *socket == name) {
            let message = format!("`{}` can command the engine through its socket `{socket}`", service.name);
            found.report(mount.spot, message, HELP).about(socket);
        } else if let Some(folder) = folders.iter().find(|folder| holds_socket(folder, &mount)) {
            let message = format!("`{}` can command the engine: its socket stands in `{folder}`", service.name);
            found.report(mount.spot, message, HELP).about(folder);
        }
    }
}

/// `/run` is a file system of its own: it is seen below `/` only when what is mounted there comes along.
fn holds_socket(folder: &str, mount: &HostMount) -> bool {
    mount.source == folder && (folder != "/" || mount.recursive)
}

/// Whether an image has that name, in whatever registry, tag or digest.
fn is_of(image: &str, name: &str) -> bool {
    let image = image.split('@').next().unwrap_or_default();
    let folder = image.rfind('/').map_or(0, |slash| slash + 1);
    let image = image[folder..].find(':').map_or(image, |colon| &image[..folder + colon]);
    image.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_sockets_and_where_they_stand() {
        assert_findings(
            &RULE,
            r"
services:
  a:
    image: x
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `a` can command the engine through its socket `docker.sock`
      - type: bind
        source: ${SOCK:-/run/user/1000/podman/podman.sock}
#               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `a` can command the engine through its socket `podman.sock`
        target: /p
      - /var/run/:/host/run
#       ^^^^^^^^^^^^^^^^^^^ `a` can command the engine: its socket stands in `/run`
      - /:/host:ro,rslave
#       ^^^^^^^^^^^^^^^^^ `a` can command the engine: its socket stands in `/`
      - {type: npipe, source: '\\.\pipe\docker_engine', target: '\\.\pipe\docker_engine'}
#                             ^^^^^^^^^^^^^^^^^^^^^^^^ `a` can command the engine through its socket `docker_engine`
  b:
    image: x
    volumes: [host:/host, plain:/plain]
  c:
    image: x
    use_api_socket: true
#                   ^^^^ `c` can command the engine, with the credentials of its user
  d:
    image: x
    volumes_from: [a:ro]
#                  ^^^^ `d` can command the engine through its socket `docker.sock`
#                  ^^^^ `d` can command the engine through its socket `podman.sock`
#                  ^^^^ `d` can command the engine: its socket stands in `/run`
#                  ^^^^ `d` can command the engine: its socket stands in `/`
#                  ^^^^ `d` can command the engine through its socket `docker_engine`
  e: {image: x, secrets: [engine]}
volumes:
  plain:
  host:
    driver: local
    driver_opts:
      type: none
      o: rbind,ro
      device: /run/containerd
#             ^^^^^^^^^^^^^^^ `b` can command the engine: its socket stands in `/run/containerd`
secrets:
  engine: {file: /run/docker.sock}
#                ^^^^^^^^^^^^^^^^ `e` can command the engine through its socket `docker.sock`
",
        );
    }

    #[test]
    fn what_only_looks_like_it_is_clean() {
        assert_findings(
            &RULE,
            "
services:
  proxy:
    image: ghcr.io/tecnativa/docker-socket-proxy:0.3@sha256:aa
    volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']
  web:
    image: x
    use_api_socket: false
    volumes:
      - /var/run/postgresql
      - ./docker.sock.d:/var/run/docker.sock
      - /run/docker/plugins:/plugins
      - /run/mysqld/mysqld.sock:/run/mysqld/mysqld.sock
      - type: bind
        source: /
        target: /host
        bind: {recursive: disabled}
      - run:/var/run
volumes:
  run: {driver_opts: {type: nfs, o: 'addr=files.example', device: ':/run'}}
",
        );
    }

    #[test]
    fn an_overlay_is_pointed_at() {
        let over = "services:\n  web:\n    volumes: ['/run:/run']\n#             ^^^^^^^^^^^ `web` can command the engine: its socket stands in `/run`\n";
        Fixture::new("services:\n  web: {image: x, volumes: ['./run:/run']}\n").overlay("over.yaml", over).assert_findings(&RULE);
    }

    #[test]
    fn parameters_decide() {
        let policy = "rules: {docker-socket-mount: {proxies: [own/proxy], folders: []}}\n";
        let text = "services:\n  a: {image: 'r.example:5000/own/proxy:1', volumes: ['/run/docker.sock:/s']}\n  b: {image: x, volumes: ['/run:/run']}\n";
        Fixture::new(text).policy(policy).assert_findings(&RULE);
    }
}
