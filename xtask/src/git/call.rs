//! How git is called: no prompt, no pager, no locale, no background helpers, and nothing of the
//! environment that points it at another repository.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::Git;
use super::deadline::start;
use crate::error::{Error, Result};

/// Environment variables that redirect git; set by hooks, for one.
const REDIRECTING: [&str; 6] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// For what git does at once: it may be a large repository on a cold disk.
const SOON: Duration = Duration::from_secs(2 * 60);

/// For what reads the whole history, or asks a person for a passphrase.
pub(super) const LATE: Duration = Duration::from_secs(60 * 60);

impl Git {
    /// A call of git in the project's root, with paths taken literally.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root);
        command.args(["--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"]);
        for name in REDIRECTING {
            command.env_remove(name);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").stdin(Stdio::null());
        // What is recorded as done must survive a power cut.
        command.args(["-c", "core.fsync=all"]);
        // A group of its own: Ctrl-C on the terminal is for us, a short step is finished.
        command.process_group(0);
        command
    }

    /// What a reading call prints; takes no optional lock.
    pub(super) fn read<const N: usize>(&self, args: [&str; N]) -> Result<String> {
        let mut command = self.command();
        command.env("GIT_OPTIONAL_LOCKS", "0").args(args);
        text(&mut command, args[0])
    }

    pub(super) fn read_paths(&self, args: &[&str], paths: &[&Path]) -> Result<String> {
        let mut command = self.command();
        command.env("GIT_OPTIONAL_LOCKS", "0").args(args).arg("--").args(paths);
        text(&mut command, args[0])
    }

    /// A question that git answers by its exit code: 0 yes, 1 no.
    pub(super) fn holds(&self, args: &[&str], paths: &[&Path]) -> Result<bool> {
        let mut command = self.command();
        command.env("GIT_OPTIONAL_LOCKS", "0").args(args).arg("--").args(paths);
        let verb = args.iter().find(|arg| !arg.starts_with('-')).unwrap_or(&"git");
        let output = run(SOON, &mut command, b"", verb)?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed(verb, &output)),
        }
    }
}

impl Git {
    /// The paths that a reading call prints with `-z`, byte by byte as they are: a name need not be UTF-8.
    pub(super) fn paths<const N: usize>(&self, args: [&str; N]) -> Result<Vec<PathBuf>> {
        let mut command = self.command();
        command.env("GIT_OPTIONAL_LOCKS", "0").args(args);
        let output = run(SOON, &mut command, b"", args[0])?;
        if !output.status.success() {
            return Err(failed(args[0], &output));
        }
        let told = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(told.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
    }
}

/// Runs it to its end; the output as text.
pub(super) fn text(command: &mut Command, verb: &str) -> Result<String> {
    within(SOON, command, b"", verb)
}

/// Runs it with `input`, which is short, as its standard input.
pub(super) fn finish(command: &mut Command, input: &[u8], verb: &str) -> Result<String> {
    within(SOON, command, input, verb)
}

/// The same with a deadline of its own.
pub(super) fn within(deadline: Duration, command: &mut Command, input: &[u8], verb: &str) -> Result<String> {
    let output = run(deadline, command, input, verb)?;
    if output.status.success() { Ok(String::from_utf8_lossy(&output.stdout).into_owned()) } else { Err(failed(verb, &output)) }
}

fn run(deadline: Duration, command: &mut Command, input: &[u8], verb: &str) -> Result<Output> {
    let unheard = |error: std::io::Error| not_run(verb, &error);
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let (mut child, mut watch) = start(command.stdout(Stdio::piped()).stderr(Stdio::piped()), deadline).map_err(unheard)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A git that ends early says why on stderr, which is worth more than the broken pipe.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(unheard)?;
    watch.met(verb).map(|()| output)
}

fn not_run(verb: &str, error: &std::io::Error) -> Error {
    Error::failed(format!("run git {verb}")).why(error.to_string()).help("Install git, or see `cargo xtask doctor`")
}

fn failed(verb: &str, output: &Output) -> Error {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| !line.is_empty()).unwrap_or("it said nothing");
    Error::failed(format!("run git {verb}")).why(format!("{line} ({})", output.status))
}
