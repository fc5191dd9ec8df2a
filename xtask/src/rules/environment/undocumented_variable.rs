use std::collections::BTreeMap;

use crate::catalogue::key_shape;
use crate::finding::{Category, FixKind, Priority};
use crate::model::interpolate::Op;
use crate::model::{Found as Set, Reference as Variable};
use crate::rules::listed::listed;
use crate::rules::{Check, Found, Reference, Rule, Subject};

pub static RULE: Rule = Rule {
    name: "undocumented-variable",
    title: "no template names a variable that the stack uses",
    doc: "Who sets the stack up on another machine does not have its `.env`: a template beside it, `.env.example`, names every \
        variable, says what it is for, and holds no secret. Variables that are missing there are found only when something \
        fails.",
    category: Category::EnvironmentVariables,
    priority: Priority::P2,
    references: &[Reference::Link("The Twelve-Factor App: config", "https://12factor.net/config"), Reference::Spec("interpolation")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let of_shells = subject.policy.list(RULE.name, "ignore");
    let mut used: BTreeMap<&str, &Variable> = BTreeMap::new();
    for reference in &subject.model.references {
        let name = reference.name.as_str();
        let own = reference.found == Set::Compose || name.starts_with("COMPOSE_") || of_shells.iter().any(|known| known == name);
        if !own {
            used.entry(name).or_insert(reference);
        }
    }
    let Some(documented) = &subject.surroundings.documented else {
        // Those with a default document themselves, unless it is one that must not stay.
        let needed = |name: &&str| {
            let mut references = subject.model.references.iter().filter(|reference| reference.name == **name);
            key_shape(name).is_credential() || references.any(|reference| !matches!(reference.op, Op::Default { .. }))
        };
        let names: Vec<&str> = used.keys().copied().filter(needed).collect();
        if !names.is_empty() && !subject.surroundings.root.as_os_str().is_empty() {
            found.report(
                subject.file_spot("variables"),
                format!("no template says which variables the stack needs: {}", listed(&names)),
                format!("write a `.env.example` with what each is for, and no secret: {}", names.join(", ")),
            );
        }
        return;
    };
    for (name, reference) in used.into_iter().filter(|(name, _)| !documented.names.contains(*name)) {
        let template = documented.files.first().and_then(|file| file.file_name()).unwrap_or_default().to_string_lossy();
        found
            .report(
                subject.spot(reference.at, reference.place.clone(), reference.service.as_deref()),
                format!("`{name}` is not named in {template}"),
                format!("add a line `{name}=` with what it is for to {template}"),
            )
            .about(name);
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    const TEXT: &str = "
services:
  web:
    image: web:${TAG:-1}
    environment: {A: '${A:?}', B: '${A:?}', C: '${COMPOSE_PROJECT_NAME}', H: '${HOME}'}
#                    ^^^^^^^^ `A` is not named in .env.example
";

    #[test]
    fn finds_what_the_template_leaves_out() {
        Fixture::new(TEXT).file(".env", "A=1\n").file(".env.example", "# which release\nTAG=\n").gathered().assert_findings(&RULE);
        assert!(Fixture::new(TEXT).file(".env", "A=1\n").file(".env.example", "TAG=\n# A=\n").gathered().findings(&RULE).is_empty());
    }

    #[test]
    fn says_once_that_there_is_no_template() {
        let found = Fixture::new(TEXT).file(".env", "A=1\n").gathered().findings(&RULE);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "no template says which variables the stack needs: `A`");
        let credential = "services:\n  web: {image: 'x:${TAG:-1}', environment: {P: '${DB_PASSWORD:-x}'}}\n";
        let found = Fixture::new(credential).gathered().findings(&RULE);
        assert!(found[0].message.ends_with("needs: `DB_PASSWORD`"));
        let none = Fixture::new("services:\n  web: {image: 'x:${TAG:-1}', environment: {A: '${COMPOSE_PROJECT_NAME}'}}\n").gathered();
        assert!(none.findings(&RULE).is_empty());
    }
}
