//! Crash tests of phase 2 with the binary as shipped: killed, starved and interrupted at every so many of the
//! points where it changes something; `XTASK_FULL=1` tries all.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]
#![allow(dead_code)]

mod crash;
#[path = "crash/inside.rs"]
mod inside;
#[path = "crash/phase1.rs"]
mod phase1;

use std::path::Path;
use std::process::ExitCode;

use crash::{Fault, Scenario, enumerate, runner, snapshot};
use phase1::{recover, repository, rollback, xtask};

fn main() -> ExitCode {
    inside::run(&[TESTS])
}

const TESTS: &[runner::Test] =
    &[("phase2_survives", phase2_survives), ("the_rollback_of_phase2_survives", the_rollback_of_phase2_survives)];

const COMPOSE: &str = "services:\r\n  a:\r\n    image: x # kept\r\n    env_file: a.env\r\n  b: {image: x, env_file: [../.env, a.env]}\r\n";

/// Two values, a file to ignore, a commit: every kind of step that the phase has without an engine.
fn everything(root: &Path) {
    for (path, text) in [("app/compose.yaml", COMPOSE), ("app/a.env", "LEVEL=warn\nNEW=1\n"), (".env.example", "LEVEL=\n")] {
        std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        std::fs::write(root.join(path), text).unwrap();
    }
    std::fs::write(root.join(".gitignore"), ".env\n").unwrap();
    repository(root);
    std::fs::write(root.join(".env"), "LEVEL=info\n").unwrap();
    // Nothing hides the file any more: the phase has to.
    std::fs::write(root.join(".gitignore"), "").unwrap();
    phase1::git(root, &["commit", "-qam", "open"]);
}

fn command() -> Vec<String> {
    xtask(&["migrate", "--phase", "2", "--on-conflict", "keep-file", "--commit", "--yes"])
}

fn committed(root: &Path) {
    everything(root);
    assert!(crash::run(&command(), root).success());
}

fn survives(floor: usize, every: usize, name: &str, prepare: fn(&Path), command: &[String], faults: &[Fault]) {
    let recover = recover();
    let (undone, open) = (&[3, 4, 6], &[5]);
    let scenario = Scenario { name, prepare: &prepare, command, recover: &recover, snapshot: snapshot::files_and_git, undone, open, every };
    let points = enumerate(&scenario, faults);
    assert!(points >= floor, "{name}: only {points} points, there were {floor}");
}

const FAULTS: [Fault; 5] = [Fault::KillAlone, Fault::KillAll, Fault::Fails("ENOSPC"), Fault::Fails("EIO"), Fault::Signal("SIGTERM")];

fn phase2_survives() {
    survives(30, 23, "phase 2", everything, &command(), &FAULTS);
}

fn the_rollback_of_phase2_survives() {
    survives(9, 29, "rollback of phase 2", committed, &rollback(), &[Fault::KillAlone, Fault::Fails("ENOSPC")]);
}
