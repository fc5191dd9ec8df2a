use super::runs_as_root::cause;
use crate::catalogue::Start;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::surroundings::dockerfile::is_root;
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "no-user-declared",
    title: "the image alone decides whom a container runs as",
    doc: "Without `user:` a container runs as whatever its image says, which is root unless somebody thought of it, and \
        which the next image can change. Say `user: \"UID:GID\"` with the numbers of the account that owns the service's files; \
        a Dockerfile of one's own says it with `USER`. Images that start as root and change to an account themselves need \
        it all the same: until they do so they hold root's capabilities.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[
        Reference::Link("CIS Docker Benchmark 4.1", "https://www.cisecurity.org/benchmark/docker"),
        Reference::Owasp(2),
        Reference::Spec("services.user"),
    ],
    fix: FixKind::Prove,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.get("user").is_some() || service.get("provider").is_some() || cause(service).is_some() {
        return;
    }
    // Some images take the account they shall change to from the environment, and cannot do with `user:`.
    if service.variable("PUID").is_some_and(|account| !is_root(account)) {
        return;
    }
    let build = service.subject.surroundings.builds.get(service.name);
    if build.and_then(|build| build.image.as_ref()).is_some_and(|image| image.user.is_some()) {
        return;
    }
    let name = service.name;
    let image = service.image().filter(|_| service.get("build").is_none());
    let container = image.and_then(|image| Some((image, service.kind()?.container(image)?.user.as_ref()?)));
    let Some((image, user)) = container else {
        let message = format!("nothing says whom `{name}` runs as: without a word from its image that is root");
        found.report(service.name_spot(), message, "set `user: \"65532:65532\"`, or the account that owns its files");
        return;
    };
    let account = user.account(image);
    let numbers = account.gid.map_or(account.uid.to_string(), |gid| format!("{}:{gid}", account.uid));
    let message = match user.start {
        Start::Drops => format!("`{name}` starts as root, and its image changes to `{}` by itself", account.name),
        Start::Workers => format!("the first process of `{name}` stays root, the others change to `{}`", account.name),
        Start::Own | Start::Root => format!("`{name}` runs as `{}` only as long as its image says so", account.name),
    };
    found.report(service.name_spot(), message, format!("set `user: \"{numbers}\"`")).fix(|| {
        let draft = service.set("user", Plain::Str(numbers.clone()))?;
        Some(draft.caveat("files in its volumes that belong to another account can no longer be written"))
    });
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_services_that_leave_it_to_the_image() {
        assert_findings(
            &RULE,
            "
services:
  mine:
# ^^^^ nothing says whom `mine` runs as: without a word from its image that is root
    image: registry.example.com/mine:1
  db:
# ^^ `db` starts as root, and its image changes to `postgres` by itself
    image: postgres:15
  web:
# ^^^ the first process of `web` stays root, the others change to `nginx`
    image: nginx:1.22
  free:
# ^^^^ `free` runs as `nginx` only as long as its image says so
    image: nginxinc/nginx-unprivileged
  said: {image: 'postgres:15', user: '999:999'}
  root: {image: x, user: root}
  given: {image: linuxserver/plex, environment: [PUID=1000, PGID=1000]}
  node: {image: 'node:18'}
",
        );
    }

    #[test]
    fn a_dockerfile_can_say_it() {
        Fixture::new(
            "
services:
  said: {build: {context: ., dockerfile: said}}
  root: {build: {context: ., dockerfile: root}}
  silent:
# ^^^^^^ nothing says whom `silent` runs as: without a word from its image that is root
    build: {context: ., dockerfile: silent}
    image: postgres:15
  gone:
# ^^^^ nothing says whom `gone` runs as: without a word from its image that is root
    build: ./gone
",
        )
        .file("said", "FROM x\nUSER $WHO\n")
        .file("root", "FROM x\nUSER 0\n")
        .file("silent", "FROM x\n")
        .gathered()
        .assert_findings(&RULE);
    }

    #[test]
    fn the_account_of_the_image_is_named() {
        assert_fixed(
            &RULE,
            "services:\n  db:\n    image: postgres:15-alpine\n",
            "services:\n  db:\n    image: postgres:15-alpine\n    user: '70:70'\n",
        );
    }
}
