use std::collections::BTreeSet;

use crate::finding::{Category, FixKind, Priority};
use crate::model::{Found as Set, interpolate::Op};
use crate::rules::{Check, Found, Reference, Rule, Subject};

pub static RULE: Rule = Rule {
    name: "undefined-variable",
    title: "a variable that nothing sets becomes empty",
    doc: "`${NAME}` without a value is replaced by nothing: Compose warns, and starts the service all the same, without its \
        password, host or version. Where it must be set, `${NAME:?message}` refuses the start; where it need not be, \
        `${NAME:-default}` says what holds.",
    category: Category::EnvironmentVariables,
    priority: Priority::P1,
    references: &[Reference::Spec("interpolation")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    // One inside another's default is needed only where the other is missing.
    let bare = subject.model.references.iter().filter(|reference| reference.op == Op::None && !reference.nested);
    for reference in bare.filter(|reference| reference.found == Set::Unset) {
        let name = reference.name.as_str();
        if known.insert(name) {
            found
                .report(
                    subject.spot(reference.at, reference.place.clone(), reference.service.as_deref()),
                    format!("nothing sets `{name}`, so that it becomes empty"),
                    format!("write `${{{name}:?set it in .env}}`, or a default that holds without it"),
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
    fn finds_each_variable_once() {
        Fixture::new(
            "
services:
  web:
    image: web:${TAG}
#          ^^^^^^^^^^ nothing sets `TAG`, so that it becomes empty
    environment:
      A: ${SET}
      B: ${SET_TO_NOTHING}
      C: ${DEFAULT:-x}${OTHER-}
      D: ${EXTRA:+yes}
      E: ${DEFAULT:-${INNER}}
      F: $$NO
      G: a$TAG
      H: ${COMPOSE_PROJECT_NAME}
",
        )
        .file(".env", "SET=1\nSET_TO_NOTHING=\n")
        .assert_findings(&RULE);
    }
}
