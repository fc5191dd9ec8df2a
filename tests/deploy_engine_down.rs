//! Deploys whose engine is killed and comes back: the exit code says how they ended, and then, or after a
//! `recover`, the old release serves whole.
//!
//! The engine is one of this test's own. This binary raises it, and calls itself beside it.

#![allow(clippy::print_stdout, reason = "it is its own test runner")]

mod engine_support;
#[path = "deploy_engine_down/own_engine.rs"]
mod own_engine;
#[path = "crash/runner.rs"]
mod runner;
#[path = "prod_up/mod.rs"]
#[allow(dead_code)] // shared with the tests of prod-up
mod support;

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use own_engine::{FOLDER, OwnEngine, folder, host, kill_engine, start_engine};
use serde_json::Value;
use support::during::Going;
use support::{Prod, STACK, Said, Who};
use xtask::engine::{Health, Status};

const TESTS: &[(&str, fn())] = &[
    ("deploys_whose_engine_is_killed_end_with_the_old_release", killed),
    ("a_backup_whose_engine_is_killed_is_not_listed_and_nobody_stays_paused", killed_in_a_backup),
];

/// Writes to its volume, and is paused for the backup.
const WRITES: &str = "name: PROJECT
services:
  web:
    image: redis:7
    entrypoint: [sh, -c]
    command: ['while true; do date > /data/now; sleep 0.05; done']
    stop_grace_period: 1s
    restart: always
    labels: {xtask.backup: archive}
    volumes: ['data:/data']
volumes: {data: }
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if std::env::var_os(FOLDER).is_some() || args.iter().any(|arg| arg == "--list") {
        return runner::run_tests(&args, &[TESTS]);
    }
    if engine_support::sandbox("own-engine").is_none() {
        return ExitCode::SUCCESS;
    }
    let began = Instant::now();
    let engine = match OwnEngine::raise() {
        Ok(engine) => engine,
        Err(why) => {
            println!("SKIPPED: {why}");
            return ExitCode::SUCCESS;
        }
    };
    engine.load(&["nginx:1.22", "redis:7"]);
    println!("    an engine of our own after {:.1} s", began.elapsed().as_secs_f32());
    let itself = std::env::current_exe().unwrap();
    let mut inside = engine.inside(itself.to_str().unwrap());
    inside.args(args).env(FOLDER, engine.path()).env("DOCKER_HOST", host(engine.path())).env("XTASK_RIG_HOST", "127.0.0.1");
    let status = inside.status().unwrap();
    drop(engine);
    println!("    {:.0} s with its engine", began.elapsed().as_secs_f32());
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One deploy that is stopped at its moment, until the engine is gone.
struct Case {
    name: &'static str,
    /// Of its containers: whether the engine starts them again by itself.
    restart: &'static str,
    args: &'static [&'static str],
    reached: fn(&Prod, &[Value]) -> bool,
    /// It goes on while there is no engine.
    alone: bool,
}

const CASES: [Case; 4] = [
    Case { name: "rehearsal", restart: "always", args: &[], reached: in_rehearsal, alone: false },
    Case { name: "between", restart: "unless-stopped", args: &["--no-rehearse"], reached: between, alone: false },
    Case { name: "settle", restart: "no", args: &["--no-rehearse"], reached: in_proof, alone: false },
    Case { name: "away", restart: "no", args: &["--no-rehearse"], reached: in_proof, alone: true },
];

fn in_rehearsal(prod: &Prod, _: &[Value]) -> bool {
    prod.rehearsed().iter().any(|name| name.contains("-web-"))
}

/// The new container is made, and the old one is set aside for it, or is about to be. The moment in which none of
/// them runs is too short to be met each time.
fn between(prod: &Prod, _: &[Value]) -> bool {
    let web: Vec<_> = prod.containers().into_iter().filter(|one| one.service() == "web").collect();
    web.len() == 2 && web.iter().any(|one| !one.is_up())
}

fn in_proof(_: &Prod, records: &[Value]) -> bool {
    let steps = records[0]["steps"].as_u64().unwrap();
    records.iter().filter(|record| record["record"] == "applied").count() as u64 >= steps
}

impl Case {
    fn serving(&self) -> (Prod, Vec<Who>) {
        let restart = format!("restart: '{}',", self.restart);
        let stack = STACK.replace("{WEB,", &format!("{{WEB, {restart}")).replace("{DB}", &format!("{{DB, {restart}}}"));
        let prod = Prod::of(&format!("ed-{}", self.name), &stack, "deploy: {settle: 3}\n").unwrap();
        prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
        let before = prod.whole("v1");
        (prod, before)
    }

