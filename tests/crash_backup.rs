//! Crash tests of a backup: it is killed at calls of the engine, and afterwards nobody is paused or stopped, nothing
//! of it is on the engine or in the repository, and the next backup is made.
//!
//! This binary is also what is crashed: called as `crash_backup victim ...` it makes a backup with an engine that
//! ends the process at a chosen call.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

mod deploy;
mod engine_support;
#[path = "crash_engine/killer.rs"]
mod killer;
#[path = "crash/runner.rs"]
mod runner;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::rc::Rc;

use deploy::{Bench, holds};
use engine_support::sandbox;
use killer::{Killer, When};
use xtask::actions::{Action, MakeRepository, PublishBackup, TakeBackup};
use xtask::backup::{Given, Place, Repository, Summary, choose};
use xtask::engine::{Container, Status};
use xtask::event::Silent;
use xtask::saga::{Outcome, Plan, RunId, Store, execute};

const TESTS: &[(&str, fn())] =
    &[("a_backup_that_pauses_is_killed_at_a_call", || killed("archive")), ("a_backup_that_stops_is_killed_at_a_call", || killed("stop"))];

/// Fewer mean that the harness has lost sight of them.
const FEWEST_CHANGING: usize = 6;
const FEWEST_KILLED: usize = 3;
const MOMENTS: [&str; 3] = ["before", "within", "after"];

const STACK: &str = "  web:
    image: redis:7
    entrypoint: [sh, -c]
    command: ['while true; do date > /data/now; sleep 0.05; done']
    stop_grace_period: 1s
    volumes: ['data:/data', 'spare:/spare']
    labels: {xtask.backup: HOW}
volumes: {data: , spare: }
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "victim") {
        return victim(&args[1..]);
    }
    runner::run_tests(&args, &[TESTS])
}

fn place(state: &Path) -> Place {
    Place::at(Place::usual(state), None, state).unwrap()
}

/// Its own way to a run: the steps know the run's name. One volume has no container that could be asked for it.
fn back_up(bench: &Bench, state: &Path, containers: &[Container]) -> Outcome {
    let (run, place) = (RunId::new("backup"), place(state));
    let volumes = BTreeMap::from([(format!("{}_lonely", bench.project), Some("redis:7".to_string()))]);
    let choice = choose(&Given { containers, running: containers, volumes: &volumes, only: &[], wishes: &BTreeMap::new() }).unwrap();
    let summary = Summary {
        name: Summary::name_of(run.as_str(), "shop", 1),
        stack: "shop".into(),
        project: bench.project.clone(),
        engine: "e".into(),
        run: run.to_string(),
        who: "me@here".into(),
        at_ms: 1,
        ..Summary::default()
    };
    let take = TakeBackup {
        place: place.clone(),
        summary: summary.clone(),
        dumps: choice.dumps,
        copies: choice.copies,
        files: vec![PathBuf::from("compose.yaml")],
        release: None,
        engine: "26".into(),
        compose: "2".into(),
        git_commit: None,
        deep: false,
        full: false,
    };
    let make = (!Repository::exists(&place).unwrap()).then(|| Action::MakeRepository(MakeRepository { place: place.clone() }));
    let mut plan = Plan::new("backup", make.into_iter().chain([Action::TakeBackup(Box::new(take))]).collect());
    plan.finish.push(Action::PublishBackup(PublishBackup { place, name: summary.name }));
    let mut journal = Store::at(&bench.root).begin(&run, &plan).unwrap();
    execute(&bench.world(&run), &mut journal, &plan, || Ok(holds()), &Silent, &bench.cancel)
}

/// `ROOT PROJECT STATE CALL before|within|after LOG`.
fn victim(args: &[String]) -> ExitCode {
    let [root, project, state, call, when, log] = args else { return ExitCode::from(2) };
    let containers = Bench::with_docker(Path::new(root), project).containers("web");
    let killer = Killer::new(call.parse().unwrap(), When::of(when), Path::new(log)).unwrap();
    let bench = Bench::open(Path::new(root), project, Rc::new(killer));
    match back_up(&bench, Path::new(state), &containers) {
        Outcome::Committed(_) => ExitCode::SUCCESS,
        other => {
            eprintln!("{other:?}");
            ExitCode::from(6)
        }
    }
}

