//! Files that cannot be changed, commits, and what is beside the files.

use super::{call, phase_2};
use crate::support::Project;

fn project() -> Project {
    Project::with(&[("compose.yaml", "services:\n  a: {image: x, env_file: a.env}\n"), ("a.env", "A=1\n")])
}

#[test]
fn one_commit_holds_exactly_what_git_may_have() {
    let project = project();
    phase_2(&project, &["--commit"], 0);
    let files = project.git(&["show", "--name-only", "--format="]);
    assert_eq!(files.lines().collect::<Vec<_>>(), [".env.example", ".gitignore", "compose.yaml"]);
    assert_eq!(project.git(&["status", "--porcelain"]), "");
}

#[test]
fn changes_that_are_not_committed_are_refused() {
    let project = project();
    project.write("compose.yaml", &(project.read("compose.yaml") + "# mine\n"));
    project.leaves_alone(call(&project, &[]), 3, &["clean-files"]);
    phase_2(&project, &["--allow-dirty"], 0);
}

#[test]
fn an_engine_that_is_asked_for_must_be_there() {
    let project = project();
    for option in ["--recreate", "--rehearse", "--require-live"] {
        project.leaves_alone(call(&project, &[option]), 3, &["engine"]);
    }
}

#[test]
fn a_stack_that_does_not_render_is_refused() {
    let project = project();
    project.write("compose.yaml", "services:\n  a: {image: x, env_file: [a.env, none.env]}\n").commit_all();
    project.leaves_alone(call(&project, &[]), 3, &["stacks-render", "none.env"]);
}

#[test]
fn the_command_of_its_own_name_does_the_same() {
    let project = project();
    project.xtask(&["env-standardize", "--yes"]).run().exits(0);
    assert_eq!(project.env(".env")["A"], "1");
    project.xtask(&["history"]).run().exits(0).says(&["env-standardize"]);
}
