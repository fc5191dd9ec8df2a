//! A crash test's binary runs itself again, with few programs and nobody's settings, and without Docker.

use std::path::Path;
use std::process::{Command, ExitCode};

use super::crash::runner::{Test, run_tests};

/// What the tests and the scripts in them call. Docker is not among them, so nothing waits for it.
const PROGRAMS: [&str; 17] = [
    "chown", "cp", "df", "env", "false", "git", "mount", "rm", "setpriv", "sh", "sleep", "strace", "touch", "true", "umount", "unshare",
    "wc",
];

/// Set for the inner call of the binary.
const INSIDE: &str = "XTASK_CRASH_INSIDE";

/// All of a `main`.
pub fn run(tests: &[&[Test]]) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if std::env::var_os(INSIDE).is_some() {
        return run_tests(&args, tests);
    }
    let room = tempfile::tempdir().unwrap();
    let code = inside(room.path()).args(&args).status().unwrap().code();
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn inside(room: &Path) -> Command {
    let bin = room.join("bin");
    std::fs::create_dir(&bin).unwrap();
    for program in PROGRAMS {
        if let Some(found) = find(program) {
            std::os::unix::fs::symlink(found, bin.join(program)).unwrap();
        }
    }
    let mut process = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        process.env_remove(name);
    }
    process.env(INSIDE, "1").env("PATH", &bin).env("HOME", room).env("DOCKER_CONFIG", room).env_remove("DOCKER_CONTEXT");
    process.env("DOCKER_HOST", "unix:///nowhere/docker.sock").env("GIT_CONFIG_NOSYSTEM", "1").env("XDG_CONFIG_HOME", room);
    process
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
