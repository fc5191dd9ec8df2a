//! Crash tests of phase 4: it is killed at calls of the engine, and after a recovery the files are as before, and
//! nothing of it is on the engine.
//!
//! This binary is also what is crashed: called as `crash_dockerfile_prod victim ...` it carries the phase out with an
//! engine that ends the process at a chosen call.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

mod engine_support;
#[path = "crash_engine/killer.rs"]
mod killer;
#[path = "crash/runner.rs"]
mod runner;
mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::rc::Rc;

use engine_support::{Sandbox, sandbox};
use killer::{Killer, When};
use support::tree;
use xtask::cancel::Cancel;
use xtask::engine::Engine;
use xtask::error::Result;
use xtask::event::Silent;
use xtask::saga::Store;
use xtask::tasks::dockerfile_prod::{self, Options};
use xtask::tasks::recover::recover;
use xtask::tasks::{Context, Doors, Overrides};

const TESTS: &[(&str, fn())] = &[("phase_4_is_killed_at_a_call", killed)];

/// Fewer mean that the harness has lost sight of them.
const FEWEST_CALLS: usize = 20;
const FEWEST_KILLED: usize = 3;

const SERVER: &str = "require('http').createServer((q, r) => { r.statusCode = q.url === '/health' ? 200 : 404; r.end(); }).listen(3000);\n";
const DOCKERFILE: &str = "FROM node:18-bookworm-slim\nWORKDIR /app\nCOPY src ./src\nEXPOSE 3000\nCMD [\"node\", \"src/server.js\"]\n";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "victim") {
        return victim(&args[1..]);
    }
    runner::run_tests(&args, &[TESTS])
}

/// `ROOT CALL before|within|after LOG`.
fn victim(args: &[String]) -> ExitCode {
    let [root, call, when, log] = args else { return ExitCode::from(2) };
    let carry_out = || -> Result<()> {
        let killer = Killer::new(call.parse().unwrap(), When::of(when), Path::new(log))?;
        with_engine(Path::new(root), Rc::new(killer), |cx| dockerfile_prod::run(cx, &Options::default(), &Overrides::default()).map(|_| ()))
    };
    match carry_out() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(6)
        }
    }
}

fn with_engine<T>(root: &Path, engine: Rc<dyn Engine>, run: impl FnOnce(&Context<'_>) -> Result<T>) -> Result<T> {
    let (cancel, yes) = (Cancel::default(), |_: &str| Ok(true));
    let mut cx = Context::open(root, &Silent, &cancel, false, &yes)?;
    cx.doors = Doors { engine: Some(engine), ..Doors::open(&cancel)? };
    run(&cx)
}

fn crash(root: &Path, call: usize, when: &str) -> (ExitStatus, Vec<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("victim").arg(root).args([&call.to_string(), when]).arg(log.path()).stdin(Stdio::null());
    let status = command.status().unwrap();
    (status, std::fs::read_to_string(log.path()).unwrap().lines().map(String::from).collect())
}

fn must_be_clean(sandbox: &Sandbox, root: &Path) {
    for run in Store::at(root).history().unwrap() {
        let label = [("xtask.run", run.id.as_str())];
        let counts = (
            sandbox.docker.containers(&label).unwrap().len(),
            sandbox.docker.networks(&label).unwrap().len(),
            sandbox.docker.volumes(&label).unwrap().len(),
        );
        assert_eq!(counts, (0, 0, 0), "{}", run.id);
        let tag = format!(":{}", run.id.short());
        let images = sandbox.docker.images("xtask.local/dockerfile-prod/").unwrap();
        assert!(images.iter().flat_map(|image| &image.tags).all(|name| !name.ends_with(&tag)), "{images:?}");
    }
}

fn killed() {
    let Some(sandbox) = sandbox("p4crash") else { return };
    let root = sandbox.path().canonicalize().unwrap();
    sandbox.file("compose.yaml", &format!("name: {}\nservices:\n  web: {{build: web}}\n", sandbox.project));
    sandbox.file("web/Dockerfile", DOCKERFILE);
    sandbox.file("web/src/server.js", SERVER);
    let before = tree::contents(&root);
    let (status, calls) = crash(&root, 0, "before");
    assert!(status.success(), "without a kill: {status}");
    must_be_clean(&sandbox, &root);
    let written = ["web/Dockerfile.prod", "web/.dockerignore"];
    let mut killed = 0;
    for (call, when) in points(&calls) {
        for file in written {
            let _ = std::fs::remove_file(root.join(file));
        }
        let (status, _) = crash(&root, call, when);
        let docker = || Rc::new(xtask::engine::Docker::connect().unwrap());
        let recovered = with_engine(&root, docker(), recover).unwrap();
        if status.signal() == Some(9) {
            killed += 1;
            println!("    killed {when} call {call}, {}: {recovered:?}", calls[call - 1]);
        }
        let now = tree::contents(&root);
        let done = written.iter().all(|file| root.join(file).exists());
        if !done {
            tree::assert_same(&before, &now, "after a recovery");
        }
        must_be_clean(&sandbox, &root);
        assert_eq!(with_engine(&root, docker(), recover).unwrap(), xtask::tasks::recover::Recovered::Nothing);
    }
    println!("    killed at {killed} points of {} calls", calls.len());
    assert!(killed >= FEWEST_KILLED, "{killed}");
}

/// While the image is built, while it is looked into, while it is started, and while the scratch image goes; every call
/// at every moment with `XTASK_FULL`.
fn points(calls: &[String]) -> Vec<(usize, &'static str)> {
    assert!(calls.len() >= FEWEST_CALLS, "only {} calls: {calls:?}", calls.len());
    if std::env::var_os("XTASK_FULL").is_some() {
        return (1..=calls.len()).flat_map(|call| ["before", "within", "after"].map(|when| (call, when))).collect();
    }
    let of = |name: &str| calls.iter().position(|call| call == name).map(|at| at + 1);
    let scratch = of("create_scratch!").expect("the image is looked into");
    let started = calls.iter().rposition(|call| call == "start!").map(|at| at + 1).expect("the image is started");
    let gone = of("untag image!").expect("the image goes");
    // The last call before the image is built is where its name is looked up; there the build begins.
    vec![(scratch - 2, "within"), (scratch, "after"), (started, "within"), (gone, "before")]
}
