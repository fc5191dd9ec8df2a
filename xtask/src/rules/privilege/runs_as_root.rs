use crate::catalogue::Start;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::surroundings::dockerfile::is_root;

pub static RULE: Rule = Rule {
    name: "runs-as-root",
    title: "a container's programs run as root",
    doc: "`user: root`, a Dockerfile whose last `USER` is root, or an image that stays root: whoever takes over the program \
        owns every file in the container and in its volumes, and a flaw of the kernel or the runtime makes that root on the \
        host. Give the Dockerfile a `USER` with a number, or the service a `user:`.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[
        Reference::Link("CIS Docker Benchmark 4.1", "https://www.cisecurity.org/benchmark/docker"),
        Reference::Owasp(2),
        Reference::Spec("services.user"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let name = service.name;
    let help = "set `user: \"65532:65532\"`, or the account that owns its files";
    match cause(service) {
        Some(Cause::Declared) => {
            found.report(service.spot("user"), format!("`{name}` is told to run as root"), help);
        }
        Some(Cause::Dockerfile(line)) => {
            let message = format!("`{name}` runs as root: line {line} of its Dockerfile says so");
            found.report(service.spot("build"), message, "end the Dockerfile with `USER 65532:65532`, or set `user:`");
        }
        Some(Cause::Scratch) => {
            let message = format!("`{name}` runs as root: its Dockerfile starts from nothing and names no user");
            found.report(service.spot("build"), message, "end the Dockerfile with `USER 65532:65532`, or set `user:`");
        }
        Some(Cause::Base(base)) => {
            let message = format!("`{name}` runs as root: so does `{base}`, which it is built from, and its Dockerfile names no user");
            found.report(service.spot("build"), message, "end the Dockerfile with `USER 65532:65532`, or set `user:`");
        }
        Some(Cause::Image) => {
            found.report(service.spot("image"), format!("`{name}` runs as root: its image does unless told otherwise"), help);
        }
        None => {}
    }
}

/// Why a service runs as root.
pub(super) enum Cause {
    Declared,
    /// The last `USER`, by its line.
    Dockerfile(usize),
    Scratch,
    Base(String),
    Image,
}

/// Why it certainly does; `None` where it does not, or nobody knows.
pub(super) fn cause(service: &Service<'_>) -> Option<Cause> {
    if let Some(user) = service.scalar("user") {
        return is_root(&user).then_some(Cause::Declared);
    }
    if service.get("build").is_none() {
        return stays_root(service.image()?).then_some(Cause::Image);
    }
    let image = service.subject.surroundings.builds.get(service.name)?.image.as_ref()?;
    if let Some(user) = &image.user {
        return user.is_root().then_some(Cause::Dockerfile(user.line));
    }
    match image.base.as_deref()? {
        "scratch" => Some(Cause::Scratch),
        base if stays_root(base) => Some(Cause::Base(base.to_string())),
        _ => None,
    }
}

fn stays_root(image: &str) -> bool {
    let container = crate::catalogue::server_kind(image).and_then(|kind| kind.container(image));
    container.and_then(|container| container.user.as_ref()).is_some_and(|user| user.start == Start::Root)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_users_and_images_that_are_root() {
        assert_findings(
            &RULE,
            "
services:
  named: {image: x, user: root}
#                         ^^^^ `named` is told to run as root
  number:
    image: x
    user: '0:1000'
#         ^^^^^^^^ `number` is told to run as root
  signed:
    image: x
    user: '+0'
#         ^^^^ `signed` is told to run as root
  group:
    image: x
    user: ':1000'
#         ^^^^^^^ `group` is told to run as root
  runtime:
    image: node:18-bookworm-slim
#          ^^^^^^^^^^^^^^^^^^^^^ `runtime` runs as root: its image does unless told otherwise
  given: {image: 'node:18', user: node}
  minus: {image: x, user: '-1'}
  account: {image: x, user: '1000:0'}
  drops: {image: 'postgres:15'}
  unknown: {image: 'mine:1'}
",
        );
    }

    #[test]
    fn finds_what_dockerfiles_say() {
        Fixture::new(
            "
services:
  last:
    build: {context: ., dockerfile: last}
#   ^^^^^ `last` runs as root: line 4 of its Dockerfile says so
  target:
    build: {context: ., dockerfile: last, target: one}
  nothing:
    build: {context: ., dockerfile: nothing}
#   ^^^^^ `nothing` runs as root: its Dockerfile starts from nothing and names no user
  base:
    build: {context: ., dockerfile: base}
#   ^^^^^ `base` runs as root: so does `python:3.11`, which it is built from, and its Dockerfile names no user
  base-given: {build: {context: ., dockerfile: base}, user: '1000'}
  unknown: {build: {context: ., dockerfile: unknown}}
  variable: {build: {context: ., dockerfile: variable}}
  gone: {build: ./gone}
",
        )
        .file("last", "FROM mine AS one\nUSER app\nFROM one\nUSER root\n")
        .file("nothing", "FROM golang AS build\nUSER app\nFROM scratch\nCOPY --from=build /x /x\n")
        .file("base", "FROM python:3.11\nRUN useradd app\n")
        .file("unknown", "FROM mine\n")
        .file("variable", "FROM mine\nUSER $WHO\n")
        .gathered()
        .assert_findings(&RULE);
    }
}
