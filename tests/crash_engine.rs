//! Crash tests of the steps that reach the engine: phase 1 with a rehearsal and a recreation is killed,
//! and `recover` puts files and containers back.
//!
//! This binary is also what is crashed: called as `crash_engine victim ...` it carries phase 1 out with
//! an engine that ends the process at a chosen call.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

#[path = "crash_engine/at_calls.rs"]
mod at_calls;
#[path = "crash_engine/at_times.rs"]
mod at_times;
mod engine_support;
#[path = "crash_engine/killer.rs"]
mod killer;
mod phase1;
#[path = "crash/snapshot.rs"]
mod snapshot;

use std::panic::catch_unwind;
use std::process::ExitCode;

fn tests() -> impl Iterator<Item = &'static (&'static str, fn())> {
    at_calls::TESTS.iter().chain(at_times::TESTS)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "victim") {
        return killer::main(&args[1..]);
    }
    if args.iter().any(|arg| arg == "--list") {
        tests().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests().filter(|(name, _)| wanted(name)) {
        let well = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if well { "ok" } else { "FAILED" });
        if well { passed += 1 } else { failed += 1 }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
