//! Kills a command at every system call that changes something, or lets that call fail, and looks
//! whether what is left can be settled: after `recover` the tree is as before or as after, and a
//! second `recover` changes nothing.
//!
//! strace injects the faults, so the command is the one that is shipped. It counts calls by thread:
//! what is enumerated are the calls of the main thread, and those of each program that it starts.

pub mod mount;
pub mod order;
pub mod runner;
pub mod snapshot;
pub mod trace;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use snapshot::Snapshot;
use trace::{Call, strace};

/// A command with what surrounds it. All are called with the root of a tree of their own.
pub struct Scenario<'a> {
    pub name: &'a str,
    /// Fills an empty folder. Called once; each point gets a copy.
    pub prepare: &'a dyn Fn(&Path),
    /// Program and arguments; run in the root.
    pub command: &'a [String],
    pub recover: &'a [String],
    /// What must be as before or as after.
    pub snapshot: fn(&Path) -> Snapshot,
    /// The codes with which the command says that the tree is as before.
    pub undone: &'a [i32],
    /// The codes with which it says that a recovery is needed.
    pub open: &'a [i32],
    /// Of each fault only every so many of the points are tried, unless `XTASK_FULL` is set; 1: all of them. Each fault
    /// begins at another point, so that together they come to more.
    pub every: usize,
}

/// At every so many of the points that were put back the command is carried out again.
const AGAIN_EVERY: usize = 3;

fn is_full() -> bool {
    std::env::var_os("XTASK_FULL").is_some()
}

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL of the command; what it has started goes on, and recovery waits for it.
    KillAlone,
    /// SIGKILL of the command and of everything that it has started: as good as a power cut.
    KillAll,
    /// SIGKILL of one program that the command has started; the command goes on without it.
    KillChild,
    /// The call of the command itself fails in this way.
    Fails(&'static str),
    /// The command gets this signal there, as from Ctrl-C.
    Signal(&'static str),
}

/// The code of a command that was asked to stop and has put everything back.
const INTERRUPTED: i32 = 130;

#[derive(Debug, Clone)]
struct Point {
    fault: Fault,
    call: Call,
}

/// Runs all points of all faults; returns how many there were. Panics with a list of what went wrong.
pub fn enumerate(scenario: &Scenario, faults: &[Fault]) -> usize {
    let started = Instant::now();
    let bench = Bench::new(scenario);
    let points = bench.points(faults);
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // The closures of a scenario stay on this thread; a point needs only what the bench has kept.
    let parts = bench.parts();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(point) = points.get(number) else { break };
                    if let Err(why) = parts.try_point(point, is_full() || number.is_multiple_of(AGAIN_EVERY)) {
                        wrong.lock().unwrap().push(format!("{:?} at {}: {why}", point.fault, point.call));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    println!("    {}: {} points, {} wrong, {:.1} s", scenario.name, points.len(), wrong.len(), started.elapsed().as_secs_f32());
    assert!(wrong.is_empty(), "{} of {} points:\n{}", wrong.len(), points.len(), wrong[..wrong.len().min(20)].join("\n"));
    points.len()
}

struct Bench<'a> {
    scenario: &'a Scenario<'a>,
    folder: tempfile::TempDir,
    before: Snapshot,
    after: Snapshot,
}

/// What the threads need.
struct Parts<'a> {
    template: PathBuf,
    command: &'a [String],
    recover: &'a [String],
    snapshot: fn(&Path) -> Snapshot,
    undone: &'a [i32],
    open: &'a [i32],
    before: &'a Snapshot,
    after: &'a Snapshot,
}

impl<'a> Bench<'a> {
    fn new(scenario: &'a Scenario<'a>) -> Self {
        trace::require_strace();
        let folder = folder();
        let template = folder.path().join("template");
        std::fs::create_dir(&template).unwrap();
        (scenario.prepare)(&template);
        let before = (scenario.snapshot)(&template);
        let mut bench = Bench { scenario, folder, before, after: Snapshot::new() };
        let tree = copy_of(&bench.template());
        let status = run(scenario.command, tree.path());
        assert!(status.success(), "{}: without a fault: {status}", scenario.name);
        bench.after = (scenario.snapshot)(tree.path());
        assert_ne!(bench.before, bench.after, "{}: the command changes nothing", scenario.name);
        bench
    }

