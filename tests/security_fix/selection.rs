//! One stack by name, others only looked at; what is broken beside what is good.

use crate::support::{Project, tree};

fn stack(password: &str) -> String {
    format!("services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: {password}\n")
}

fn two() -> Project {
    let project = Project::with(&[("one/compose.yaml", &stack("first-secret-1")), ("two/compose.yaml", &stack("second-secret-2"))]);
    project.hides(&["first-secret-1", "second-secret-2"])
}

#[test]
fn only_the_named_stack_s_files_change() {
    let project = two();
    project.migrated(&["two"]);
    assert_eq!(project.read("one/compose.yaml"), stack("first-secret-1"));
    assert!(project.read("two/compose.yaml").contains("${DB_PASSWORD:?"));
    assert!(!project.has("one/.env"));
    // The rest later: the name is taken by another value then.
    project.migrated(&["one"]);
    assert!(project.read("one/compose.yaml").contains("${"));
    assert_eq!(project.env(".env").len(), 2);
}

#[test]
fn all_stacks_are_one_run() {
    let project = two();
    project.migrated(&[]);
    assert_eq!(project.env(".env").len(), 2);
    assert_eq!(project.xtask(&["history"]).run().exits(0).stdout.matches("security-fix").count() / 2, 1);
}

#[test]
fn stacks_that_were_not_named_still_guard_their_names() {
    let other = "services:\n  job:\n    image: job\n    environment:\n      X: ${DB_PASSWORD:-unrelated}\n";
    let project = Project::with(&[("compose.yaml", &stack("first-secret-1")), ("compose.jobs.yaml", other)]).hides(&["first-secret-1"]);
    // The root `.env` is read by both: its DB_PASSWORD would change what the job gets.
    project.migrated(&["shop"]);
    assert!(!project.env(".env").contains_key("DB_PASSWORD"));
    assert_eq!(project.read("compose.jobs.yaml"), other);
}

#[test]
fn a_broken_stack_beside_good_ones() {
    let project = Project::with(&[("good/compose.yaml", &stack("first-secret-1")), ("bad/compose.yaml", "services:\n  db: [\n")])
        .hides(&["first-secret-1"]);
    project.refuses(&[], 3, &["stacks-render", "bad/compose.yaml:"]);
    project.migrated(&["good"]);
    assert!(project.read("good/compose.yaml").contains("${DB_PASSWORD:?"));
}

#[test]
fn a_required_variable_that_is_not_set_is_said() {
    let project = Project::of(&(stack("first-secret-1") + "      TZ: ${ZONE:?say where we are}\n")).hides(&["first-secret-1"]);
    project.refuses(&[], 3, &["stacks-render", "ZONE", "say where we are"]);
}

#[test]
fn names_that_fit_no_stack_or_several_are_usage_errors() {
    let project = two();
    project.refuses(&["three"], 2, &["there is no stack `three`", "one, two"]);
    project.refuses(&["o"], 2, &["fits several stacks"]);
}

#[test]
fn no_compose_file_is_a_usage_error() {
    let project = Project::with(&[("README", "nothing\n")]);
    project.refuses(&[], 2, &["no compose file below"]);
}

#[test]
fn a_folder_is_named_with_c() {
    let project = two();
    let root = project.root().display().to_string();
    project.call_migrate(&["-C", &root]).cwd(project.elsewhere()).run().exits(0);
    assert!(project.has(".env"));
}

#[test]
fn from_a_folder_below_the_root_is_the_project() {
    let project = two();
    project.call_migrate(&[]).cwd(&project.path("one")).run().exits(0);
    assert!(project.has(".env") && project.read("two/compose.yaml").contains("${"));
}

#[test]
fn a_missing_folder_is_a_usage_error() {
    let project = two();
    project.refuses(&["-C", "/nowhere/at/all"], 2, &["/nowhere/at/all"]);
}

#[test]
fn the_subcommand_of_its_own_name_does_the_same() {
    let (one, two) = (two(), two());
    one.xtask(&["security-fix", "--yes"]).run().exits(0);
    two.migrated(&[]);
    let texts = |project: &Project| {
        let tree = tree::contents(project.root());
        tree.into_iter().filter(|(name, _)| name.ends_with(".yaml") || name.ends_with(".env")).collect::<Vec<_>>()
    };
    assert_eq!(texts(&one), texts(&two));
}
