use crate::finding::{Category, FixKind, Priority};
use crate::model::EnvFile;
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "env-file-missing",
    title: "an env file that a service names is not there",
    doc: "A service whose env file is missing does not start; one whose entry says `required: false` starts without the \
        variables, in silence. Put the file where it is expected, or take the entry out. Where git ignores the file, as it \
        should an `.env`, it is missing in every fresh clone, and what it would have said is not judged there.",
    category: Category::EnvironmentVariables,
    priority: Priority::P2,
    references: &[Reference::Spec("services.env_file")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let subject = service.subject;
    let is_known = |file: &&EnvFile| subject.model.stands_in(file.at).is_none();
    for file in subject.model.env_files.get(service.name).into_iter().flatten().filter(is_known).filter(|file| file.source.is_none()) {
        let path = file.path.strip_prefix(&subject.surroundings.root).unwrap_or(&file.path).display().to_string();
        found
            .report(
                subject.spot(file.at, format!("services.{}.env_file", service.name), Some(service.name)),
                format!("`{}` names the env file `{path}`, which is not there", service.name),
                "put it there, or take the entry out",
            )
            .about(path);
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    #[test]
    fn finds_entries_without_a_file() {
        Fixture::new(
            "
services:
  web:
    image: x
    env_file:
      - web.env
      - path: local/web.env
#             ^^^^^^^^^^^^^ `web` names the env file `local/web.env`, which is not there
        required: false
",
        )
        .file("web.env", "A=1\n")
        .gathered()
        .assert_findings(&RULE);
    }

    #[test]
    fn a_file_that_a_variable_names_may_be_there() {
        Fixture::new("services:\n  web: {image: x, env_file: ['${FILE:?}', 'config/${STAGE:?}.env']}\n").gathered().assert_findings(&RULE);
    }
}