    fn template(&self) -> PathBuf {
        self.folder.path().join("template")
    }

    fn points(&self, faults: &[Fault]) -> Vec<Point> {
        let tree = copy_of(&self.template());
        let (_, log) = trace::log(self.scenario.command, tree.path());
        let every = if is_full() { 1 } else { self.scenario.every };
        let mut points = Vec::new();
        for (number, fault) in faults.iter().enumerate() {
            let calls = if *fault == Fault::KillChild { trace::calls_of_children(&log) } else { trace::calls(&log) };
            let first = number * every / faults.len();
            points.extend(calls.into_iter().skip(first).step_by(every).map(|call| Point { fault: *fault, call }));
        }
        points
    }

    fn parts(&'a self) -> Parts<'a> {
        let Scenario { command, recover, snapshot, undone, open, .. } = *self.scenario;
        Parts { template: self.template(), command, recover, snapshot, undone, open, before: &self.before, after: &self.after }
    }
}

impl Parts<'_> {
    fn try_point(&self, point: &Point, runs_again: bool) -> Result<(), String> {
        let copy = copy_of(&self.template);
        let tree = copy.path();
        let status = strace(point.fault, &point.call, self.command, tree);
        match point.fault {
            Fault::KillAll => trace::kill_all_in(tree),
            Fault::Fails(_) | Fault::KillChild => self.check_exit(status, tree, self.undone)?,
            Fault::Signal(_) => self.check_exit(status, tree, &[INTERRUPTED])?,
            Fault::KillAlone => {}
        }
        self.recover(tree)?;
        trace::wait_for_all_in(tree);
        let now = (self.snapshot)(tree);
        if now != *self.before && now != *self.after {
            return Err(format!("neither before nor after.\nfrom before: {}", snapshot::difference(self.before, &now)));
        }
        let whole = snapshot::whole(tree);
        self.recover(tree).map_err(|why| format!("the second time: {why}"))?;
        let again = snapshot::whole(tree);
        if whole != again {
            return Err(format!("a second recovery changes: {}", snapshot::difference(&whole, &again)));
        }
        if runs_again { self.run_again(&now, tree) } else { Ok(()) }
    }

    /// A command that came to an end by itself has said how: that must be so without a recovery.
    fn check_exit(&self, status: ExitStatus, tree: &Path, undone: &[i32]) -> Result<(), String> {
        let now = (self.snapshot)(tree);
        let expected = match status.code() {
            Some(0) => self.after,
            Some(code) if undone.contains(&code) => self.before,
            Some(code) if self.open.contains(&code) => return Ok(()),
            _ => return Err(format!("ended with {status}")),
        };
        if now == *expected { Ok(()) } else { Err(format!("ended with {status}, but differs: {}", snapshot::difference(expected, &now))) }
    }

    /// Nothing that was left stands in the way of doing it again.
    fn run_again(&self, now: &Snapshot, tree: &Path) -> Result<(), String> {
        if now != self.before {
            return Ok(());
        }
        let status = run(self.command, tree);
        if !status.success() {
            return Err(format!("once recovered, the command ends with {status}"));
        }
        let after = (self.snapshot)(tree);
        if after == *self.after { Ok(()) } else { Err(format!("once recovered, it does: {}", snapshot::difference(self.after, &after))) }
    }

    fn recover(&self, tree: &Path) -> Result<(), String> {
        let output = quiet(self.recover, tree).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(format!("recover: {}: {said}", output.status)) }
    }
}

/// A folder of its own, in memory where that is possible: the points sync thousands of times, and
/// a kill loses no page that the kernel has.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A copy with modes, owners, times and links.
pub fn copy_of(template: &Path) -> tempfile::TempDir {
    let copy = folder();
    let status = Command::new("cp").args(["-a", "--"]).arg(template.join(".")).arg(copy.path()).status().unwrap();
    assert!(status.success());
    copy
}

pub fn run(command: &[String], root: &Path) -> ExitStatus {
    quiet(command, root).status().unwrap()
}

pub fn quiet(command: &[String], root: &Path) -> Command {
    let mut process = Command::new(&command[0]);
    process.args(&command[1..]).current_dir(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process
}

/// How long anything here may take at most.
pub const PATIENCE: Duration = Duration::from_secs(20);
