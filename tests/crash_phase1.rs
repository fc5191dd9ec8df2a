//! Crash tests of phase 1 with the binary as shipped: killed, starved, interrupted and lied to at
//! every point where it changes something, and alone in a machine without Docker.
//!
//! All points of the main scenario are tried, of the others every so many; `XTASK_FULL=1` tries all.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is its own test runner")]

mod crash;
#[path = "crash/hostile.rs"]
mod hostile;
#[path = "crash/inside.rs"]
mod inside;
#[path = "crash/phase1.rs"]
mod phase1;
#[path = "crash/phase1_tests.rs"]
mod phase1_tests;
#[path = "crash/phase1_trouble.rs"]
mod phase1_trouble;

use std::process::ExitCode;

fn main() -> ExitCode {
    inside::run(&[phase1_tests::TESTS, phase1_trouble::TESTS, hostile::TESTS])
}
