use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::finding::{Category, FixKind, Priority};
use crate::model::Model;
use crate::rules::{Check, Fact, Found, Reference, Rule, Spot, Subject};
use crate::yaml::Origin;

pub static RULE: Rule = Rule {
    name: "conflicting-variable",
    title: "one variable has different values in different files",
    doc: "The same name stands in several env files of stacks with the same role, with different values: which one holds \
        depends on who reads it, `${}` or a container, and a change in one place is forgotten in the other. Let each name \
        have one value in one file; what differs is called differently.",
    category: Category::EnvironmentVariables,
    priority: Priority::P2,
    references: &[Reference::Spec("services.env_file"), Reference::Spec("interpolation")],
    fix: FixKind::Report,
    check: Check::Across { gather, judge },
};

/// What each env file says of each name, pointed at where a compose file brings the env file in: its own
/// lines are shown to nobody.
fn gather(subject: &Subject<'_>) -> Vec<Fact> {
    let ignored = subject.policy.list(RULE.name, "ignore");
    let mut facts = Vec::new();
    for (number, source) in (0_u32..).zip(&subject.model.sources) {
        // The last entry of a name counts.
        let latest: BTreeMap<&str, &str> = source.entries().iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
        for (name, value) in latest.into_iter().filter(|(name, _)| !ignored.iter().any(|known| known == name)) {
            let Some(spot) = brought_in(subject, number, name) else { continue };
            let says = format!("{}\n{}", shown(&source.path, &subject.surroundings.root), hash(value));
            facts.push(Fact { stack: subject.id.to_string(), role: subject.role, key: name.to_string(), says, spot });
        }
    }
    facts
}

/// The `env_file` entry that loads a file, or the `${}` that takes this name out of it.
fn brought_in(subject: &Subject<'_>, source: u32, name: &str) -> Option<Spot> {
    let model: &Model = subject.model;
    let entry = model.env_files.iter().find_map(|(service, files)| {
        let file = files.iter().find(|file| file.source == Some(source))?;
        Some((file.at, format!("services.{service}.env_file"), Some(service.as_str())))
    });
    let variable = || {
        let of_file = model.variable_files.contains(&source);
        let reference = model.references.iter().find(|reference| of_file && reference.name == name)?;
        Some((reference.at, reference.place.clone(), reference.service.as_deref()))
    };
    let (at, place, service): (Origin, String, Option<&str>) = entry.or_else(variable)?;
    Some(subject.spot(at, place, service))
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Enough to tell values apart, and nothing of them.
fn hash(value: &str) -> String {
    Sha256::digest(value)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn judge(facts: &[Fact], found: &mut Found<'_>) {
    let mut names: BTreeMap<(bool, &str), Vec<&Fact>> = BTreeMap::new();
    for fact in facts {
        names.entry((fact.role == crate::project::Role::Dev, &fact.key)).or_default().push(fact);
    }
    for ((_, name), facts) in names {
        let Some((first, (file, value))) = facts.first().and_then(|fact| Some((*fact, fact.says.split_once('\n')?))) else { continue };
        let other = facts.iter().find_map(|fact| {
            let (other_file, other_value) = fact.says.split_once('\n')?;
            (other_value != value && other_file != file).then_some((*fact, other_file))
        });
        let Some((fact, other_file)) = other else { continue };
        let stacks = if fact.stack == first.stack { String::new() } else { format!(" (stacks {} and {})", first.stack, fact.stack) };
        found
            .report(
                fact.spot.clone(),
                format!("`{name}` has one value in {file} and another in {other_file}{stacks}"),
                "keep one of them, or give what differs another name",
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
    image: web:${TAG}${SAME}
    env_file: web.env
#             ^^^^^^^ `TAG` has one value in .env and another in web.env
    environment: {PORT: '${PORT}'}
";

    #[test]
    fn finds_names_with_two_values() {
        let fixture = Fixture::new(TEXT)
            .file(".env", "TAG=one\nSAME='a'\nUNUSED=1\nPORT=1\n")
            .file("web.env", "TAG=zero\nTAG=two\nSAME=a\nUNUSED=2\nPORT=2\n")
            .gathered();
        fixture.assert_findings(&RULE);
        let shown = format!("{:?}", fixture.findings(&RULE));
        assert!(!shown.contains("two") && !shown.contains("zero"), "a value is never shown");
    }

    #[test]
    fn the_same_value_is_no_conflict() {
        let text = TEXT.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        let fixture = Fixture::new(&text).file(".env", "TAG=1\nSAME=a\n").file("web.env", "TAG=1\n").gathered();
        assert!(fixture.findings(&RULE).is_empty());
    }
}
