//! Which compose program is there, and whether it is one that can be used.

use std::ffi::OsString;
use std::fmt;

use super::Compose;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::process::Program;
use crate::secret::Masker;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

/// Since this version everything that is relied on is there (`--progress`, `--env-file` repeated,
/// `config --hash` on rendered models).
pub const OLDEST: Version = Version { major: 2, minor: 20, patch: 0 };

/// What was found, the usable before the old: also what `doctor` tells.
pub enum Found {
    Usable(Compose),
    /// Older than 2.20; the text is the command, as one types it.
    TooOld {
        command: &'static str,
        version: Version,
    },
    Missing,
}

impl Version {
    /// Reads `2.40.3`, `v2.40.3-desktop.1`, `2.40.3-3` or `1.29.2`; what follows the numbers is dropped.
    pub fn parse(text: &str) -> Option<Version> {
        let numbers = text.trim().trim_start_matches('v').split(['-', '+', ' ', ',']).next()?;
        let mut parts = numbers.split('.').map(str::parse::<u32>);
        let mut next = || parts.next()?.ok();
        Some(Version { major: next()?, minor: next()?, patch: next().unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Looks for the plugin `docker compose`, then for the program `docker-compose`, which is either the
/// same thing or its predecessor 1.29.
///
/// # Errors
/// Only a cancellation: a program that is missing or fails is not found.
pub fn find(cancel: &Cancel) -> Result<Found> {
    let mut old = None;
    for (command, words) in [("docker compose", &["docker", "compose"][..]), ("docker-compose", &["docker-compose"][..])] {
        if cancel.requested() {
            return Err(Error::new(crate::error::Kind::Interrupted, "look for docker compose"));
        }
        if let Some(version) = version_of(words, cancel) {
            if version >= OLDEST {
                let program = words.iter().map(OsString::from).collect();
                return Ok(Found::Usable(Compose { program, version }));
            }
            old.get_or_insert((command, version));
        }
    }
    Ok(old.map_or(Found::Missing, |(command, version)| Found::TooOld { command, version }))
}

impl Found {
    /// The usable program, or an error that says what to install.
    ///
    /// # Errors
    /// `Unusable`: none is there, or only one that is too old.
    pub fn usable(self) -> Result<Compose> {
        let help = format!("install the Compose plugin {OLDEST} or later (package docker-compose-plugin or docker-compose-v2)");
        match self {
            Found::Usable(compose) => Ok(compose),
            Found::TooOld { command, version } => {
                Err(Error::unusable(format!("use {command}")).why(format!("version {version} is too old")).help(help))
            }
            Found::Missing => Err(Error::unusable("find docker compose").why("no such program").help(help)),
        }
    }
}

fn version_of(words: &[&str], cancel: &Cancel) -> Option<Version> {
    let program = Program::new(words[0]).args(&words[1..]).args(["version", "--short"]);
    let output = program.run(&Masker::default(), cancel).ok()?;
    if output.success() { Version::parse(&output.text()) } else { None }
}
