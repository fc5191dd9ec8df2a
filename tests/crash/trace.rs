//! strace: which calls a command makes, and a fault at one of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
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
    /// Whose call it is; `None`: that of the command itself.
    pub child: Option<Child>,
}

/// The `number`-th start of a program, counted from 1 over all programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    pub program: PathBuf,
    pub number: usize,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { name, number, line, child } = self;
        let whose = child.as_ref().map_or(String::new(), |child| format!(" of {} number {}", child.program.display(), child.number));
        write!(f, "{name} number {number}{whose} ({line})")
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
    process
        .args(["-f", "-qq", "-y", "-s", "0", "-o"])
        .arg(file.path())
        .arg("-e")
        .arg(format!("trace=execve,{CHANGING}"))
        .arg("--")
        .args(command);
    let status = process.current_dir(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    (status, std::fs::read_to_string(file.path()).unwrap())
}

/// The calls of the main thread that are worth a fault.
pub fn calls(log: &str) -> Vec<Call> {
    let main = log.split_whitespace().next().unwrap_or_default();
    calls_of(log, main, None)
}

/// The same of every program that was started.
pub fn calls_of_children(log: &str) -> Vec<Call> {
    let mut found = Vec::new();
    // The first one is the command itself.
    let starts = lines(log).filter(|(_, name, rest)| *name == "execve" && !rest.contains(" = -1 ")).skip(1);
    for (number, (process, _, rest)) in starts.enumerate() {
        let program = rest.trim_start_matches('"').split('"').next().unwrap_or_default().into();
        found.extend(calls_of(log, process, Some(Child { program, number: number + 1 })));
    }
    found
}

fn calls_of(log: &str, process: &str, child: Option<Child>) -> Vec<Call> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (_, name, arguments) in lines(log).filter(|(whose, ..)| *whose == process) {
        let count = counts.entry(name).or_default();
        *count += 1;
        if changes(name, arguments) {
            let line = format!("{name}({arguments}");
            found.push(Call { name: name.to_string(), number: *count, line, child: child.clone() });
        }
    }
    found
}

/// Process, name and arguments of each call; of one that was interrupted, its beginning.
fn lines(log: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    log.lines().filter_map(|line| {
        let (process, call) = line.split_once(char::is_whitespace)?;
        let (name, arguments) = call.trim_start().split_once('(')?;
        (!name.starts_with("<...")).then_some((process, name, arguments))
    })
}

/// Opening for reading and speaking to people change nothing.
fn changes(name: &str, arguments: &str) -> bool {
    match name {
        "execve" => false,
        "open" | "openat" => arguments.contains("O_CREAT"),
        "write" => !["0<", "1<", "2<"].iter().any(|fd| arguments.starts_with(fd)) && !arguments.contains("<pipe:"),
        _ => true,
    }
}

/// Runs the command with a fault at that call, to its end.
pub fn strace(fault: Fault, call: &Call, command: &[String], root: &Path) -> ExitStatus {
    let Call { name, number, child, .. } = call;
    let what = match fault {
        Fault::KillAlone | Fault::KillAll | Fault::KillChild => "signal=SIGKILL".to_string(),
        Fault::Fails(errno) => format!("error={errno}"),
        Fault::Signal(name) => format!("signal={name}"),
    };
    let options = ["-qq", "-o", "/dev/null", "-e", &format!("trace={name}"), "-e", &format!("inject={name}:{what}:when={number}"), "--"];
    let shims = tempfile::tempdir().unwrap();
    let mut process = match child {
        None => Command::new("strace"),
        Some(child) => {
            write_shim(shims.path(), child, &options);
            Command::new(&command[0])
        }
    };
    match child {
        None => process.args(options).args(command),
        Some(_) => process.args(&command[1..]).env("PATH", path_behind(shims.path())),
    };
    process.current_dir(root).env(MARK, root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process.status().unwrap()
}

/// A program of the child's name that counts its starts and runs the one that is meant under strace.
fn write_shim(folder: &Path, child: &Child, options: &[&str]) {
    let (program, count) = (child.program.display(), folder.join("count"));
    let script = format!(
        "#!/bin/sh\necho >> '{count}'\nif [ $(wc -l < '{count}') = {number} ]; then exec strace {options} '{program}' \"$@\"; fi\nexec '{program}' \"$@\"\n",
        count = count.display(),
        number = child.number,
        options = options.join(" "),
    );
    let shim = folder.join(child.program.file_name().unwrap());
    std::fs::write(&shim, script).unwrap();
    std::fs::set_permissions(&shim, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn path_behind(folder: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&path))).unwrap()
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
