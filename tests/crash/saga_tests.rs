//! What must hold of the small run, wherever it ends.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::crash::snapshot;
use super::crash::{Fault, PATIENCE, Scenario, copy_of, enumerate, order, quiet, run, trace};
use super::saga_bin;

pub const TESTS: &[(&str, fn())] = &[
    ("files_survive_every_fault", files_survive_every_fault),
    ("a_recovery_survives_every_fault", a_recovery_survives_every_fault),
    ("git_survives_every_fault", git_survives_every_fault),
    ("a_rollback_of_a_committed_run_survives_every_kill", a_rollback_survives_every_kill),
    ("releases_survive_every_fault", releases_survive_every_fault),
    ("no_effect_before_its_record_is_synced", no_effect_before_its_record_is_synced),
];

const EVERY_FAULT: [Fault; 3] = [Fault::KillAlone, Fault::Fails("ENOSPC"), Fault::Fails("EIO")];

/// This very binary, as the program that is crashed.
pub fn saga(args: &[&str]) -> Vec<String> {
    let me = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    [me.as_str(), "saga"].iter().chain(args).map(|arg| (*arg).to_string()).collect()
}

fn scenario<'a>(name: &'a str, prepare: &'a dyn Fn(&Path), command: &'a [String], recover: &'a [String]) -> Scenario<'a> {
    Scenario { name, prepare, command, recover, snapshot: snapshot::files, undone: &[2, 3, 4, 6], open: &[5], every: 1 }
}

fn git(root: &Path, args: &[&str]) {
    let status = Command::new("git").arg("-C").arg(root).args(args).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "git {args:?}");
}

fn prepare_repository(root: &Path) {
    saga_bin::prepare(root);
    git(root, &["init", "-q", "-b", "main"]);
    git(root, &["config", "user.name", "T"]);
    git(root, &["config", "user.email", "t@example.org"]);
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "first"]);
    std::fs::write(root.join("staged"), "by the user").unwrap();
    git(root, &["add", "staged"]);
}

/// The number of points may grow; that it falls must be noticed.
fn at_least(floor: usize, points: usize) {
    assert!(points >= floor, "only {points} points, there were {floor}");
}

fn files_survive_every_fault() {
    let (command, recover) = (saga(&["run", "files"]), saga(&["recover"]));
    at_least(260, enumerate(&scenario("files", &saga_bin::prepare, &command, &recover), &EVERY_FAULT));
}

fn a_recovery_survives_every_fault() {
    let (command, recover) = (saga(&["recover"]), saga(&["recover"]));
    let prepare = |root: &Path| {
        saga_bin::prepare(root);
        let mut child = start_and_wait_in_proof(root, "slow");
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::remove_file(root.join("ready")).unwrap();
    };
    let scenario = Scenario { undone: &[], open: &[2, 5, 6], ..scenario("recovery", &prepare, &command, &recover) };
    at_least(115, enumerate(&scenario, &EVERY_FAULT));
}

/// A run that has taken all its steps and waits in its proof.
pub fn start_and_wait_in_proof(root: &Path, proof: &str) -> Child {
    let child = quiet(&saga(&["run", "files", proof]), root).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + PATIENCE;
    while !root.join("ready").exists() {
        assert!(Instant::now() < until, "the run does not come to its proof");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn git_survives_every_fault() {
    let (command, recover) = (saga(&["run", "git"]), saga(&["recover"]));
    let scenario = Scenario { snapshot: snapshot::files_and_git, ..scenario("git", &prepare_repository, &command, &recover) };
    at_least(380, enumerate(&scenario, &[Fault::KillAlone, Fault::KillChild, Fault::Fails("EIO")]));
}

fn a_rollback_survives_every_kill() {
    let (command, recover) = (saga(&["rollback"]), saga(&["recover"]));
    let prepare = |root: &Path| {
        prepare_repository(root);
        assert!(run(&saga(&["run", "git"]), root).success());
    };
    let scenario = Scenario { snapshot: snapshot::files_and_git, ..scenario("rollback", &prepare, &command, &recover) };
    at_least(150, enumerate(&scenario, &[Fault::KillAll]));
}

/// Files and releases, without what differs from run to run, and without the counter: it never goes back.
fn files_and_releases(root: &Path) -> snapshot::Snapshot {
    let mut found = snapshot::files(root);
    found.retain(|name, _| !name.ends_with("/counter"));
    for (_, text) in found.iter_mut().filter(|(name, _)| name.ends_with("/release.json")) {
        let own = ["run", "at_ms", "took_ms"].map(|key| format!("\\\"{key}\\\":"));
        let lines: Vec<&str> = text.split("\\n").filter(|line| !own.iter().any(|key| line.contains(key.as_str()))).collect();
        *text = lines.join("\n");
    }
    found
}

fn releases_survive_every_fault() {
    let recover = saga(&["recover"]);
    for (what, floor) in [("release", 300), ("back", 200)] {
        let command = saga(&["run", what]);
        let scenario = Scenario {
            snapshot: files_and_releases,
            open: &[5, i32::from(saga_bin::UNSETTLED)],
            ..scenario(what, &saga_bin::prepare_releases, &command, &recover)
        };
        at_least(floor, enumerate(&scenario, &EVERY_FAULT));
    }
}

fn no_effect_before_its_record_is_synced() {
    trace::require_strace();
    let folder = tempfile::tempdir().unwrap();
    prepare_repository(folder.path());
    for (args, code, effects) in [(["run", "git", "bad"], 4, 60), (["run", "git", "good"], 0, 85)] {
        let tree = copy_of(folder.path());
        let (status, log) = trace::log(&saga(&args), tree.path());
        assert_eq!(status.code(), Some(code));
        let seen = order::assert_synced_before_effects(&log, tree.path());
        println!("    {}: {seen} effects after their records", args.join(" "));
        at_least(effects, seen);
    }
}