fn crash(bench: &Bench, state: &Path, call: usize, when: &str) -> (ExitStatus, Vec<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("victim").arg(&bench.root).arg(&bench.project).arg(state).args([&call.to_string(), when]).arg(log.path());
    let status = command.stdin(Stdio::null()).status().unwrap();
    (status, std::fs::read_to_string(log.path()).unwrap().lines().map(String::from).collect())
}

/// The container is the one that it was, and runs; no other is there, and no half of a backup.
fn must_be_at_peace(bench: &Bench, state: &Path, id: &str, stored: usize) {
    let now = bench.container("web");
    assert_eq!((now.id.as_str(), now.state.status), (id, Status::Running));
    for run in Store::at(&bench.root).history().unwrap() {
        let left = bench.engine.containers(&[("xtask.run", run.id.as_str())]).unwrap();
        assert!(left.is_empty(), "{left:?}");
        if Repository::exists(&place(state)).unwrap() && !run.state.is_committed() {
            let repository = Repository::open(&place(state)).unwrap();
            assert!(repository.content(&Summary::name_of(run.id.as_str(), "shop", 1), true).is_err(), "a pending one is left");
        }
    }
    let found =
        if Repository::exists(&place(state)).unwrap() { Repository::open(&place(state)).unwrap().stored().unwrap().len() } else { 0 };
    assert_eq!(found, stored);
}

fn killed(how: &str) {
    let Some(sandbox) = sandbox(&format!("bk{how}")) else { return };
    let state = tempfile::tempdir().unwrap();
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    bench.write(&STACK.replace("HOW", how));
    let label = format!("com.docker.compose.project={}", bench.project);
    let lonely = format!("{}_lonely", bench.project);
    assert!(
        Command::new("docker").args(["volume", "create", "--label", &label, &lonely]).stdout(Stdio::null()).status().unwrap().success()
    );
    bench.up();
    let id = bench.container("web").id;
    let (status, calls) = crash(&bench, state.path(), 0, "before");
    assert!(status.success(), "without a kill: {status}");
    must_be_at_peace(&bench, state.path(), &id, 1);
    let (mut killed, mut stored) = (0, 1);
    for (call, when) in points(how, &calls) {
        let (status, _) = crash(&bench, state.path(), call, when);
        if status.signal() == Some(9) {
            killed += 1;
            let committed = Store::at(&bench.root).open_run().unwrap().is_none() && when == "within";
            stored += usize::from(committed);
            let outcome = bench.recover();
            println!("    {how} killed {when} call {call}, {}", calls[call - 1]);
            assert!(matches!(outcome, None | Some(Outcome::RolledBack { .. })), "{outcome:?}");
            assert!(bench.recover().is_none());
        } else {
            assert!(status.success(), "at call {call}: {status}");
            stored += 1;
        }
        must_be_at_peace(&bench, state.path(), &id, stored);
    }
    println!("    {how}: killed at {killed} points of {} calls", calls.len());
    assert!(killed >= FEWEST_KILLED, "{killed}");
    let (status, _) = crash(&bench, state.path(), 0, "before");
    assert!(status.success(), "afterwards: {status}");
    must_be_at_peace(&bench, state.path(), &id, stored + 1);
}

/// Every second call that changes something, the other ones for the other way to be quiet, at moments that take turns,
/// and one that only looks; all at all moments with `XTASK_FULL`.
fn points(how: &str, calls: &[String]) -> Vec<(usize, &'static str)> {
    let all = std::env::var_os("XTASK_FULL").is_some();
    let (changing, looking): (Vec<usize>, Vec<usize>) = (1..=calls.len()).partition(|call| calls[call - 1].ends_with('!'));
    assert!(changing.len() >= FEWEST_CHANGING, "only {} calls that change something: {calls:?}", changing.len());
    if all {
        return (1..=calls.len()).flat_map(|call| MOMENTS.map(|when| (call, when))).collect();
    }
    let turn = usize::from(how == "stop");
    let mut points: Vec<(usize, &str)> =
        changing.into_iter().skip(turn).step_by(2).zip(["after", "within", "before"].into_iter().cycle().skip(turn)).collect();
    points.extend(looking.get(looking.len() / 2).map(|call| (*call, "before")));
    points
}
