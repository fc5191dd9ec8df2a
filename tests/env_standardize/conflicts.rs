//! Variables with two values: refused with a table, or settled.

use super::{call, holds, phase_2, rolls_back_to};
use crate::support::{Project, tree};

const COMPOSE: &str = "services:\n  root: {image: x, env_file: .env}\n  file:\n    image: x\n    env_file: a.env\n    environment:\n      - OWN=1\n  \
    both:\n    image: x\n    env_file: [.env, a.env]\n";

fn project() -> Project {
    let project = Project::with(&[("compose.yaml", COMPOSE), ("a.env", "LEVEL=warn\nNEW=1\n"), (".gitignore", "/.env\n")]);
    project.write(".env", "LEVEL=info\n");
    project
}

#[test]
fn two_values_are_refused_with_a_table() {
    let project = project();
    project.leaves_alone(call(&project, &[]), 3, &["conflicting-variables", "LEVEL     info   .env  warn         a.env", "--on-conflict"]);
    project.leaves_alone(call(&project, &["--dry-run"]), 3, &["conflicting-variables"]);
}

#[test]
fn a_secret_s_values_are_masked_in_the_table() {
    let project =
        Project::with(&[("compose.yaml", "services: {a: {image: x, env_file: [.env, a.env]}}\n"), (".gitignore", ".env\na.env\n")]);
    project.write(".env", "DB_PASSWORD=canary-root-1\n").write("a.env", "DB_PASSWORD=canary-file-1\n");
    let project = project.hides(&["canary-root-1", "canary-file-1"]);
    project.leaves_alone(call(&project, &["-v"]), 3, &["DB_PASSWORD  ********  .env  ********     a.env"]);
    // It must not stand in a compose file either.
    let words = ["keepable-values", "a (shop): DB_PASSWORD is a secret", "settle keepable-values first"];
    project.leaves_alone(call(&project, &["--on-conflict", "keep-file"]), 3, &words);
    phase_2(&project, &["--on-conflict", "keep-root"], 0).says(&["a (shop) gets the root's DB_PASSWORD"]);
}

#[test]
fn keep_file_lets_every_service_keep_what_it_has() {
    let project = project();
    let before = tree::contents(project.root());
    phase_2(&project, &["--on-conflict", "keep-file"], 0)
        .says(&["file (shop) keeps of its own: LEVEL", "both (shop) keeps of its own: LEVEL"]);
    assert_eq!(
        project.read("compose.yaml"),
        "services:\n  root: {image: x, env_file: .env}\n  file:\n    image: x\n    env_file: .env\n    environment:\n      - OWN=1\n      \
         - LEVEL=warn\n  both:\n    image: x\n    env_file: [.env]\n    environment:\n      LEVEL: warn\n"
    );
    assert_eq!(project.read(".env"), "LEVEL=info\n\n# --- a.env\n# LEVEL has another value above\nNEW=1\n");
    holds(&project);
    rolls_back_to(&project, &before);
}

#[test]
fn keep_root_gives_all_the_root_s_value_and_says_whose_changes() {
    let project = project();
    let before = tree::contents(project.root());
    phase_2(&project, &["--on-conflict", "keep-root"], 0).says(&["file (shop) gets the root's LEVEL", "both (shop) gets the root's LEVEL"]);
    assert_eq!(project.read("compose.yaml"), COMPOSE.replace("env_file: a.env", "env_file: .env").replace("[.env, a.env]", "[.env]"));
    holds(&project);
    rolls_back_to(&project, &before);
}

#[test]
fn of_two_files_the_first_goes_to_the_root_and_the_other_s_services_keep_theirs() {
    let compose = "services:\n  one: {image: x, env_file: a.env}\n  two: {image: x, env_file: b.env}\n";
    let project = Project::with(&[("compose.yaml", compose), ("a.env", "LEVEL=info\n"), ("b.env", "LEVEL=a $$ b\nTHIRD=3\n")]);
    project.leaves_alone(call(&project, &[]), 3, &["LEVEL     info   a.env  a $ b        b.env"]);
    phase_2(&project, &["--on-conflict", "keep-file"], 0);
    assert_eq!(
        project.read("compose.yaml"),
        "services:\n  one: {image: x, env_file: .env}\n  two: {image: x, env_file: .env, environment: {LEVEL: a $$ b}}\n"
    );
    assert_eq!(project.env(".env")["LEVEL"], "info");
    holds(&project);
}

