//! Comments, messages, and files that cannot be read: what is shown beside a change.

use crate::support::Project;

const COMPOSE: &str = r#"services:
  db:
    image: postgres:15
    environment:
      # POSTGRES_PASSWORD: Cswitchedoff6Tr
      POSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB # Cmap7Kq2vX9zR4tB for everybody
      LEVEL: info # not secret
"#;

#[test]
fn a_comment_beside_a_change_is_shown_without_its_secret() {
    let project = Project::with(&[("compose.yaml", COMPOSE), (".gitignore", "/.env\n")]).hides(&[
        "Cmap7Kq2vX9zR4tB",
        "Cswitchedoff6Tr",
        "Cold4prose2Kw",
        "Cinline8Bs",
    ]);
    project.write(".env", "A=1\n# before: Cold4prose2Kw\nB=2 # Cinline8Bs\n");
    let plan = project.migrate(&["--dry-run"]).exits(0);
    plan.says(&["LEVEL: info # not secret", "# Credentials that stood in compose files", "compose.yaml:6: a comment says a credential"]);
    project.xtask(&["migrate", "--status"]).run().exits(1);
    project.migrated(&["--format", "json"]);
}

#[test]
fn an_example_that_nobody_can_read_is_not_shown() {
    let example = "# Settings\nAPI_KEY=\"Cunclosed5Lm\nsecond Cline9Qw\n";
    let project = Project::with(&[("compose.yaml", COMPOSE), (".env.example", example), (".gitignore", "/.env\n")]).hides(&[
        "Cunclosed5Lm",
        "Cline9Qw",
        "Cmap7Kq2vX9zR4tB",
    ]);
    project.migrate(&["--dry-run"]).exits(0).says(&["# Settings", "API_KEY=********"]);
}

/// What Compose says of a missing variable may be made from others.
#[test]
fn a_message_made_from_a_secret_is_not_shown() {
    let asks = "services:\n  db:\n    image: a\n    environment:\n      A: ${X:?set X like ${MY_PASSWORD}}\n      B: b\n";
    let project = Project::with(&[("compose.yaml", asks), (".gitignore", "/.env\n")]).hides(&["Cnested4Secret"]);
    project.write(".env", "MY_PASSWORD=Cnested4Secret\n");
    project.xtask(&["render", "shop"]).run().exits(2).says(&["the variable X has no value"]);
    project.migrate(&["--dry-run"]).exits(3);
}
