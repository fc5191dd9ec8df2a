use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Subject};

use super::given::credentials;
use crate::rules::listed::listed;

pub static RULE: Rule = Rule {
    name: "secrets-not-used",
    title: "credentials are handed over by environment only",
    doc: "The stack gives its services credentials as environment variables, and has no `secrets` at all. Variables are \
        seen by `docker inspect`, by every child process, and in crash reports. A secret is a file under `/run/secrets` \
        that only the services which name it can read; most official images take `..._FILE` variables.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12), Reference::Spec("services.secrets")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let uses = subject.services().any(|service| service.get("secrets").is_some()) || subject.top("secrets").next().is_some();
    let names: Vec<String> =
        subject.services().filter(|service| credentials(service).next().is_some()).map(|service| service.name.to_string()).collect();
    if uses || names.is_empty() {
        return;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let verb = if names.len() == 1 { "gets its" } else { "get their" };
    found.report(
        subject.file_spot("secrets"),
        format!("the stack has no secrets: {} {verb} credentials by environment", listed(&names)),
        "declare `secrets`, give each service those that it needs, and set the `..._FILE` variables",
    );
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    fn messages(text: &str) -> Vec<String> {
        Fixture::new(text).findings(&RULE).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn finds_stacks_without_any_secret() {
        let four = "
services:
  a: {image: x, environment: {DB_PASSWORD: hunter22}}
  b: {image: x, environment: [API_KEY=abcdefgh]}
  c: {image: x, environment: {JWT_SECRET: abcdefgh}}
  d: {image: x, environment: {DB_PASSWORD: hunter22}}
  e: {image: x, environment: {DB_USER: app}}
";
        assert_eq!(messages(four), ["the stack has no secrets: `a`, `b` and 2 more get their credentials by environment"]);
        let one = "services:\n  a: {image: x, env_file: a.env}\n";
        let found = Fixture::new(one).file("a.env", "DB_PASSWORD=hunter22\n").findings(&RULE);
        assert_eq!(found[0].message, "the stack has no secrets: `a` gets its credentials by environment");
        assert!(found[0].file.ends_with("compose.yaml"));
    }

    #[test]
    fn is_content_with_files_and_with_secrets() {
        for text in [
            "services:\n  a: {image: x, environment: {DB_PASSWORD_FILE: /run/secrets/db, DB_PASSWORD: ''}}\n",
            "services:\n  a: {image: x, environment: {DB_PASSWORD: hunter22}, secrets: [s]}\nsecrets: {s: {environment: S}}\n",
        ] {
            assert_eq!(messages(text), Vec::<String>::new(), "{text}");
        }
    }
}
