//! Crash tests of the steps that replace containers: a swap, a rolling replacement and a recreation are
//! killed at calls of the engine, and what was there before serves again.
//!
//! This binary is also what is crashed: called as `crash_deploy victim ...` it carries a run out with an
//! engine that ends the process at a chosen call.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

mod deploy;
mod engine_support;
#[path = "crash_engine/killer.rs"]
mod killer;
#[path = "crash/runner.rs"]
mod runner;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::Instant;

use deploy::{Bench, bad, inspected};
use engine_support::sandbox;
use killer::{Killer, When};
use xtask::actions::Action;
use xtask::engine::{Container, Status};
use xtask::saga::Outcome;

const TESTS: &[(&str, fn())] = &[
    ("a_swap_that_is_killed_at_a_call_is_put_back", swap_killed),
    ("a_rolling_replacement_that_is_killed_at_a_call_is_put_back", rolling_killed),
    ("a_recreation_that_is_killed_at_a_call_is_put_back", recreation_killed),
    ("a_request_to_stop_that_outlives_its_client_is_outlived", stop_outlived),
];

/// Fewer calls and points than these mean that the harness has lost sight of them.
const FEWEST_CALLS: usize = 20;
const FEWEST_CHANGING: usize = 4;
const FEWEST_POINTS: usize = 5;
const FEWEST_KILLED: usize = 4;
/// Unless all are tried: so many of the calls that change something, the first and the last among them, and
/// so many of those that only look.
const CHANGES: usize = 4;
const LOOKS: usize = 1;
/// Of the requests to stop that are outlived, the first ones.
const STOPS: usize = 1;
const KINDS: [&str; 3] = ["swap", "rolling", "recreate"];
const MOMENTS: [&str; 3] = ["before", "within", "after"];

const STACK: &str = "  web:
    image: redis:7
    stop_grace_period: 2s
    command: [redis-server, --save, '']
    volumes: ['data:/data', /scratch]
    environment: {V: 'VERSION'}
    REST
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, timeout: 2s, retries: 5}
  other:
    image: redis:7
volumes: {data: {}}
";

fn stack(version: &str, kind: &str) -> String {
    let rest = if kind == "recreate" { "container_name: 'PROJECT-front'" } else { "labels: {kind: plain}" };
    let text = STACK.replace("VERSION", version).replace("REST", rest);
    if kind == "recreate" { text } else { text.replace(", /scratch", "") }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "victim") {
        return victim(&args[1..]);
    }
    runner::run_tests(&args, &[TESTS])
}

fn steps(bench: &Bench, kind: &str) -> Vec<Action> {
    let step = match kind {
        "recreate" => bench.recreate("web"),
        kind => Action::Replace(bench.replace("web", 1, kind == "rolling")),
    };
    vec![bench.keep(), step]
}

/// `ROOT PROJECT KIND CALL before|after LOG`: its proof does not hold, so that its undo is crashed too.
fn victim(args: &[String]) -> ExitCode {
    let [root, project, kind, call, when, log] = args else { return ExitCode::from(2) };
    let planned = steps(&Bench::with_docker(Path::new(root), project), kind);
    let killer = Killer::new(call.parse().unwrap(), When::of(when), Path::new(log)).unwrap();
    let bench = Bench::open(Path::new(root), project, Rc::new(killer));
    match bench.run(planned, bad()) {
        Outcome::RolledBack { .. } => ExitCode::SUCCESS,
        other => {
            eprintln!("{other:?}");
            ExitCode::from(6)
        }
    }
}

fn crash(bench: &Bench, kind: &str, call: usize, when: &str) -> (ExitStatus, Vec<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("victim").arg(&bench.root).args([bench.project.as_str(), kind, &call.to_string(), when]).arg(log.path());
    let status = command.stdin(Stdio::null()).status().unwrap();
    (status, std::fs::read_to_string(log.path()).unwrap().lines().map(String::from).collect())
}

/// What runs is what ran: nothing more, nothing less, and well.
fn must_be_as_before(bench: &Bench, before: &[Container], names: &[String]) {
    assert_eq!(bench.names(), names);
    let now = bench.containers("web");
    assert_eq!(now.iter().map(inspected).collect::<Vec<_>>(), before.iter().map(inspected).collect::<Vec<_>>());
    assert!(now.iter().all(|one| one.state.status == Status::Running));
}

