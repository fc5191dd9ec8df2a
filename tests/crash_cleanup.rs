//! Crash tests of phase 3: it is killed at calls of the engine, and so is the recovery; afterwards everything that it has
//! removed is back, equal, and nothing of it is on the engine or in the repository.
//!
//! This binary is also what is crashed: called as `crash_cleanup victim ...` it carries the phase out, or recovers, with
//! an engine that ends the process at a chosen call.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

#[allow(dead_code)]
mod backup;
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

use backup::Stack;
use engine_support::sandbox;
use killer::{Killer, When};
use xtask::backup::{Place, Repository};
use xtask::cancel::Cancel;
use xtask::engine::{Engine, NetworkSpec};
use xtask::error::Result;
use xtask::event::Silent;
use xtask::saga::Store;
use xtask::tasks::cleanup::{self, Options};
use xtask::tasks::recover::recover;
use xtask::tasks::{Context, Doors, Overrides};

const TESTS: &[(&str, fn())] = &[("phase_3_is_killed_at_a_call", killed)];

/// Fewer mean that the harness has lost sight of them.
const FEWEST_CHANGING: usize = 8;
const FEWEST_KILLED: usize = 5;
const MOMENTS: [&str; 3] = ["before", "within", "after"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "victim") {
        return victim(&args[1..]);
    }
    runner::run_tests(&args, &[TESTS])
}

/// `ROOT cleanup|recover NUMBER[:NAME] before|within|after LOG`.
fn victim(args: &[String]) -> ExitCode {
    let [root, what, call, when, log] = args else { return ExitCode::from(2) };
    let carry_out = || -> Result<()> {
        let (cancel, yes, typed) = (Cancel::default(), |_: &str| Ok(true), |_: &str, _: &str| Ok(true));
        let mut cx = Context::open(Path::new(root), &Silent, &cancel, false, &yes)?;
        let killer = |number: &str| Killer::new(number.parse().unwrap(), When::of(when), Path::new(log));
        let killer = match call.split_once(':') {
            Some((number, name)) => killer(number)?.of(name),
            None => killer(call)?,
        };
        cx.doors = Doors { engine: Some(Rc::new(killer)), ..Doors::open(&cancel)? };
        cx.confirm_by_name = &typed;
        match what.as_str() {
            "recover" => recover(&cx).map(|_| ()),
            _ => cleanup::run(&cx, &Options { stacks: vec!["shop".into()], ..Options::default() }, &Overrides::default()).map(|_| ()),
        }
    };
    match carry_out() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(6)
        }
    }
}

struct Shop {
    stack: Stack,
    volume: String,
    network: String,
    name: String,
    before: Option<(String, NetworkSpec, String)>,
}

impl Shop {
    /// A volume, a network, an image with a name and one without, which nobody uses.
    fn new() -> Option<Shop> {
        let stack = Stack { sandbox: sandbox("p3crash")?, state: tempfile::tempdir().unwrap() };
        let project = stack.sandbox.project.clone();
        stack.sandbox.file("compose.yaml", &format!("name: {project}\nservices: {{app: {{image: 'redis:7'}}}}\n"));
        stack.sandbox.file("xtask.yaml", "stacks: {shop: {files: [compose.yaml]}}\ncleanup: {younger-than: 0h, keep-tags: 0}\n");
        let named = |what: &str| format!("{project}_{what}");
        let (volume, network, name) = (named("data"), named("net"), format!("xtask-test/{project}:1"));
        let label = format!("com.docker.compose.project={project}");
        stack.docker(&["volume", "create", "--label", &label, &volume]);
        stack.docker(&["network", "create", "--label", &label, &network]);
        let fill = "cd /v && mkdir sub && echo hello > sub/file && chmod 640 sub/file && chown 999:998 . sub/file";
        stack.docker(&["run", "--rm", "--network", "none", "-v", &format!("{volume}:/v"), "redis:7", "sh", "-ec", fill]);
        let mut shop = Shop { stack, volume, network, name, before: None };
        shop.image("named", &[&shop.name]);
        shop.image("unnamed", &[]);
        shop.before = Some(shop.state());
        Some(shop)
    }

    fn image(&self, content: &str, name: &[&str]) {
        let root = self.stack.root();
        self.stack.sandbox.file("content", &format!("{content} of {}", self.name));
        let tar = root.join("content.tar");
        assert!(Command::new("tar").arg("-cf").arg(&tar).arg("-C").arg(root).arg("content").status().unwrap().success());
        let label = format!("LABEL com.docker.compose.project={}", self.stack.sandbox.project);
        self.stack.docker(&[&["import", "--change", &label, tar.to_str().unwrap()], name].concat());
    }

    /// What the volume holds, how the network is made, and the image's id.
    fn state(&self) -> (String, NetworkSpec, String) {
        let look = "cd /v; find . -printf '%p %y %m %U:%G %s\\n' | sort; find . -type f -exec sha256sum {} + | sort";
        let volume = format!("{}:/v:ro", self.volume);
        let content = self.stack.docker(&["run", "--rm", "--network", "none", "-v", &volume, "redis:7", "sh", "-ec", look]);
        let docker = &self.stack.sandbox.docker;
        let image = docker.image(&self.name).unwrap().unwrap_or_else(|| panic!("there is no {}", self.name)).id;
        (content, docker.network_spec(&self.network).unwrap().unwrap(), image)
    }

    fn unnamed(&self) -> usize {
        let images = self.stack.sandbox.docker.images("").unwrap();
        let ours = |labels: &std::collections::BTreeMap<String, String>| {
            labels.get("com.docker.compose.project").is_some_and(|project| *project == self.stack.sandbox.project)
        };
        images.iter().filter(|image| image.tags.is_empty() && ours(&image.labels)).count()
    }

