//! strace: which calls a command makes, and a fault at one of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{Fault, PATIENCE};

/// The calls that change something. A question mark: not every machine has it.
const CHANGING: &str = "?open,?openat,?creat,?write,?pwrite64,?fsync,?fdatasync,?rename,?renameat,?renameat2,?unlink,?unlinkat,\
    ?rmdir,?link,?linkat,?symlink,?symlinkat,?mkdir,?mkdirat,?chmod,?fchmod,?fchmodat,?chown,?fchown,?lchown,?fchownat,\
    ?truncate,?ftruncate,?fallocate,?copy_file_range,?sendfile";

/// The `number`-th call of that name, counted from 1 in its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    pub number: usize,
    /// The line of the log: what is done there without a fault.
    pub line: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} number {} ({})", self.name, self.number, self.line)
    }
}

pub fn require_strace() {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(found.is_ok_and(|status| status.success()), "the crash tests need strace: apt-get install strace");
}

/// What the command does, one call a line, each after the number of its process; paths of
/// descriptors are shown.
pub fn log(command: &[String], root: &Path) -> (ExitStatus, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut process = Command::new("strace");
    process.args(["-f", "-qq", "-y", "-s", "0", "-o"]).arg(file.path()).arg("-e").arg(format!("trace={CHANGING}")).arg("--").args(command);
    let status = process.current_dir(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    (status, std::fs::read_to_string(file.path()).unwrap())
}

/// The calls of a log that are worth a fault: those of the main thread, or, for `children`, the
/// numbers that any process reaches.
pub fn calls(log: &str, children: bool) -> Vec<Call> {
    let main = log.split_whitespace().next().unwrap_or_default();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut found: Vec<Call> = Vec::new();
    for line in log.lines() {
        let Some((process, call)) = line.split_once(char::is_whitespace) else { continue };
        let call = call.trim_start();
        // The rest of a call that another process interrupted; its beginning was counted.
        let Some((name, arguments)) = call.split_once('(').filter(|_| !call.starts_with("<...")) else { continue };
        let count = counts.entry((process.to_string(), name.to_string())).or_default();
        *count += 1;
        let wanted = if children { process != main } else { process == main };
        let known = found.iter().any(|known| known.name == name && known.number == *count);
        if wanted && !known && changes(name, arguments) {
            found.push(Call { name: name.to_string(), number: *count, line: call.to_string() });
        }
    }
    found
}

/// Opening for reading and speaking to people change nothing.
fn changes(name: &str, arguments: &str) -> bool {
    match name {
        "open" | "openat" => arguments.contains("O_CREAT"),
        "write" => !["0<", "1<", "2<"].iter().any(|fd| arguments.starts_with(fd)) && !arguments.contains("<pipe:"),
        _ => true,
    }
}

/// Runs the command with a fault at that call, to its end.
pub fn strace(fault: Fault, call: &Call, command: &[String], root: &Path) -> ExitStatus {
    let Call { name, number, .. } = call;
    let what = match fault {
        Fault::KillAlone | Fault::KillAll | Fault::KillEach => "signal=SIGKILL".to_string(),
        Fault::Fails(errno) => format!("error={errno}"),
    };
    let mut process = Command::new("strace");
    if fault == Fault::KillEach {
        process.arg("-f");
    }
    process.args(["-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={name}"));
    process.arg("-e").arg(format!("inject={name}:{what}:when={number}")).arg("--").args(command);
    process.current_dir(root).env(MARK, root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process.status().unwrap()
}

/// In the environment of everything that a point starts, so that it is found after its parent died.
const MARK: &str = "XTASK_CRASH_TREE";

/// SIGKILL for every process that was started for this tree.
pub fn kill_all_in(root: &Path) {
    let until = Instant::now() + PATIENCE;
    while !processes_in(root).is_empty() {
        for pid in processes_in(root) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        assert!(Instant::now() < until, "processes of {} do not die", root.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn wait_for_all_in(root: &Path) {
    let until = Instant::now() + PATIENCE;
    while !processes_in(root).is_empty() {
        assert!(Instant::now() < until, "processes of {} do not end", root.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn processes_in(root: &Path) -> Vec<i32> {
    let mark = format!("{MARK}={}", root.display()).into_bytes();
    let marked = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == mark)
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(marked).collect()
}
