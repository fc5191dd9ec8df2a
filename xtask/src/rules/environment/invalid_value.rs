use std::collections::BTreeSet;

use super::expects::wrong_kind;
use crate::finding::{Category, FixKind, Priority};
use crate::model::Found as Set;
use crate::rules::{Check, Found, Reference, Rule, Subject};
use crate::yaml::Origin;

pub static RULE: Rule = Rule {
    name: "invalid-value",
    title: "a variable's value cannot be what its name says",
    doc: "A port above 65535, a URL without a host, `ture` for a switch, a duration with a unit that there is not: the service \
        starts, and fails later or falls back without a word. Only values that can be nothing else are named.",
    category: Category::EnvironmentVariables,
    priority: Priority::P1,
    references: &[Reference::Spec("services.environment")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    // A value that lacks one of its variables is not the one that will be.
    let unset = |at: Origin| {
        let missing = |set: Set| !matches!(set, Set::Exported | Set::EnvFile(_) | Set::Compose);
        subject.model.references.iter().any(|reference| reference.at == at && missing(reference.found))
    };
    // Several services can get the same entry, of an anchor or an env file.
    let mut known: BTreeSet<Origin> = BTreeSet::new();
    for service in subject.services() {
        for (name, value) in service.entries("environment") {
            let Some(kind) = value.as_str().and_then(|text| wrong_kind(name, text)) else { continue };
            if unset(value.at) || !known.insert(value.at) {
                continue;
            }
            // What stands in an env file is not shown with its line.
            let spot = if subject.is_in_compose(value.at) { service.entry_spot("environment", name) } else { service.name_spot() };
            found
                .report(
                    spot,
                    format!("`{name}` of `{}` cannot be {kind}", service.name),
                    format!("write {kind}, or call the variable otherwise"),
                )
                .about(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    #[test]
    fn finds_values_that_cannot_be() {
        Fixture::new(
            "
x-env: &env
  HTTP_PORT: 80800
#            ^^^^^ `HTTP_PORT` of `web` cannot be a port
services:
  web:
# ^^^ `READ_TIMEOUT` of `web` cannot be a duration
    image: x
    env_file: web.env
    environment:
      <<: *env
      API_URL: http://${HOST}:80
#              ^^^^^^^^^^^^^^^^^ `API_URL` of `web` cannot be a URL
      UNSET_URL: http://${NOBODY}:80
      DB_PORT: 5432
  api: {image: x, environment: *env}
",
        )
        .file(".env", "HOST=\n")
        .file("web.env", "READ_TIMEOUT=30x\n")
        .assert_findings(&RULE);
    }
}