    /// A deploy that stands still at its moment.
    fn until_its_moment(&self, prod: &Prod) -> Going {
        let known = prod.journals().len();
        let mut going = prod.start(&[&["--tag", "v2"], self.args].concat());
        prod.until(&mut going, known, |records| (self.reached)(prod, records));
        going.signal(Signal::SIGSTOP);
        going
    }

    /// It has put everything back, or says what is to be done, and that does it.
    fn old_release_serves(&self, prod: &Prod, said: &Said, before: &[Who]) {
        println!("    {}: ended with {}", self.name, said.code);
        // Compose may have outlived the engine in the rehearsal, and all went its way.
        let codes: &[i32] = match (self.alone, self.args) {
            (true, _) => &[5],
            (_, []) => &[0, 3, 4],
            _ => &[4],
        };
        assert!(codes.contains(&said.code), "{}: {}", self.name, said.text);
        if said.code == 5 {
            assert!(said.text.contains("cargo xtask recover"), "{}", said.text);
            prod.run(&["recover"]).expect(0, &[]);
        }
        until_well(prod, &said.text);
        if said.code == 0 {
            prod.whole("v2");
        } else {
            assert_eq!(prod.whole("v1"), before, "{}", self.name);
        }
    }
}

fn killed() {
    let began = Instant::now();
    let serving: Vec<(Prod, Vec<Who>)> = in_parallel(CASES.iter(), Case::serving);
    let together = CASES.iter().zip(&serving);
    let mut going: Vec<Going> = in_parallel(together, |(case, (prod, _))| case.until_its_moment(prod));
    println!("    all at their moment after {:.0} s", began.elapsed().as_secs_f32());
    kill_engine(&folder());
    let alone = going.pop().unwrap();
    alone.signal(Signal::SIGCONT);
    let alone = alone.end();
    start_engine(&folder());
    going.iter().for_each(|going| going.signal(Signal::SIGCONT));
    let mut said: Vec<Said> = going.into_iter().map(Going::end).collect();
    said.push(alone);
    println!("    all ended after {:.0} s", began.elapsed().as_secs_f32());
    in_parallel(CASES.iter().zip(&serving).zip(&said), |((case, (prod, before)), said)| case.old_release_serves(prod, said, before));
    // Nothing of it stands in the way.
    let prod = &serving[1].0;
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(0, &[]);
    prod.whole("v2");
}

fn killed_in_a_backup() {
    let Some(prod) = Prod::of("ed-backup", WRITES, "") else { return };
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let web = || prod.sandbox.container("web");
    let fill = ["exec", &web().id, "sh", "-c", "head -c 200000000 /dev/urandom > /data/large"].map(String::from);
    assert!(Command::new("docker").args(fill).status().unwrap().success());
    let mut child = prod.command(prod.root(), &["backup"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while web().state.status != Status::Paused {
        assert!(began.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
    }
    kill_engine(&folder());
    let code = child.wait().unwrap().code();
    // It cannot let the service go on: the engine is away, and it says what is to be done.
    assert_eq!(code, Some(5));
    start_engine(&folder());
    prod.run(&["recover"]).expect(0, &[]);
    while web().state.status != Status::Running {
        assert!(began.elapsed() < Duration::from_secs(120), "{:?}", web().state);
        std::thread::sleep(Duration::from_millis(100));
    }
    let listed = || -> Value { serde_json::from_str(&prod.run(&["--format", "json", "backup", "list"]).out).unwrap() };
    assert_eq!(listed()["result"].as_array().unwrap().len(), 0);
    prod.run(&["backup"]).expect(0, &[]);
    assert_eq!(listed()["result"].as_array().unwrap().len(), 1);
    prod.nothing_left_over();
}

fn in_parallel<T: Send, R: Send>(of: impl Iterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let work = &work;
        let at_work: Vec<_> = of.map(|one| scope.spawn(move || work(one))).collect();
        at_work.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// The engine starts what it kept by and by.
fn until_well(prod: &Prod, said: &str) {
    let began = Instant::now();
    let well = |prod: &Prod| prod.containers().iter().all(|one| one.is_up() && one.state.health == Some(Health::Healthy));
    while !well(prod) {
        let now: Vec<_> = prod.containers().into_iter().map(|one| (one.name, one.state)).collect();
        assert!(began.elapsed() < Duration::from_secs(30), "{now:?} after\n{said}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
