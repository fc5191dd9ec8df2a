//! What is measured: calls of programs, as people type them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::yard::{STACKS, Yard};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::process::{Program, Timed};
use crate::secret::Masker;

const PATIENCE: Duration = Duration::from_secs(1800);
const KEY: &str = "a key that is thrown away with the repository";

/// Our own program in the yard.
pub struct Own<'a> {
    pub program: PathBuf,
    pub yard: &'a Yard<'a>,
    pub cancel: &'a Cancel,
}

impl Own<'_> {
    fn call(&self, args: &[&str], to: &Path) -> Program {
        let root = &self.yard.scratch.root;
        let program = Program::new(&self.program).args(["-C".into(), root.clone().into_os_string()]).args(args.iter().copied());
        program.args(["--to".into(), to.as_os_str().to_os_string()]).env("XTASK_STATE", root.join("state")).deadline(PATIENCE)
    }

    fn timed(&self, args: &[&str], to: &Path) -> Result<Timed> {
        let call = self.call(args, to);
        let timed = call.time(self.cancel)?;
        if timed.code == Some(0) {
            return Ok(timed);
        }
        // Once more, to hear why.
        let said = call.run(&Masker::default(), self.cancel)?;
        Err(Error::failed(format!("measure {}", args.join(" "))).why(said.stderr.lines().last().unwrap_or_default().to_string()))
    }

    pub fn back_up(&self, stack: &str, to: &Path) -> Result<Timed> {
        self.timed(&["backup", stack], to)
    }

    pub fn verify(&self, to: &Path) -> Result<Timed> {
        self.timed(&["backup", "verify"], to)
    }

    /// Nobody uses the data meanwhile, as with the others.
    pub fn restore(&self, to: &Path) -> Result<Timed> {
        let container = self.yard.container(STACKS[0])?;
        self.yard.engine.stop(&container.id, Duration::from_secs(1))?;
        let restored = self.timed(&["restore", "--in-place", "--no-backup", "--confirm", self.yard.project(0)], to)?;
        self.yard.engine.start(&container.id)?;
        Ok(restored)
    }

    /// The seconds in which the database's client wrote its dumps and they were stored.
    pub fn dump_seconds(&self, to: &Path) -> Result<f64> {
        let said = self.call(&["--format", "json", "backup", "show"], to).run(&Masker::default(), self.cancel)?;
        let document: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
        let dumps = document["result"]["manifest"]["dumps"].as_array().cloned().unwrap_or_default();
        Ok(dumps.iter().filter(|dump| dump["what"] != "roles").filter_map(|dump| dump["seconds"].as_f64()).sum())
    }
}

/// restic on the same files, where it is installed.
pub struct Restic {
    program: PathBuf,
    pub version: String,
}

impl Restic {
    pub fn find(cancel: &Cancel) -> Option<Restic> {
        let program = which::which("restic").ok()?;
        let said = Program::new(&program).args(["version"]).run(&Masker::default(), cancel).ok()?.text();
        let version = said.split_whitespace().nth(1).unwrap_or_default().to_string();
        Some(Restic { program, version })
    }

    fn timed(&self, yard: &Yard<'_>, to: &Path, args: &[&str], cancel: &Cancel) -> Result<Timed> {
        let call = Program::new(&self.program).args(["-r".into(), to.as_os_str().to_os_string()]).args(args.iter().copied());
        let call = call.env("RESTIC_PASSWORD", KEY).env("RESTIC_CACHE_DIR", yard.scratch.root.join("cache")).deadline(PATIENCE);
        let timed = call.cwd(&yard.folder).time(cancel)?;
        if timed.code == Some(0) { Ok(timed) } else { Err(Error::failed(format!("measure restic {}", args.join(" ")))) }
    }

    /// Makes the repository when it is the first one, as we do.
    pub fn back_up(&self, yard: &Yard<'_>, to: &Path, first: bool, cancel: &Cancel) -> Result<f64> {
        let made = if first { self.timed(yard, to, &["init"], cancel)?.took } else { Duration::ZERO };
        Ok((made + self.timed(yard, to, &["backup", "."], cancel)?.took).as_secs_f64())
    }

    pub fn restore(&self, yard: &Yard<'_>, to: &Path, cancel: &Cancel) -> Result<f64> {
        let target = yard.scratch.root.join("restored");
        let name = target.display().to_string();
        let took = self.timed(yard, to, &["restore", "latest", "--target", &name], cancel)?.took;
        std::fs::remove_dir_all(&target).map_err(|error| Error::io("remove", &target, error))?;
        Ok(took.as_secs_f64())
    }
}

/// `docker run ... tar | zstd`, where both are installed.
pub fn tar(yard: &Yard<'_>, image: &str, cancel: &Cancel) -> Result<Option<f64>> {
    if which::which("docker").is_err() || which::which("zstd").is_err() {
        return Ok(None);
    }
    let into = yard.scratch.root.join("data.tar.zst");
    let script = r#"docker run --rm --network none -v "$1:/v:ro" --entrypoint tar "$2" -C /v -cf - . | zstd -qf -T0 -o "$3""#;
    let call = Program::new("sh").args(["-c", script, "sh", &yard.volume, image]).args([&into]).deadline(PATIENCE);
    let timed = call.time(cancel)?;
    // A pipe ends as its last program does.
    let whole = std::fs::metadata(&into).is_ok_and(|meta| meta.len() > yard.data.bytes / 100);
    if timed.code != Some(0) || !whole {
        return Err(Error::failed("measure tar and zstd").why("what they wrote is not whole"));
    }
    Ok(Some(timed.took.as_secs_f64()))
}

/// `pg_dump -Fc` alone, where the docker program is installed.
pub fn pg_dump(yard: &Yard<'_>, cancel: &Cancel) -> Result<Option<f64>> {
    if which::which("docker").is_err() {
        return Ok(None);
    }
    let id = yard.container(STACKS[1])?.id;
    let call = Program::new("docker").args(["exec", &id, "pg_dump", "-U", "postgres", "-Fc", "postgres"]).deadline(PATIENCE);
    let timed = call.time(cancel)?;
    if timed.code == Some(0) { Ok(Some(timed.took.as_secs_f64())) } else { Err(Error::failed("measure pg_dump")) }
}