fn killed(kind: &str) {
    let Some(sandbox) = sandbox(kind) else { return };
    let began = Instant::now();
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    let write = |version: &str| bench.write(&stack(version, kind).replace("PROJECT", &bench.project));
    write("1");
    bench.up();
    let (before, names) = (bench.containers("web"), bench.names());
    let other = bench.container("other");
    write("2");
    let (status, calls) = crash(&bench, kind, 0, "before");
    assert!(status.success(), "without a kill: {status}");
    must_be_as_before(&bench, &before, &names);
    assert!(calls.len() >= FEWEST_CALLS, "only {} calls: {calls:?}", calls.len());
    let (mut killed, mut slowest) = (0, 0.0_f32);
    let points = points_of(kind, &calls);
    assert!(points.len() >= FEWEST_POINTS, "only {points:?} of {calls:?}");
    for &(call, when) in &points {
        let (status, _) = crash(&bench, kind, call, when);
        if status.signal() == Some(9) {
            killed += 1;
            let started = Instant::now();
            let outcome = bench.recover();
            slowest = slowest.max(started.elapsed().as_secs_f32());
            println!("    {kind} killed {when} call {call}, {}: {:.1} s", calls[call - 1], started.elapsed().as_secs_f32());
            assert!(matches!(outcome, None | Some(Outcome::RolledBack { .. })), "{outcome:?}");
            assert!(bench.recover().is_none());
        } else {
            // It waited less often this time, so it ended before that call.
            assert!(status.success(), "at call {call}: {status}");
        }
        must_be_as_before(&bench, &before, &names);
        let still = bench.container("other");
        assert_eq!((&still.id, &still.state.started_at), (&other.id, &other.state.started_at), "a service that is not replaced");
    }
    println!(
        "    {kind}: killed at {killed} of {} points in {} calls, recovered in at most {slowest:.1} s, {:.0} s",
        points.len(),
        calls.len(),
        began.elapsed().as_secs_f32()
    );
    assert!(killed >= FEWEST_KILLED, "{killed}");
    write("1");
    let serving = bench.container("web").id;
    bench.up();
    assert_eq!(bench.container("web").id, serving, "a hand-made up recreates nothing");
}

fn swap_killed() {
    killed("swap");
}

fn rolling_killed() {
    killed("rolling");
}

fn recreation_killed() {
    killed("recreate");
}

/// The engine goes on with a stop whose client was killed: three seconds later it would be done.
fn stop_outlived() {
    let Some(sandbox) = sandbox("outlived") else { return };
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    let slow = "  web:\n    image: redis:7\n    stop_grace_period: 3s\n    entrypoint: [sh, -c]\n    command: ['trap : TERM; while true; do sleep 1; done']\n    environment: {V: 'VERSION'}\n";
    bench.write(&slow.replace("VERSION", "1"));
    bench.up();
    let (before, names) = (bench.containers("web"), bench.names());
    bench.write(&slow.replace("VERSION", "2"));
    let (status, calls) = crash(&bench, "swap", 0, "before");
    assert!(status.success());
    let stops: Vec<usize> = (1..=calls.len()).filter(|call| calls[call - 1] == "stop!").collect();
    assert!(!stops.is_empty(), "{calls:?}");
    for &call in stops.iter().take(if all() { stops.len() } else { STOPS }) {
        let (status, _) = crash(&bench, "swap", call, "within");
        assert_eq!(status.signal(), Some(9), "stop {call}");
        let began = Instant::now();
        assert!(matches!(bench.recover(), Some(Outcome::RolledBack { .. })));
        println!("    killed within call {call}: recovered in {:.1} s", began.elapsed().as_secs_f32());
        std::thread::sleep(std::time::Duration::from_secs(5));
        must_be_as_before(&bench, &before, &names);
    }
}

fn all() -> bool {
    std::env::var_os("XTASK_FULL").is_some()
}

/// `count` of them, or all when there are fewer, at equal distances: the first, the last and some of each third.
fn spread(from: &[usize], count: usize) -> Vec<usize> {
    match count.min(from.len()) {
        0 => Vec::new(),
        1 => vec![from[from.len() / 2]],
        count => (0..count).map(|nth| from[nth * (from.len() - 1) / (count - 1)]).collect(),
    }
}

/// The calls at which the run is killed, and the moment of each. Unless all are tried, the moments take turns,
/// and each kind of replacement begins with another one.
fn points_of(kind: &str, calls: &[String]) -> Vec<(usize, &'static str)> {
    let numbers = 1..=calls.len();
    if all() {
        return numbers.flat_map(|call| MOMENTS.map(|when| (call, when))).collect();
    }
    let (changing, looking): (Vec<usize>, Vec<usize>) = numbers.partition(|call| calls[call - 1].ends_with('!'));
    assert!(changing.len() >= FEWEST_CHANGING, "only {} calls that change something: {calls:?}", changing.len());
    let first = KINDS.iter().position(|one| *one == kind).unwrap();
    let mut points: Vec<(usize, &str)> = spread(&changing, CHANGES).into_iter().zip(MOMENTS.into_iter().cycle().skip(first)).collect();
    points.extend(spread(&looking, LOOKS).into_iter().map(|call| (call, "before")));
    points.sort_unstable();
    points
}
