//! `mode: explicit`: services name what they had, and load nothing.

use super::{call, holds, phase_2, rolls_back_to};
use crate::support::{Project, tree};

const SETTINGS: &str = "env-standardize: {mode: explicit}\n";

#[test]
fn a_service_gets_exactly_the_variables_that_it_had() {
    let compose =
        "services:\n  a:\n    image: x\n    env_file: a.env\n    environment:\n      OWN: '1'\n  b:\n    image: x\n    env_file: [.env]\n";
    let project = Project::with(&[
        ("compose.yaml", compose),
        ("a.env", "A_PASSWORD=canary-of-a-1\nEMPTY=\n"),
        ("xtask.yaml", SETTINGS),
        (".gitignore", ".env\n"),
    ]);
    project.write(".env", "B=1\n");
    let project = project.hides(&["canary-of-a-1"]);
    let before = tree::contents(project.root());
    phase_2(&project, &[], 0);
    assert_eq!(
        project.read("compose.yaml"),
        "services:\n  a:\n    image: x\n    environment:\n      OWN: '1'\n      A_PASSWORD: ${A_PASSWORD:?set A_PASSWORD in .env}\n      \
         EMPTY: ${EMPTY?set EMPTY in .env}\n  b:\n    image: x\n    environment:\n      B: ${B:?set B in .env}\n"
    );
    assert!(project.read(".env").ends_with("# --- a.env\nA_PASSWORD=canary-of-a-1\nEMPTY=\n"));
    holds(&project);
    rolls_back_to(&project, &before);
}

#[test]
fn a_stack_that_reads_another_file_gets_values_but_no_secrets() {
    let stack = |file: &str| format!("services:\n  a:\n    image: x\n    env_file: {file}\n");
    let project = Project::with(&[("app/compose.yaml", &stack("a.env")), ("app/a.env", "LEVEL=info\n"), ("xtask.yaml", SETTINGS)]);
    phase_2(&project, &[], 0);
    assert!(project.read("app/compose.yaml").ends_with("    image: x\n    environment:\n      LEVEL: info\n"));
    let project =
        Project::with(&[("app/compose.yaml", &stack("a.env")), ("app/a.env", "A_PASSWORD=canary-of-a-2\n"), ("xtask.yaml", SETTINGS)]);
    let project = project.hides(&["canary-of-a-2"]);
    project.leaves_alone(call(&project, &[]), 3, &["keepable-values"]);
}
