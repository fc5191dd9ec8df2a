//! Shapes of YAML: edited exactly, or refused.

use crate::support::{Project, judge as compose};

/// Phase 1 holds; the text with the credential replaced by its variable is all that changes.
fn replaces(text: &str, by: &str) -> Project {
    let project = Project::of(text).hides(&["one-good-secret"]);
    let before = compose::installed().then(|| compose::config(project.root(), &["compose.yaml"]).unwrap());
    project.migrated(&[]);
    assert_eq!(project.read("compose.yaml"), text.replace("one-good-secret", by));
    if let Some(before) = before {
        assert_eq!(before, compose::config(project.root(), &["compose.yaml"]).unwrap());
    }
    project
}

const DB_PASSWORD: &str = "${DB_PASSWORD:?set DB_PASSWORD in .env}";

#[test]
fn an_anchored_scalar_changes_once_for_all_who_use_it() {
    replaces(
        "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: &pw one-good-secret\n  \
         app:\n    image: app\n    environment:\n      DB_PASSWORD: *pw\n",
        DB_PASSWORD,
    );
}

#[test]
fn a_merge_key_s_map_changes_once() {
    replaces(
        "x-env: &env\n  POSTGRES_PASSWORD: one-good-secret\n  TZ: UTC\nservices:\n  db:\n    image: postgres:15\n    environment:\n      \
         <<: *env\n  copy:\n    image: postgres:15\n    environment:\n      <<: *env\n      TZ: CET\n",
        DB_PASSWORD,
    );
}

#[test]
fn an_extension_that_no_service_uses_is_cleaned_too() {
    let text = "x-spare: &spare\n  SPARE_PASSWORD: one-good-secret\nservices:\n  db:\n    image: postgres:15\n";
    let project = Project::of(text).hides(&["one-good-secret"]);
    project.migrated(&[]);
    let name = project.env(".env").into_keys().next().unwrap();
    assert_eq!(project.read("compose.yaml"), text.replace("one-good-secret", &format!("${{{name}:?set {name} in .env}}")));
}

#[test]
fn flow_style_is_edited_in_place() {
    replaces(
        "services: {db: {image: 'postgres:15', environment: {POSTGRES_PASSWORD: one-good-secret, TZ: UTC}}}\n",
        "'${DB_PASSWORD:?set DB_PASSWORD in .env}'",
    );
}

#[test]
fn a_flow_list_is_edited_in_place() {
    let project = Project::of("services:\n  db:\n    image: postgres:15\n    environment: [POSTGRES_PASSWORD=one-good-secret, TZ=UTC]\n")
        .hides(&["one-good-secret"]);
    project.migrated(&[]);
    let text = project.read("compose.yaml");
    assert!(text.contains("environment: ['POSTGRES_PASSWORD=${DB_PASSWORD:?set DB_PASSWORD in .env}', TZ=UTC]\n"), "{text}");
}

#[test]
fn a_list_in_block_style_keeps_its_indentation() {
    replaces(
        "services:\n  db:\n    image: postgres:15\n    environment:\n    - TZ=UTC\n    - POSTGRES_PASSWORD=one-good-secret\n    ports:\n    - 5432:5432\n",
        DB_PASSWORD,
    );
}

#[test]
fn two_files_merged_keep_each_its_own() {
    let base = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";
    let over = "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: other-good-secret\n";
    let project =
        Project::with(&[("compose.yaml", base), ("compose.override.yaml", over)]).hides(&["one-good-secret", "other-good-secret"]);
    project.migrated(&[]);
    let env = project.env(".env");
    assert_eq!(env.len(), 2, "the overridden value was written down too, so it moves too: {env:?}");
}

#[test]
fn several_documents_are_one_model() {
    let db = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";
    replaces(&format!("{db}---\nservices:\n  db:\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n"), DB_PASSWORD);
}

#[test]
fn a_value_that_cannot_be_changed_in_place_is_named_and_the_rest_can_go_on() {
    let text = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n      \
                SIGNING_KEY: |-\n        first-line-of-a-key-4f5e6d\n        second-line-of-a-key-7a8b9c\n";
    let project = Project::of(text).hides(&["one-good-secret", "first-line-of-a-key-4f5e6d"]);
    project.refuses(&[], 3, &["movable-credentials", "compose.yaml:7:", "--override movable-credentials"]);
    project.migrated(&["--override", "movable-credentials", "--reason", "the key is for tests"]).says(&["1 places left alone as agreed"]);
    assert_eq!(project.read("compose.yaml"), text.replace("one-good-secret", DB_PASSWORD));
    assert_eq!(project.env(".env").len(), 1, "no variable for what stays");
}

/// What Compose refuses too: refused with their place, and nothing is touched.
#[test]
fn what_is_not_understood_is_refused_clearly() {
    let db = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";
    for (name, text, said) in [
        ("a missing include", format!("include: [nowhere.yml]\n{db}"), "compose.yaml:1"),
        ("a fetched include", format!("include: ['oci://example.org/a']\n{db}"), "compose.yaml:1"),
        ("extending itself", format!("{db}    extends:\n      service: db\n"), "compose.yaml:7"),
        ("a duplicate key", format!("{db}      POSTGRES_PASSWORD: one-good-secret\n"), "compose.yaml:6"),
        ("a tab", db.replace("      POSTGRES", "\tPOSTGRES"), "compose.yaml:5"),
        ("an unknown alias", db.replace("one-good-secret", "*nowhere"), "compose.yaml:5"),
        ("a wrong type", db.replace("image: postgres:15", "image: [one-good-secret]"), "compose.yaml:3"),
    ] {
        let project = Project::of(&text).hides(&["one-good-secret"]);
        let outcome = project.refuses(&[], 3, &["stacks-render", said, "nothing was touched"]);
        assert!(!outcome.stderr.contains("Applied"), "{name}: {outcome}");
    }
}
