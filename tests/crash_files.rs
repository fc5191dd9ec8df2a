//! Crash tests of the saga and of the steps that change files and git.
//!
//! This binary is also what is crashed: called as `crash_files saga ...` it carries out a small plan
//! with the library, on its main thread and without anything of a test harness around it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

mod crash;
#[path = "crash/saga_bin.rs"]
mod saga_bin;
#[path = "crash/saga_tests.rs"]
mod saga_tests;
#[path = "crash/trouble.rs"]
mod trouble;

use std::panic::catch_unwind;
use std::process::ExitCode;

fn tests() -> impl Iterator<Item = &'static (&'static str, fn())> {
    trouble::TESTS.iter().chain(saga_tests::TESTS)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "saga") {
        return saga_bin::main(&args[1..]);
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
