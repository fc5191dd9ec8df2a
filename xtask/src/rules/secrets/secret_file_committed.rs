use std::path::Path;

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Subject};

pub static RULE: Rule = Rule {
    name: "secret-file-committed",
    title: "git tracks the file of a secret",
    doc: "The file behind `secrets.*.file` is in the repository: everybody who can clone it has the secret, and so has its \
        history for ever. Take it out of git (`git rm --cached`), name it in `.gitignore`, and change the secret.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Owasp(12), Reference::Spec("secrets.file")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

/// Endings of files that hold nothing without another key.
const ENCRYPTED: [&str; 7] = ["age", "asc", "enc", "gpg", "sops", "pgp", "vault"];

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let Some(tracked) = &subject.surroundings.tracked else { return };
    for (name, secret) in subject.top("secrets") {
        let Some(file) = secret.get("file") else { continue };
        let path = Path::new(file.as_str().unwrap_or_default());
        let encrypted = path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENCRYPTED.contains(&ending));
        if tracked.contains(path) && !encrypted {
            let shown = path.strip_prefix(&subject.surroundings.root).unwrap_or(path).display();
            found.report(
                subject.spot(file.at, format!("secrets.{name}.file"), None),
                format!("git tracks `{shown}`, the file of the secret `{name}`"),
                "take it out of git, name it in .gitignore, and change the secret",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::RULE;
    use crate::rules::testing::Fixture;

    #[test]
    fn finds_files_that_git_tracks() {
        let mut fixture = Fixture::new(
            "
services:
  db: {image: x, secrets: [tracked, ignored, sealed, elsewhere]}
secrets:
  tracked:
    file: ./secrets/db.txt
#         ^^^^^^^^^^^^^^^^ git tracks `secrets/db.txt`, the file of the secret `tracked`
  ignored: {file: ./secrets/local.txt}
  sealed: {file: ./secrets/db.age}
  elsewhere: {environment: DB_PASSWORD}
",
        );
        assert!(fixture.findings(&RULE).is_empty(), "without git nothing is known");
        let tracked = ["secrets/db.txt", "secrets/db.age", "compose.yaml"].map(|name| format!("/project/{name}").into());
        fixture.surroundings.tracked = Some(Arc::new(tracked.into_iter().collect()));
        fixture.surroundings.root = "/project".into();
        fixture.assert_findings(&RULE);
    }
}
