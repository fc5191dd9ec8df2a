//! Runs tests one after another and speaks as other test binaries do.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

pub type Test = (&'static str, fn());

/// `args` are filters by name, or `--list`.
pub fn run_tests(args: &[String], tests: &[&[Test]]) -> ExitCode {
    let tests = || tests.iter().copied().flatten();
    if args.iter().any(|arg| arg == "--list") {
        tests().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests().filter(|(name, _)| wanted(name)) {
        let started = Instant::now();
        let well = catch_unwind(test).is_ok();
        println!("test {name} ... {} ({:.1} s)", if well { "ok" } else { "FAILED" }, started.elapsed().as_secs_f32());
        if well { passed += 1 } else { failed += 1 }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
