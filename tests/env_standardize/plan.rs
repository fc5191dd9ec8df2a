//! What is written, byte for byte, and that it is put back.

use super::{call, holds, phase_2, rolls_back_to};
use crate::support::{Project, tree};

const COMPOSE: &str = "# kept\nservices:\n  scalar:\n    image: x\n    env_file: ../config/app.env # one\n  list:\n    image: x\n    env_file:\n      \
    - ../.env\n      - ../config/app.env   # wins\n  flow: {image: x, env_file: [\"../config/app.env\"]}\n  long:\n    image: x\n    env_file:\n      \
    - path: ../config/raw.env\n        required: true\n        format: raw\n";
const AFTER: &str = "# kept\nservices:\n  scalar:\n    image: x\n    env_file: ../.env # one\n  list:\n    image: x\n    env_file:\n      \
    - ../.env\n  flow: {image: x, env_file: [\"../.env\"]}\n  long:\n    image: x\n    env_file:\n      - path: ../.env\n        required: true\n";

#[test]
fn env_files_are_merged_and_every_form_is_kept() {
    let project = Project::with(&[
        ("deploy/compose.yaml", COMPOSE),
        ("config/app.env", "# of the app\nA=1\n\n# said before\nB='two words' # why\nSAME=x\n"),
        ("config/raw.env", "R=it's \"$raw\"\n"),
        (".gitignore", "/.env\n"),
    ]);
    project.write(".env", "SAME=x # root\n");
    let before = tree::contents(project.root());
    phase_2(&project, &[], 0).says(&["Proven", "every stack renders as before", "scalar (deploy) will see more variables"]);
    assert_eq!(project.read("deploy/compose.yaml"), AFTER);
    assert_eq!(
        project.read(".env"),
        "SAME=x # root\n\n# --- config/app.env\n# of the app\nA=1\n\n# said before\nB='two words' # why\n# SAME is set above\n\n\
         # --- config/raw.env\nR=\"it's \\\"\\$raw\\\"\"\n"
    );
    assert_eq!(
        project.read(".env.example"),
        "# --- Used by the compose files\n# used by flow, list, long, scalar\nA=\n# used by flow, list, long, scalar\nB=\n\
         # used by flow, list, long, scalar\nR=\n# used by flow, list, long, scalar\nSAME=\n"
    );
    assert_eq!(project.mode(".env"), 0o600);
    assert!(project.has("config/app.env") && project.has("config/raw.env"), "the files themselves stay");
    holds(&project);
    rolls_back_to(&project, &before);
}

#[test]
fn a_dry_run_shows_the_plan_and_touches_nothing() {
    let project = Project::with(&[("compose.yaml", "services: {a: {image: x, env_file: a.env}}\n"), ("a.env", "A=canary-value-1\n")]);
    let project = project.hides(&["canary-value-1"]);
    project.leaves_alone(call(&project, &["--dry-run"]), 0, &["+A=********", "env_file: .env", "a.env goes into .env: A", "Planned"]);
}

#[test]
fn an_anchor_is_changed_for_all_who_share_it() {
    let text = "x-common: &common\n  env_file: [a.env]\nservices:\n  one: {<<: *common, image: x}\n  two: {<<: *common, image: x}\n";
    let project = Project::with(&[("compose.yaml", text), ("a.env", "A=1\n")]);
    phase_2(&project, &[], 0);
    assert_eq!(project.read("compose.yaml"), text.replace("a.env", ".env"));
    holds(&project);
}

#[test]
fn what_is_missing_is_added_where_that_changes_nothing() {
    let compose = "services:\n  a:\n    image: x:${TAG:-1}\n    environment:\n      LEVEL: ${LEVEL:-info}\n      EMPTY: ${EMPTY}\n      \
        ONE: ${TWICE:-1}\n      TWO: ${TWICE:-2}\n      IF: ${IF_SET:+yes}\n      BARE:\n      INNER: ${OUTER:-${OTHER}}\n";
    let project = Project::of(compose);
    phase_2(&project, &[], 0);
    // The release's tag is given to each run; what has two defaults or would stand in for something is nobody's to choose.
    assert_eq!(
        project.read(".env"),
        "# --- Used by the compose files, and set nowhere until now\n# required: it has no default\nEMPTY=\n\
         LEVEL=info\n# required: it has no default\nOTHER=\n"
    );
    let example = project.read(".env.example");
    let example = example.lines().collect::<Vec<_>>();
    for (comment, line) in [
        ("# used by a; default ${OTHER}", "# OUTER="),
        ("# used by a; default 1 or 2", "# TWICE="),
        ("# used by a; required", "EMPTY="),
        ("# used by a; default info", "LEVEL=info"),
        ("# used by a; default 1", "# TAG="),
        ("# used by a; may be empty", "# IF_SET="),
        ("# used by a; may be empty", "# BARE="),
    ] {
        assert!(example.windows(2).any(|lines| lines == [comment, line]), "{line}: {example:#?}");
    }
    holds(&project);
}

#[test]
fn what_cannot_be_standardized_stays_and_is_said() {
    let compose = "services:\n  a: {image: x, env_file: [a.env, {path: local.env, required: false}]}\n  b: {image: x, env_file: '${WHICH:-b}.env'}\n  \
        c: {image: x, env_file: ../outside.env}\n";
    let project = Project::with(&[("compose.yaml", compose), ("a.env", "A=1\n"), ("b.env", "B=1\n")]);
    std::fs::write(project.root().join("../outside.env"), "C=1\n").unwrap();
    phase_2(&project, &[], 0).says(&["it is not there", "a variable names it", "outside the project"]);
    assert_eq!(project.read("compose.yaml"), compose.replace("a.env", ".env"));
    holds(&project);
}

#[test]
fn only_the_named_stack_s_files_change() {
    let stack = "services: {a: {image: x, env_file: a.env}}\n";
    let project =
        Project::with(&[("one/compose.yaml", stack), ("one/a.env", "A=1\n"), ("two/compose.yaml", stack), ("two/a.env", "B=2\n")]);
    phase_2(&project, &["two"], 0);
    assert_eq!(project.read("one/compose.yaml"), stack);
    assert_eq!(project.read("two/compose.yaml"), stack.replace("a.env", "../.env"));
    assert!(!project.read(".env").contains("A=1"));
    phase_2(&project, &[], 0);
    assert!(project.read(".env").contains("A=1"));
    holds(&project);
}

/// Each file is read once, not once for each of its variables.
#[test]
fn thousands_of_variables_are_merged_at_once() {
    let many: String = (0..3000).map(|number| format!("VARIABLE_{number}=value {number}\n")).collect();
    let project = Project::with(&[
        ("compose.yaml", "services:\n  web: {image: x, env_file: many.env}\n"),
        ("many.env", &many),
        (".gitignore", "/.env\n"),
    ]);
    let began = std::time::Instant::now();
    phase_2(&project, &[], 0);
    assert!(began.elapsed().as_secs() < 25, "it took {:?}", began.elapsed());
    assert!(project.read(".env").ends_with("\nVARIABLE_2999=value 2999\n"));
}
