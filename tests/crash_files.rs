//! Crash tests of the saga and of the steps that change files and git.
//!
//! This binary is also what is crashed: called as `crash_files saga ...` it carries out a small plan
//! with the library, on its main thread and without anything of a test harness around it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

#[allow(dead_code, reason = "shared with crash_phase1, which uses all of it")]
mod crash;
#[path = "crash/saga_bin.rs"]
mod saga_bin;
#[path = "crash/saga_tests.rs"]
mod saga_tests;
#[path = "crash/trouble.rs"]
mod trouble;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "saga") {
        return saga_bin::main(&args[1..]);
    }
    crash::runner::run_tests(&args, &[trouble::TESTS, saga_tests::TESTS])
}
