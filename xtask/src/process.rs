//! The one place that starts programs.
//!
//! A program is a list of arguments, never a shell string; it runs in a process group of its own, so
//! that a Ctrl-C on the terminal reaches it only through us; its output is kept to a bound and goes
//! through a [`Masker`] before it can stand in an error.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::secret::Masker;

mod capture;
mod timed;
use capture::Capture;
pub use timed::Timed;

const POLL: Duration = Duration::from_millis(20);
const TERM_GRACE: Duration = Duration::from_secs(5);
/// A compose child that was interrupted is waited for this long; only then is it taken to ignore it.
const INTERRUPT_GRACE: Duration = Duration::from_secs(120);
const STDOUT_LIMIT_BYTES: usize = 64 << 20;
const STDERR_TAIL_BYTES: usize = 16 << 10;

/// How a program is asked to stop, on a deadline or a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// TERM to its group, KILL five seconds later.
    Terminate,
    /// INT to its group, then wait: killed halfway, it would leave the engine working on its requests.
    Interrupt,
}

/// What to run, and how. Has no `Debug`: what goes to its standard input may be secret.
#[derive(Clone)]
pub struct Program {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    cwd: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
    deadline: Duration,
    stop: Stop,
    grace: Duration,
}

/// What came of it. `stdout` is as it was written, so it may hold secrets; `stderr` is masked.
pub struct Output {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    /// The last lines, at most 16 KiB.
    pub stderr: String,
    shown: String,
}

impl Program {
    /// A program by name (looked up in `PATH`) or by path. It reads nothing, and has a minute.
    pub fn new(program: impl Into<OsString>) -> Self {
        Program {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            stdin: None,
            deadline: Duration::from_secs(60),
            stop: Stop::Terminate,
            grace: TERM_GRACE,
        }
    }

    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    #[must_use]
    pub fn cwd(mut self, folder: &Path) -> Self {
        self.cwd = Some(folder.to_path_buf());
        self
    }

    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// For programs that change an engine: interrupted and waited for, not terminated, and able to go
    /// on to their end when we are killed ourselves.
    #[must_use]
    pub fn interruptible(mut self) -> Self {
        (self.stop, self.grace) = (Stop::Interrupt, INTERRUPT_GRACE);
        self
    }

    /// How long it may take to end once it is asked to; then it is killed.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The whole argument list, the program first.
    pub fn argv(&self) -> Vec<&OsStr> {
        std::iter::once(&self.program).chain(&self.args).map(OsString::as_os_str).collect()
    }

    /// Runs it to its end, whatever its exit code.
    ///
    /// # Errors
    /// It cannot be started, passed its deadline, wrote more than 64 MiB (all `Failed`), or was
    /// cancelled (`Interrupted`).
    pub fn run(&self, masker: &Masker, cancel: &Cancel) -> Result<Output> {
        let shown = masker.mask(&self.shown()).into_owned();
        let cannot = |error: std::io::Error| Error::failed(format!("run {shown}")).why(error.to_string());
        let (stdout, stderr) = self.captures().map_err(cannot)?;
        let handle = self.start(&stdout, &stderr).map_err(cannot)?;
        let (stdout, stderr) = (stdout.read_on(), stderr.read_on());
        let ended = self.wait(&handle, cancel).map_err(cannot)?;
        let (stdout, stderr) = (stdout.finish().map_err(cannot)?, stderr.finish().map_err(cannot)?);
        let tail = stderr.tail(masker);
        let status = match ended {
            Ended::By(status) => status,
            Ended::Cancelled => return Err(Error::new(Kind::Interrupted, format!("run {shown}")).why("interrupted")),
            Ended::Late => {
                let why = format!("not done after {} s{}", self.deadline.as_secs(), after_colon(&tail));
                return Err(Error::failed(format!("run {shown}")).why(why));
            }
        };
        if stdout.cut {
            return Err(Error::failed(format!("run {shown}")).why("it wrote more than 64 MiB"));
        }
        Ok(Output { code: status.code().or(status.signal().map(|signal| 128 + signal)), stdout: stdout.bytes, stderr: tail, shown })
    }

