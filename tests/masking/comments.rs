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

/// A report quotes the line of a finding, comment and all.
#[test]
fn a_comment_on_a_line_that_an_audit_quotes_is_shown_without_its_secret() {
    let compose = "services:
  db:
    image: postgres:15 # POSTGRES_PASSWORD=Cold4comment2Kw, or postgres://u:Curl5comment3Lm@db/x
    privileged: true # -H 'Authorization: Bearer Chead6comment4Mn'
    user: root # the same as Cmap7Kq2vX9zR4tB, for everybody
    environment:
      POSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB
";
    let project =
        Project::with(&[("compose.yaml", compose)]).hides(&["Cold4comment2Kw", "Curl5comment3Lm", "Chead6comment4Mn", "Cmap7Kq2vX9zR4tB"]);
    for format in ["human", "markdown", "html", "json", "sarif", "github"] {
        project.xtask(&["audit", "-v", "--format", format]).run().exits(1);
    }
    let said = project.xtask(&["audit"]).run().exits(1);
    said.says(&["image: postgres:15 # POSTGRES_PASSWORD=********", "user: root # the same as ********, for everybody"]);
    project.xtask(&["audit", "--fix"]).run().exits(0);
    project.xtask(&["review"]).run().exits(0);
}

/// Rendering takes away what told the secret: the variable's name, or the key of an anchor.
#[test]
fn render_masks_what_only_the_file_tells() {
    let compose = "x-a:
  api_token: &t Canchor7Qr8
services:
  db:
    image: postgres:15
    environment:
      DEF: ${X_PASSWORD:-Cdefault5Tv}
      NESTED: ${Z_SECRET:-${Q:-Cnested6Uw}}
      ALIAS: *t
    command: [\"curl\", \"-H\", \"Authorization: Bearer Cheader9Xy\"]
";
    let project = Project::of(compose).hides(&["Canchor7Qr8", "Cdefault5Tv", "Cnested6Uw", "Cheader9Xy"]);
    project.xtask(&["render", "shop"]).run().exits(0).says(&["\"DEF\": \"********\"", "Bearer ********"]);
}
