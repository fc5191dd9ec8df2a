use crate::finding::{Category, FixKind, Priority};
use crate::model::EnvFile;
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "env-file-not-the-root",
    title: "a service gets its variables from a file of its own",
    doc: "With one `.env` in the project's root there is one place to look, one file to keep out of git, and no variable that \
        has two values. A service that loads another file gets all of it, needed or not, and the values are out of sight of \
        `${}`. Name the variables under `environment`, each as `NAME: ${NAME:?}`.",
    category: Category::EnvironmentVariables,
    priority: Priority::P2,
    references: &[Reference::Spec("services.env_file")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let subject = service.subject;
    let root = &subject.surroundings.root;
    if root.as_os_str().is_empty() {
        return;
    }
    let is_known = |file: &&EnvFile| subject.model.stands_in(file.at).is_none();
    for file in
        subject.model.env_files.get(service.name).into_iter().flatten().filter(is_known).filter(|file| file.path != root.join(".env"))
    {
        let path = file.path.strip_prefix(root).unwrap_or(&file.path).display().to_string();
        found
            .report(
                subject.spot(file.at, format!("services.{}.env_file", service.name), Some(service.name)),
                format!("`{}` gets its variables from `{path}`, not from the project's .env", service.name),
                "move the variables into the root's .env, and name those that it needs under `environment`",
            )
            .about(path);
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    #[test]
    fn finds_files_other_than_the_root_env() {
        let fixture = Fixture::new(
            "
services:
  web:
    image: x
    env_file: [.env, config/web.env]
#                    ^^^^^^^^^^^^^^ `web` gets its variables from `config/web.env`, not from the project's .env
  api: {image: x, env_file: .env}
",
        )
        .file(".env", "A=1\n")
        .file("config/web.env", "B=1\n");
        assert!(fixture.findings(&RULE).is_empty(), "without a project there is no root");
        fixture.gathered().assert_findings(&RULE);
    }

    #[test]
    fn a_file_that_a_variable_names_may_be_the_root_s() {
        Fixture::new("services:\n  web: {image: x, env_file: ['${FILE:?}']}\n").gathered().assert_findings(&RULE);
    }
}