    fn captures(&self) -> std::io::Result<(Capture, Capture)> {
        match self.stop {
            Stop::Terminate => Ok((Capture::pipe(STDOUT_LIMIT_BYTES)?, Capture::pipe(STDERR_TAIL_BYTES)?)),
            Stop::Interrupt => Ok((Capture::memory(STDOUT_LIMIT_BYTES)?, Capture::memory(STDERR_TAIL_BYTES)?)),
        }
    }

    fn start(&self, stdout: &Capture, stderr: &Capture) -> std::io::Result<duct::Handle> {
        self.command().stdout_file(stdout.writer()?).stderr_file(stderr.writer()?).start()
    }

    /// All but where its output goes.
    fn command(&self) -> duct::Expression {
        let mut command = duct::cmd(&self.program, &self.args).unchecked();
        command = match &self.stdin {
            Some(bytes) => command.stdin_bytes(bytes.clone()),
            None => command.stdin_null(),
        };
        if let Some(folder) = &self.cwd {
            command = command.dir(folder);
        }
        // duct lets the first of two changes win; here, as everywhere else, it is the last.
        for (name, value) in self.env.iter().rev() {
            command = match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.before_spawn(|command| {
            command.process_group(0);
            Ok(())
        })
    }

    fn wait(&self, handle: &duct::Handle, cancel: &Cancel) -> std::io::Result<Ended> {
        let deadline = Instant::now() + self.deadline;
        loop {
            if let Some(output) = handle.wait_timeout(POLL)? {
                return Ok(Ended::By(output.status));
            }
            if cancel.requested() {
                self.end(handle)?;
                return Ok(Ended::Cancelled);
            }
            if Instant::now() >= deadline {
                self.end(handle)?;
                return Ok(Ended::Late);
            }
        }
    }

    /// Asks the whole group to end, waits, and kills what has not ended then.
    fn end(&self, handle: &duct::Handle) -> std::io::Result<()> {
        let signal = match self.stop {
            Stop::Terminate => Signal::SIGTERM,
            Stop::Interrupt => Signal::SIGINT,
        };
        signal_groups(handle, signal);
        handle.wait_timeout(self.grace)?;
        // Also whom it has started and left behind: a shell's children in the background do not hear INT.
        signal_groups(handle, Signal::SIGKILL);
        handle.wait()?;
        Ok(())
    }

    fn shown(&self) -> String {
        let mut shown = String::new();
        for (index, word) in self.argv().iter().enumerate() {
            let _ = write!(shown, "{}{}", if index == 0 { "" } else { " " }, word.to_string_lossy());
        }
        shown
    }
}

enum Ended {
    By(std::process::ExitStatus),
    Cancelled,
    Late,
}

/// A group that is gone already needs no signal, so an error here says nothing.
fn signal_groups(handle: &duct::Handle, signal: Signal) {
    for pid in handle.pids() {
        let _ = killpg(Pid::from_raw(pid.cast_signed()), signal);
    }
}

fn after_colon(tail: &str) -> String {
    if tail.is_empty() { String::new() } else { format!(": {tail}") }
}

impl Output {
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Itself, when the exit code is 0.
    ///
    /// # Errors
    /// Another exit code: `Failed`, with the masked end of what it said.
    pub fn ok(self) -> Result<Output> {
        if self.success() {
            return Ok(self);
        }
        let code = self.code.map_or_else(|| "a signal".to_string(), |code| format!("exit code {code}"));
        Err(Error::failed(format!("run {}", self.shown)).why(format!("{code}{}", after_colon(&self.stderr))))
    }

    /// Standard output as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

#[cfg(test)]
mod tests;
