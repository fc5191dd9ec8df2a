//! The command line: reads it, wires the tool together, and turns how it ended into an exit code.

mod args;
mod audit;
mod backup;
mod bench;
mod deploy;
mod env;
mod everyday;
mod exit;
mod history;
mod images;
mod migrate;
mod run;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use args::Cli;
pub use exit::Exit;

use crate::report::{self, Look};

pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(arguments(std::env::args_os().collect())) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let look = Look::detect(cli.global.no_color, cli.global.quiet, cli.global.verbose);
    let exit = run::run(&cli, look);
    ExitCode::from(exit.code())
}

/// Called as `cargo-xtask`, cargo hands on its own word for it as the first argument.
fn arguments(mut all: Vec<OsString>) -> Vec<OsString> {
    let called_as = all.first().map(std::path::PathBuf::from).and_then(|path| Some(path.file_stem()?.to_owned()));
    if called_as.is_some_and(|name| name == "cargo-xtask") && all.get(1).is_some_and(|first| first == "xtask") {
        all.remove(1);
    }
    all
}

/// Help and version are what was asked for; anything else is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        report::err(&text.to_string());
        return ExitCode::from(Exit::Unusable.code());
    }
    report::out(&text.to_string());
    ExitCode::from(Exit::Done.code())
}

/// The manual page, in roff.
fn manual() -> Vec<u8> {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(Cli::command()).render(&mut page);
    page
}

fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "xtask", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn cargo_s_own_word_is_dropped_only_for_cargo_xtask() {
        let call = |words: &[&str]| arguments(words.iter().map(OsString::from).collect());
        assert_eq!(call(&["/x/cargo-xtask", "xtask", "history"]), ["/x/cargo-xtask", "history"]);
        assert_eq!(call(&["/x/cargo-xtask", "history"]), ["/x/cargo-xtask", "history"]);
        assert_eq!(call(&["/x/xtask", "xtask"]), ["/x/xtask", "xtask"]);
    }

    #[test]
    fn the_manual_and_completions_name_the_tasks() {
        assert!(String::from_utf8(manual()).unwrap().contains("rollback"));
        assert!(String::from_utf8(completions(clap_complete::Shell::Bash)).unwrap().contains("security-fix"));
    }
}
