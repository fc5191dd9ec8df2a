//! Small projects for phase 1, and the ways to call the shipped binary in them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::crash::{Fault, copy_of, quiet, run, trace};

/// The shipped binary, in the working folder.
pub fn xtask(args: &[&str]) -> Vec<String> {
    [env!("CARGO_BIN_EXE_xtask"), "--no-color"].iter().chain(args).map(|arg| (*arg).to_string()).collect()
}

pub const MIGRATE: [&str; 4] = ["migrate", "--phase", "1", "--yes"];

pub fn migrate(more: &[&str]) -> Vec<String> {
    xtask(&[&MIGRATE, more].concat())
}

/// Everything at once: see [`everything`].
pub fn migrate_all() -> Vec<String> {
    migrate(&["--untrack", "--commit"])
}

pub fn recover() -> Vec<String> {
    xtask(&["recover"])
}

pub fn rollback() -> Vec<String> {
    xtask(&["rollback", "--yes"])
}

pub fn git(root: &Path, args: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(root).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const COMPOSE: &str = "services: # kept\r\n  db:\r\n    image: postgres:15\r\n    environment:\r\n      POSTGRES_USER: app\r\n      \
    POSTGRES_PASSWORD: 'correct-horse-7' # why\r\n";
/// Renders otherwise when it sees the root `.env`.
const TAGGED: &str = "services:\n  cache:\n    image: redis:${TAG:-7}\n    environment:\n      REDIS_PASSWORD: correct-horse-8\n";
const SHARED: &str = "LEVEL=info\nAPP_SECRET_KEY=correct-horse-9\n";

fn write(root: &Path, name: &str, text: &str, mode: u32) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    }
}

pub fn repository(root: &Path) {
    git(root, &["init", "-q", "-b", "main", "--template="]);
    for (key, value) in [("user.name", "T"), ("user.email", "t@example.org"), ("gc.auto", "0"), ("maintenance.auto", "false")] {
        git(root, &["config", key, value]);
    }
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "first"]);
}

/// A stack away from the root, so that a link carries the root `.env` to it; an env file that git
/// tracks; the root `.env` tracked as well; and something that the user has staged.
pub fn everything(root: &Path) {
    write(root, "tools/compose/docker-compose.database.yml", COMPOSE, 0o640);
    let app = "services:\n  app:\n    image: nginx:1.22\n    env_file: shared.env\n";
    write(root, "tools/compose/docker-compose.app.yml", app, 0o644);
    write(root, "tools/compose/shared.env", SHARED, 0o644);
    write(root, ".env", "ZONE=utc\n", 0o644);
    repository(root);
    write(root, "staged.txt", "by the user", 0o644);
    git(root, &["add", "staged.txt"]);
}

/// A stack that would render otherwise under the link, so that it gets a small `.env`; no commit.
pub fn carrier(root: &Path) {
    write(root, "tools/compose/docker-compose.cache.yml", TAGGED, 0o600);
    write(root, ".env", "TAG=6\n", 0o600);
    write(root, ".gitignore", ".env\n", 0o644);
    repository(root);
}

/// In no repository, with the stack at the root and no `.env` yet.
pub fn without_git(root: &Path) {
    write(root, "compose.yaml", COMPOSE, 0o644);
}

/// The run of [`everything`], killed before it could write its last record: all steps are taken.
pub fn killed(root: &Path) {
    everything(root);
    let command = migrate_all();
    let (_, log) = trace::log(&command, copy_of(root).path());
    let last = trace::calls(&log).into_iter().rfind(|call| call.name == "write" && call.line.contains("journal.jsonl")).unwrap();
    trace::strace(Fault::KillAlone, &last, &command, root);
    trace::wait_for_all_in(root);
    assert_eq!(journals(root).len(), 1);
}

pub fn committed(root: &Path) {
    everything(root);
    assert!(run(&migrate_all(), root).success());
}

/// The journals of a project, oldest first.
pub fn journals(root: &Path) -> Vec<PathBuf> {
    let Ok(runs) = fs::read_dir(root.join(".xtask/runs")) else { return Vec::new() };
    let mut found: Vec<PathBuf> = runs.map(|run| run.unwrap().path().join("journal.jsonl")).filter(|path| path.exists()).collect();
    found.sort();
    found
}

/// The code and all that was said, of a call in `root`.
pub fn told(command: &[String], root: &Path) -> (i32, String) {
    ending(&quiet(command, root).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap())
}

pub fn ending(output: &Output) -> (i32, String) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

/// A run of [`everything`] that has taken its steps and waits in git's pre-commit hook until `go` is there;
/// `stubborn`: whatever it is told.
pub fn start_and_wait_in_hook(root: &Path, stubborn: bool) -> Child {
    let hook = root.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let trap = if stubborn { "trap '' TERM" } else { ":" };
    fs::write(&hook, format!("#!/bin/sh\n{trap}\ntouch .git/waits\nwhile ! [ -e .git/go ]; do sleep 0.02; done\n")).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let child = quiet(&migrate_all(), root).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = std::time::Instant::now() + super::crash::PATIENCE;
    while !root.join(".git/waits").exists() {
        assert!(std::time::Instant::now() < until, "the run does not come to its hook");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child
}
