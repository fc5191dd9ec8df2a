use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, Spot};
use crate::surroundings::Read;

pub static RULE: Rule = Rule {
    name: "variable-not-passed",
    title: "the source reads a variable that the service does not get",
    doc: "The source that the service is built from reads a variable and has no default for it, but neither `environment` nor \
        an env file nor the Dockerfile's `ENV` gives it: the program fails, or works without its key. Name it under \
        `environment`, as `NAME: ${NAME:?}`. Containers see no variables of the machine that they are not given.",
    category: Category::EnvironmentVariables,
    priority: Priority::P2,
    references: &[Reference::Spec("services.environment"), Reference::Link("The Twelve-Factor App: config", "https://12factor.net/config")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let subject = service.subject;
    let Some(build) = subject.surroundings.builds.get(service.name).filter(|build| !build.reads.is_empty()) else { return };
    let files = subject.model.env_files.get(service.name);
    // What a file would give that is not on this machine, nobody knows.
    if files.into_iter().flatten().any(|file| file.source.is_none()) {
        return;
    }
    let ignored = subject.policy.list(RULE.name, "ignore");
    let ignored =
        |name: &str| ignored.iter().any(|known| known == name || known.strip_suffix('*').is_some_and(|start| name.starts_with(start)));
    let mut given: BTreeSet<&str> = service.entries("environment").map(|(name, _)| name).collect();
    given.extend(build.image.iter().flat_map(|image| image.environment.iter().map(String::as_str)));
    // One read that goes on without it shows that it may be missing.
    let mut needed: BTreeMap<&str, &Read> = BTreeMap::new();
    for read in build.reads.iter().rev() {
        needed.insert(&read.name, read);
    }
    needed.retain(|name, _| !build.reads.iter().any(|read| read.name == **name && read.has_default));
    for (name, read) in needed {
        let by_file = format!("{name}_FILE");
        if given.contains(name) || given.contains(by_file.as_str()) || ignored(name) {
            continue;
        }
        let at = read.file.strip_prefix(&subject.surroundings.root).unwrap_or(&read.file).display();
        let spot = Spot { place: format!("services.{}.environment.{name}", service.name), ..service.name_spot() };
        found.report(
            spot,
            format!("`{}` is not given `{name}`, which {at}:{} reads without a default", service.name, read.line),
            format!("add `{name}: ${{{name}:?}}` under `environment`, or give the source a default"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    fn fixture(compose: &str) -> Fixture {
        Fixture::new(compose)
            .file("Dockerfile", "FROM node:18\nENV FROM_IMAGE=1\nCOPY src /app\nUSER node\n")
            .file(
                "src/main.js",
                "const a = process.env.GIVEN;\nconst key = process.env.OPENAI_API_KEY;\nconst port = process.env.PORT || 1;\n\
                 process.env.FROM_IMAGE; process.env.NODE_ENV; process.env.IN_FILE; process.env.SECRET\n",
            )
            .file("src/more.js", "process.env.PORT; process.env.OPENAI_API_KEY\n")
            .file("test/a.js", "process.env.OTHER\n")
            .file("web.env", "IN_FILE=1\n")
            .gathered()
    }

    #[test]
    fn finds_what_the_source_needs_and_nothing_gives() {
        fixture(
            "
services:
  web:
# ^^^ `web` is not given `OPENAI_API_KEY`, which src/main.js:2 reads without a default
    build: .
    env_file: web.env
    environment:
      GIVEN: x
      SECRET_FILE: /run/secrets/s
  bare:
# ^^^^ `bare` is not given `GIVEN`, which src/main.js:1 reads without a default
# ^^^^ `bare` is not given `IN_FILE`, which src/main.js:4 reads without a default
# ^^^^ `bare` is not given `OPENAI_API_KEY`, which src/main.js:2 reads without a default
# ^^^^ `bare` is not given `SECRET`, which src/main.js:4 reads without a default
    build: .
  pulled: {image: x}
",
        )
        .assert_findings(&RULE);
    }

    #[test]
    fn says_nothing_where_a_file_is_missing() {
        let text = "services:\n  web: {build: ., env_file: [{path: gone.env, required: false}]}\n";
        assert!(fixture(text).findings(&RULE).is_empty());
    }
}
