//! The other linters, as far as they are installed, called the way that suits them best: all files on one
//! command line.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::process::Program;
use crate::secret::Masker;

/// A linter that was found.
pub struct Peer {
    pub name: &'static str,
    pub version: String,
    program: PathBuf,
    args: &'static [&'static str],
}

/// Name, and what stands before the files.
const KNOWN: &[(&str, &[&str])] = &[("compose-lint", &["check", "--format", "json"]), ("dclint", &["--formatter", "json"])];

pub fn installed(cancel: &Cancel) -> Vec<Peer> {
    let found = |(name, args): &(&'static str, &'static [&'static str])| {
        let program = which::which(name).ok()?;
        let told = Program::new(&program).args(["--version"]).run(&Masker::default(), cancel).ok()?.text();
        let version = told.split_whitespace().last().unwrap_or_default().to_string();
        Some(Peer { name, version, program, args })
    };
    KNOWN.iter().filter_map(found).collect()
}

impl Peer {
    pub fn command(&self) -> String {
        format!("{} {} FILES", self.name, self.args.join(" "))
    }

    pub fn call(&self, files: &[PathBuf]) -> Program {
        Program::new(&self.program).args(self.args).args(files)
    }
}