#[test]
fn what_an_unset_variable_would_pick_up_stays_with_its_services() {
    let compose =
        "services:\n  a: {image: x, env_file: a.env}\n  b:\n    image: x\n    ports: ['${PORT:-9090}:80']\n    environment: [BARE]\n";
    let project = Project::with(&[("compose.yaml", compose), ("a.env", "PORT=8080\nBARE=1\nPLAIN=1\n")]);
    project.leaves_alone(call(&project, &[]), 3, &["PORT of a.env has no value", "b (shop) would pick it up", "BARE of a.env"]);
    phase_2(&project, &["--on-conflict", "keep-root"], 0);
    // The one default of `${}` holds as before, now said in the file.
    assert_eq!(project.env(".env").into_iter().collect::<Vec<_>>(), [("PLAIN".into(), "1".into()), ("PORT".into(), "9090".into())]);
    let text = project.read("compose.yaml");
    assert!(text.contains("environment: {PORT: '8080', BARE: '1'}"), "{text}");
    holds(&project);
}

#[test]
fn what_means_something_to_compose_is_never_taken_over() {
    let project =
        Project::with(&[("compose.yaml", "services: {a: {image: x, env_file: a.env}}\n"), ("a.env", "COMPOSE_PROJECT_NAME=other\nA=1\n")]);
    phase_2(&project, &[], 0);
    assert_eq!(project.env(".env").into_keys().collect::<Vec<_>>(), ["A"]);
    assert!(project.read("compose.yaml").contains("environment: {COMPOSE_PROJECT_NAME: other}"));
}

#[test]
fn a_root_file_that_git_tracks_takes_nothing() {
    let project = Project::with(&[("compose.yaml", "services: {a: {image: x, env_file: a.env}}\n"), ("a.env", "A=1\n"), (".env", "B=1\n")]);
    project.leaves_alone(call(&project, &[]), 3, &["untracked-env", "git tracks .env"]);
}

#[test]
fn what_this_shell_exports_is_not_what_others_have() {
    let compose = "services:\n  a: {image: x, env_file: a.env}\n  b: {image: 'x:${RELEASE:-1}'}\n";
    let project = Project::with(&[("compose.yaml", compose), ("a.env", "RELEASE=2\nPLAIN=1\n")]);
    project.leaves_alone(call(&project, &[]).env("RELEASE", "3"), 3, &["exported-variables", "RELEASE is exported in this shell"]);
    phase_2(&project, &["--on-conflict", "keep-file"], 0).says(&["a (shop) keeps of its own: RELEASE"]);
    holds(&project);
}

#[test]
fn a_file_that_another_stack_shares_wants_that_stack_too() {
    let extending = |service: &str| format!("services:\n  {service}: {{extends: {{file: common.yaml, service: base}}}}\n");
    let (a, b) = (extending("one"), extending("two"));
    let files = [
        ("xtask.yaml", "stacks: {a: {files: [a.yaml]}, b: {files: [b.yaml]}}\n"),
        ("a.yaml", a.as_str()),
        ("b.yaml", b.as_str()),
        ("common.yaml", "services: {base: {image: x, env_file: base.env}}\n"),
        ("base.env", "LEVEL=debug\n"),
        (".gitignore", ".env\n"),
    ];
    let project = Project::with(&files);
    project.write(".env", "LEVEL=info\n");
    let refused =
        project.leaves_alone(call(&project, &["a", "--on-conflict", "keep-file"]), 3, &["renders-as-before", "stack b", "name them too"]);
    assert!(!refused.stderr.contains("please report"), "{refused}");
    phase_2(&project, &["a", "b", "--on-conflict", "keep-file"], 0);
}
