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

use std::process::ExitCode;
use std::time::{Duration, Instant};

use own_engine::{FOLDER, OwnEngine, folder, host, kill_engine, start_engine};
use serde_json::Value;
use support::during::Going;
use support::{Prod, STACK, Who};
use xtask::engine::{Engine, Health};

const TESTS: &[(&str, fn())] = &[
    ("an_engine_that_is_killed_in_the_rehearsal", in_the_rehearsal),
    ("an_engine_that_is_killed_between_the_old_release_and_the_new_one", between),
    ("an_engine_that_is_killed_while_the_release_settles", while_it_settles),
    ("an_engine_that_stays_away_until_the_deploy_gives_up", away),
];

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

/// A release that serves; its containers are started again with the engine, or not.
fn serving(test: &str, restart: &str) -> (Prod, Vec<Who>) {
    let restart = format!("restart: '{restart}',");
    let stack = STACK.replace("{WEB,", &format!("{{WEB, {restart}")).replace("{DB}", &format!("{{DB, {restart}}}"));
    let prod = Prod::of(test, &stack, "deploy: {settle: 3}\n").unwrap();
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.whole("v1");
    (prod, before)
}

/// Kills the engine at that moment of a deploy, and starts it again at once.
fn killed_at(prod: &Prod, args: &[&str], moment: impl Fn(&[Value]) -> bool) -> Going {
    let known = prod.journals().len();
    let mut going = prod.start(&[&["--tag", "v2"], args].concat());
    prod.until(&mut going, known, moment);
    kill_engine(&folder());
    start_engine(&folder());
    going
}

/// The engine starts what it kept by and by.
fn until_well(prod: &Prod) {
    let began = Instant::now();
    let well = |prod: &Prod| prod.containers().iter().all(|one| one.is_up() && one.state.health == Some(Health::Healthy));
    while !well(prod) {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", prod.containers().iter().map(|one| (one.name.clone(), one.state.clone())).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// It has put everything back, or says what is to be done, and that does it.
fn old_release_serves(prod: &Prod, going: Going, codes: &[i32], before: &[Who]) {
    let said = going.end();
    println!("    ended with {}", said.code);
    assert!(codes.contains(&said.code), "{}", said.text);
    if said.code == 5 {
        assert!(said.text.contains("cargo xtask recover"), "{}", said.text);
        prod.run(&["recover"]).expect(0, &[]);
    }
    until_well(prod);
    assert_eq!(prod.whole("v1"), before);
    // Nothing of it stands in the way.
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(0, &[]);
    prod.whole("v2");
}

fn in_the_rehearsal() {
    let (prod, before) = serving("ed-rehearse", "unless-stopped");
    let going = killed_at(&prod, &[], |_| prod.rehearsed().iter().any(|name| name.contains("-web-")));
    old_release_serves(&prod, going, &[3, 4, 5], &before);
}

fn between() {
    let (prod, before) = serving("ed-between", "unless-stopped");
    // The old container is set aside, and the new one does not run yet.
    let aside = || prod.containers().iter().any(|one| one.name.contains("-before-") && !one.is_up());
    let going = killed_at(&prod, &["--no-rehearse"], |_| aside());
    old_release_serves(&prod, going, &[4, 5], &before);
}

/// Its containers are not started with the engine.
fn while_it_settles() {
    let (prod, before) = serving("ed-settle", "no");
    let known = prod.journals().len();
    let mut going = prod.start(&["--tag", "v2", "--no-rehearse"]);
    prod.until_proof(&mut going, known);
    std::thread::sleep(Duration::from_millis(500));
    kill_engine(&folder());
    start_engine(&folder());
    old_release_serves(&prod, going, &[4, 5], &before);
}

fn away() {
    let (prod, before) = serving("ed-away", "no");
    let known = prod.journals().len();
    let mut going = prod.start(&["--tag", "v2", "--no-rehearse"]);
    prod.until_proof(&mut going, known);
    kill_engine(&folder());
    let said = going.end();
    start_engine(&folder());
    said.expect(5, &["cargo xtask recover"]);
    prod.run(&["recover"]).expect(0, &[]);
    assert_eq!(prod.whole("v1"), before);
    assert!(prod.sandbox.docker.info().is_ok());
}