    fn crash(&self, what: &str, call: &str, when: &str) -> (ExitStatus, Vec<String>) {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("victim").arg(self.stack.root()).args([what, call, when]).arg(log.path());
        let status = command.env("XTASK_STATE", self.stack.state.path()).stdin(Stdio::null()).status().unwrap();
        (status, std::fs::read_to_string(log.path()).unwrap().lines().map(String::from).collect())
    }

    /// Recovers with the tool as it is shipped, takes back what was committed, and looks at everything.
    fn must_be_back(&self, what: &str) {
        self.stack.ok(&["recover"]);
        let committed = Store::at(self.stack.root()).history().unwrap().last().unwrap().state.is_committed();
        if committed {
            assert_eq!(self.unnamed(), 0, "{what}: a recovery does what comes after the commit");
            self.stack.ok(&["--yes", "rollback"]);
            self.image("unnamed", &[]);
        } else {
            let place = Place::at(Place::usual(self.stack.state.path()), None, self.stack.state.path()).unwrap();
            let stored =
                if Repository::exists(&place).unwrap() { Repository::open(&place).unwrap().removed().unwrap() } else { Vec::new() };
            let open = Store::at(self.stack.root()).history().unwrap().last().unwrap().id.to_string();
            assert!(stored.iter().all(|stored| stored.summary.run != open), "{what}: its archive is left");
        }
        assert_eq!(Some(self.state()), self.before, "{what}");
        assert_eq!(self.unnamed(), 1, "{what}");
        for run in Store::at(self.stack.root()).history().unwrap() {
            let left = self.stack.sandbox.docker.containers(&[("xtask.run", run.id.as_str())]).unwrap();
            assert!(left.is_empty(), "{what}: {left:?}");
        }
        assert!(self.stack.json(&["recover"])["recovered"].is_null(), "{what}");
    }
}

fn killed() {
    let Some(shop) = Shop::new() else { return };
    let began = Instant::now();
    let (status, calls) = shop.crash("cleanup", "0", "before");
    assert!(status.success(), "without a kill: {status}");
    shop.must_be_back("without a kill");
    let (mut killed, mut recovery) = (0, None);
    for (call, when) in points(&calls) {
        let (status, _) = shop.crash("cleanup", &call, when);
        let what = format!("killed {when} call {call}");
        if status.signal() == Some(9) {
            killed += 1;
            println!("    {what}");
        }
        // What the recovery of everything calls, to kill another one at it.
        if recovery.is_none() && (call, when) == everything_gone(&calls) {
            let (status, calls) = shop.crash("recover", "0", "before");
            assert!(status.success(), "{what}: {status}");
            recovery = Some(calls);
        }
        shop.must_be_back(&what);
    }
    killed += recovery_killed(&shop, &calls, &recovery.expect("it is one of the points"));
    let label = format!("label=com.docker.compose.project={}", shop.stack.sandbox.project);
    let images = shop.stack.docker(&["images", "-q", "--no-trunc", "--filter", &label]);
    shop.stack.docker(&[&["rmi"], images.split_whitespace().collect::<Vec<_>>().as_slice()].concat());
    println!("    killed at {killed} points of {} calls, {:.0} s", calls.len(), began.elapsed().as_secs_f32());
    assert!(killed >= FEWEST_KILLED, "{killed}");
}

/// Before the commit, with everything gone that can come back.
fn everything_gone(calls: &[String]) -> (String, &'static str) {
    (last(calls, "untag image!"), "after")
}

/// While it fills the new volume; and every so often with `XTASK_FULL`.
fn recovery_killed(shop: &Shop, calls: &[String], recovery: &[String]) -> usize {
    let (call, when) = everything_gone(calls);
    let (status, _) = shop.crash("cleanup", &call, when);
    assert_eq!(status.signal(), Some(9), "{status}");
    let full = std::env::var_os("XTASK_FULL").is_some();
    let every_third = || (1..=recovery.len()).step_by(3).map(|call| call.to_string()).collect();
    let moments = if full { every_third() } else { vec![last(recovery, "write_archive!")] };
    let mut killed = 0;
    for call in moments {
        let (status, _) = shop.crash("recover", &call, "after");
        if status.signal() == Some(9) {
            killed += 1;
            println!("    killed after call {call} of its recovery");
        }
    }
    shop.must_be_back("its recovery was killed");
    killed
}

/// The last call of this name, as `NUMBER:NAME`.
fn last(calls: &[String], name: &str) -> String {
    let number = calls.iter().filter(|call| *call == name).count();
    assert!(number > 0, "no {name} in {calls:?}");
    format!("{number}:{name}")
}

/// While it archives, removes, and drops what cannot come back after the commit; every call at every moment with
/// `XTASK_FULL`.
fn points(calls: &[String]) -> Vec<(String, &'static str)> {
    let changing = calls.iter().filter(|call| call.ends_with('!')).count();
    assert!(changing >= FEWEST_CHANGING, "only {changing} calls that change something: {calls:?}");
    if std::env::var_os("XTASK_FULL").is_some() {
        return (1..=calls.len()).flat_map(|call| MOMENTS.map(|when| (call.to_string(), when))).collect();
    }
    let archive = "1:create_holder!".to_string();
    let unnamed = last(calls, "remove image!");
    vec![(archive, "after"), (last(calls, "remove network!"), "within"), everything_gone(calls), (unnamed, "before")]
}
