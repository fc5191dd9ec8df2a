//! The phases together: all, some, and how they stand.

use serde_json::Value;

use crate::support::{Project, tree};

fn project() -> Project {
    let compose =
        "services:\n  db:\n    image: postgres:15\n    env_file: a.env\n    environment:\n      POSTGRES_PASSWORD: canary-secret-1\n";
    Project::with(&[("compose.yaml", compose), ("a.env", "A=1\n")]).hides(&["canary-secret-1"])
}

fn standing(project: &Project, code: i32) -> Vec<String> {
    let status = project.xtask(&["migrate", "--status", "--format", "json"]).run().exits(code).json();
    status["result"].as_array().unwrap().iter().map(|phase| phase["standing"].as_str().unwrap().to_string()).collect()
}

#[test]
fn all_phases_go_in_order_and_back_one_by_one() {
    let project = project();
    let before = tree::contents(project.root());
    assert_eq!(standing(&project, 1), ["pending", "pending", "unjudged", "done"]);
    project.leaves_alone(project.xtask(&["migrate", "--all", "--dry-run"]), 0, &["phase 2 builds on what phase 1 writes", "phase 4 "]);
    let said = project.xtask(&["migrate", "--all", "--yes", "--format", "json"]).run().exits(0).json();
    let word = |value: &Value| value.as_str().unwrap().to_string();
    let phases: Vec<(String, String)> =
        said["result"].as_array().unwrap().iter().map(|phase| (word(&phase["name"]), word(&phase["ended"]))).collect();
    let wanted = [
        ("security-fix", "committed"),
        ("env-standardize", "committed"),
        ("cleanup", "nothing-to-do"),
        ("dockerfile-prod", "nothing-to-do"),
    ];
    assert!(phases.iter().map(|(name, ended)| (name.as_str(), ended.as_str())).eq(wanted), "{phases:?}");
    assert_eq!(standing(&project, 0), ["done", "done", "unjudged", "done"]);
    let again = project.leaves_alone(project.xtask(&["migrate", "--all", "--yes", "--format", "json"]), 0, &[]).json();
    assert!(again["result"].as_array().unwrap().iter().all(|phase| phase["ended"] == "nothing-to-do"), "{again}");
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    assert_eq!(standing(&project, 1), ["done", "pending", "unjudged", "done"]);
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    tree::assert_same(&before, &tree::contents(project.root()), "rolled back");
}

#[test]
fn the_first_phase_that_does_not_hold_ends_it() {
    let project = project();
    project.write(".env", "A=other\n").write(".gitignore", ".env\n").commit_all();
    project.xtask(&["migrate", "--all", "--yes"]).run().exits(3).says(&["conflicting-variables", "run"]);
    assert_eq!(standing(&project, 1), ["done", "pending", "unjudged", "done"]);
    project.xtask(&["migrate", "--all", "--yes", "--on-conflict", "keep-file"]).run().exits(0);
    assert_eq!(standing(&project, 0), ["done", "done", "unjudged", "done"]);
}

#[test]
fn a_phase_can_be_left_out() {
    let project = project();
    project.xtask(&["migrate", "--all", "--skip", "1", "--yes"]).run().exits(0);
    assert_eq!(standing(&project, 1), ["pending", "done", "unjudged", "done"]);
    assert!(project.read("compose.yaml").contains("canary-secret-1"));
}

#[test]
fn what_comes_back_after_a_phase_has_drifted() {
    let project = project();
    project.xtask(&["migrate", "--all", "--yes"]).run().exits(0);
    project
        .write("b.env", "B=1\n")
        .write("compose.yaml", &project.read("compose.yaml").replace("env_file: .env", "env_file: [.env, b.env]"));
    assert_eq!(standing(&project, 1), ["done", "drifted", "unjudged", "done"]);
    project.xtask(&["migrate", "--status"]).run().exits(1).says(&["Drifted", "compose.yaml:4: services.db.env_file[1] names another file"]);
}

#[test]
fn what_a_phase_does_not_have_is_a_usage_error() {
    let project = project();
    for args in [
        &["migrate", "--phase", "2", "--strict"][..],
        &["migrate", "--phase", "2", "--untrack"],
        &["migrate", "--phase", "1", "--on-conflict", "keep-root"],
        &["migrate", "--phase", "2", "--host"],
        &["migrate", "--phase", "3", "--commit"],
        &["cleanup", "--expect", "volumes"],
        &["migrate", "--phase", "7"],
        &["migrate", "--phase", "1", "--all"],
        &["migrate", "--all", "--skip", "9"],
        &["migrate", "--skip", "1"],
        &["migrate", "--phase", "2", "--on-conflict", "neither"],
        &["migrate", "--all", "--override", "clean-files", "--reason", "x"],
    ] {
        project.leaves_alone(project.xtask(args), 2, &[]);
    }
}

#[test]
fn the_project_s_own_checks_decide_too() {
    // Only what a shell can by itself: nothing else is on these tests' PATH.
    let check = |code: u8| {
        format!(
            "validate:\n  security-fix: [[/bin/sh, -c, 'test -f .env']]\n  env-standardize: [[/bin/sh, -c, 'test -f .env.example && exit {code}']]\n"
        )
    };
    let project = project();
    project.write("xtask.yaml", &check(9)).commit_all();
    project.xtask(&["migrate", "--phase", "1", "--yes"]).run().exits(0).says(&["sh agrees"]);
    let before = tree::contents(project.root());
    project.xtask(&["migrate", "--phase", "2", "--yes"]).run().exits(4).says(&["everything was put back"]);
    tree::assert_same(&before, &tree::contents(project.root()), "put back");
    project.write("xtask.yaml", &check(0));
    project.xtask(&["migrate", "--phase", "2", "--yes", "--allow-dirty"]).run().exits(0).says(&["sh agrees"]);
}
