use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

use super::given::is_credential;

pub static RULE: Rule = Rule {
    name: "secret-in-build-arg",
    title: "a credential is given to a build as an argument",
    doc: "Build arguments are no secrets, wherever their values come from: they stay in the image's history and in the \
        build cache, for everybody who can pull the image. Name the secret under `build.secrets` and read it in the \
        Dockerfile with `RUN --mount=type=secret`.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[
        Reference::Link(
            "Docker: build checks, SecretsUsedInArgOrEnv",
            "https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/",
        ),
        Reference::Spec("build.secrets"),
        Reference::Owasp(12),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    for (key, value) in service.entries("build.args") {
        // One that the caller's environment has, too: the model knows its value.
        if value.as_str().is_some_and(|text| is_credential(key, text)) {
            found.report(
                service.entry_spot("build.args", key),
                format!("`{}` gives `{key}` to its build, where it stays in the image's history", service.name),
                "name it under `build.secrets`, and read it with `RUN --mount=type=secret`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    #[test]
    fn finds_literals_variables_and_what_the_caller_has() {
        Fixture::new(
            "
services:
  web:
    build:
      context: .
      args:
        NPM_TOKEN: ${NPM_TOKEN}
#                  ^^^^^^^^^^^^ `web` gives `NPM_TOKEN` to its build, where it stays in the image's history
        DB_PASSWORD: hunter22
#                    ^^^^^^^^ `web` gives `DB_PASSWORD` to its build, where it stays in the image's history
        TOKEN_TTL: 15m
        PUBLIC_KEY: abc
        API_KEY: ''
        VERSION: '1'
  api:
    build:
      context: .
      args: [GITHUB_TOKEN]
#            ^^^^^^^^^^^^ `api` gives `GITHUB_TOKEN` to its build, where it stays in the image's history
  ok: {build: {context: ., secrets: [npm_token]}}
secrets: {npm_token: {environment: NPM_TOKEN}}
",
        )
        .file(".env", "NPM_TOKEN=abcdefgh\nGITHUB_TOKEN=abcdefgh\n")
        .assert_findings(&RULE);
    }
}
