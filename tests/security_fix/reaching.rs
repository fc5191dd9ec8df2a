//! Stacks that reach into other files: each edit lands where its value stands.

use crate::support::Project;

const APP: &str = "services:\n  web: {image: 'nginx:1.22'}\n";
const DB: &str = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";
const NEW: &str = "POSTGRES_PASSWORD: ${DB_PASSWORD:?set DB_PASSWORD in .env}";

#[test]
fn a_credential_of_an_included_file_moves_from_there() {
    let project = Project::with(&[("compose.yaml", &format!("include: [parts/data.yaml]\n{APP}")), ("parts/data.yaml", DB)]);
    let project = project.hides(&["one-good-secret"]);
    project.migrated(&[]);
    assert!(project.read("parts/data.yaml").contains(NEW));
    assert_eq!(project.read("compose.yaml"), format!("include: [parts/data.yaml]\n{APP}"), "nothing stands here");
    assert_eq!(project.env(".env")["DB_PASSWORD"], "one-good-secret");
    project.holds();
}

#[test]
fn a_credential_of_an_extended_service_moves_once_for_all_that_extend_it() {
    let compose = "services:\n  one: {extends: {file: parts/base.yaml, service: db}}\n  two: {extends: one}\n";
    let project = Project::with(&[("compose.yaml", compose), ("parts/base.yaml", DB)]).hides(&["one-good-secret"]);
    project.migrated(&[]);
    assert!(project.read("parts/base.yaml").contains("${DB_PASSWORD:?"));
    assert_eq!(project.read("compose.yaml"), compose);
    project.holds();
}

#[test]
fn a_credential_under_override_moves_and_the_tag_stays() {
    let over = "services:\n  db:\n    environment: !override\n      POSTGRES_PASSWORD: one-good-secret\n    ports: !reset []\n";
    let base = "services: {db: {image: 'postgres:15', ports: ['5432']}}\n";
    let project = Project::with(&[("compose.yaml", base), ("compose.override.yaml", over)]).hides(&["one-good-secret"]);
    project.migrated(&[]);
    assert_eq!(project.read("compose.override.yaml"), over.replace("POSTGRES_PASSWORD: one-good-secret", NEW));
    project.holds();
}

#[test]
fn an_included_env_file_is_a_home_and_what_takes_from_it_stays() {
    let data = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: ${OWN:-another-good-secret}\n";
    let files =
        [("compose.yaml", format!("include: [parts/data.yaml]\n{APP}")), ("parts/data.yaml", data.into()), (".gitignore", ".env\n".into())];
    let project = Project::with(&files.each_ref().map(|(path, text): &(&str, String)| (*path, text.as_str())));
    project.write("parts/.env", "OWN=one-good-secret\n");
    let project = project.hides(&["one-good-secret"]);
    project.migrate(&[]).says(&["parts/data.yaml:5", "an env file that only an included file reads"]);
    assert_eq!(project.read("parts/data.yaml"), data);
    assert_eq!(project.read("parts/.env"), "OWN=one-good-secret\n");
}

#[test]
fn a_file_outside_the_project_is_read_and_left() {
    let project = Project::with(&[("compose.yaml", "services:\n  db: {extends: {file: ../base.yaml, service: db}}\n")]);
    let outside = project.elsewhere().join("base.yaml");
    std::fs::write(&outside, DB).unwrap();
    let project = project.hides(&["one-good-secret"]);
    project.migrate(&[]).says(&["base.yaml:5", "outside the project"]);
    assert_eq!(std::fs::read_to_string(outside).unwrap(), DB);
}
