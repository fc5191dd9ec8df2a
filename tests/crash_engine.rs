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
#[path = "crash/runner.rs"]
mod runner;
#[path = "crash/snapshot.rs"]
mod snapshot;
#[path = "crash_engine/victim.rs"]
mod victim;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "victim") {
        return victim::main(&args[1..]);
    }
    runner::run_tests(&args, &[at_calls::TESTS, at_times::TESTS])
}
