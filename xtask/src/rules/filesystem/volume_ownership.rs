use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "volume-ownership",
    title: "a service runs as a user that cannot write to its volume",
    doc: "An empty named volume takes its owner from the image's folder. A service whose `user` is another one cannot write \
        there, and fails at its first start. Name the account of the image (`user: \"999:999\"` for `postgres` on Debian, \
        `\"70:70\"` on Alpine), or give the volume to the other account before, with a service that runs once. Reported \
        where the image's account is known and `user` is a number.",
    category: Category::VolumeMounts,
    priority: Priority::P2,
    references: &[
        Reference::Spec("services.user"),
        Reference::Link("Docker volumes", "https://docs.docker.com/engine/storage/volumes/#populate-a-volume-using-a-container"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(image) = service.image().filter(|_| service.get("build").is_none()) else { return };
    let Some(container) = service.kind().and_then(|kind| kind.container(image)) else { return };
    let account = container.user.as_ref().map(|user| user.account(image));
    let user = service.scalar("user").and_then(|user| user.split(':').next()?.parse::<u32>().ok());
    let (Some(account), Some(user)) = (account, user) else { return };
    if user == 0 || user == account.uid || prepared(service) {
        return;
    }
    let owned = |target: &str| container.data.iter().any(|path| path == target);
    if let Some(mount) = service.volume_mounts().into_iter().find(|mount| owned(mount.target)) {
        let message =
            format!("`{}` runs as {user}, but a new volume `{}` belongs to {} ({})", service.name, mount.volume, account.uid, account.name);
        let help = match account.gid {
            Some(gid) => format!("write `user: \"{}:{gid}\"`, or give the volume to {user} first", account.uid),
            None => format!("write `user: \"{}\"`, or give the volume to {user} first", account.uid),
        };
        found.report(service.spot("user"), message, help).about(mount.volume);
    }
}

/// Whether something runs to its end before: it may have given the volume away.
fn prepared(service: &Service<'_>) -> bool {
    let mut conditions = service.entries("depends_on").filter_map(|(_, on)| on.get("condition")?.as_str());
    conditions.any(|condition| condition == "service_completed_successfully")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_users_that_cannot_write() {
        assert_findings(
            &RULE,
            "
services:
  db:
    image: postgres:16
    user: '65532:65532'
#         ^^^^^^^^^^^^^ `db` runs as 65532, but a new volume `data` belongs to 999 (postgres)
    volumes: ['data:/var/lib/postgresql/data']
  alpine:
    image: postgres:16-alpine
    user: '999'
#         ^^^^^ `alpine` runs as 999, but a new volume `data2` belongs to 70 (postgres)
    volumes: ['data2:/var/lib/postgresql/data']
volumes: {data: , data2: }
",
        );
    }

    #[test]
    fn the_images_account_and_what_is_not_known_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  own: {image: 'postgres:16', user: '999:999', volumes: ['data:/var/lib/postgresql/data']}
  named: {image: 'postgres:16', user: postgres, volumes: ['data:/var/lib/postgresql/data']}
  none: {image: 'postgres:16', volumes: ['data:/var/lib/postgresql/data']}
  root: {image: 'postgres:16', user: '0', volumes: ['data:/var/lib/postgresql/data']}
  bind: {image: 'postgres:16', user: '1000:1000', volumes: ['./data:/var/lib/postgresql/data']}
  unknown: {image: app, user: '1000', volumes: ['data:/data']}
  vendor: {image: 'timescale/timescaledb-ha:pg16', user: '1000', volumes: ['data:/home/postgres/pgdata']}
  given:
    image: 'redis:7'
    user: '1000'
    volumes: ['cache:/data']
    depends_on: {owner: {condition: service_completed_successfully}}
  owner: {image: busybox, volumes: ['cache:/data']}
volumes: {data: , cache: }
",
        );
    }
}
