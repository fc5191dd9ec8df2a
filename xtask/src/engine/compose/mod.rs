//! The compose CLI: arguments in, parsed output out.
//!
//! Pure functions build the arguments, one place runs them. Nothing is ever answered with yes, pulled
//! or built behind anybody's back, and orphans stay: several stacks may share a project's name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::process::{Output, Program};
use crate::secret::Masker;

mod everyday;
mod find;
mod frozen;
mod said;
#[cfg(test)]
mod tests;
mod waited;

pub use find::{Found, Version, find};

/// Set in somebody's shell, these change what a call means, so a child sees none of them.
const CLEARED: &[&str] = &[
    "COMPOSE_DISABLE_ENV_FILE",
    "COMPOSE_DRY_RUN",
    "COMPOSE_ENV_FILES",
    "COMPOSE_FILE",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_REMOVE_ORPHANS",
    "COMPOSE_STATUS_STDOUT",
];
const LOOK: Duration = Duration::from_secs(60);
/// Reads as empty; named as env file it keeps Compose from reading any other.
const NO_ENV_FILE: &str = "/dev/null";

/// One way to call Compose on one stack. The defaults are what a bare `docker compose -f FILE` does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeCall {
    /// In order; the folder of the first is the project directory, whose `.env` Compose reads.
    pub files: Vec<PathBuf>,
    /// `None`: that `.env`. `Some`: these instead, later ones win; `Some` of none: no file at all.
    pub env_files: Option<Vec<PathBuf>>,
    pub profiles: Vec<String>,
    pub project_name: Option<String>,
    /// Relative paths above start here; `None`: the current folder.
    pub cwd: Option<PathBuf>,
    /// Set for the child, over what this process has exported: the variable of a release's tag.
    pub env: Vec<(String, String)>,
}

/// What `up` is to do beyond starting what the files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Up {
    /// Empty: all.
    pub services: Vec<String>,
    pub force_recreate: bool,
    pub no_deps: bool,
    /// Makes containers and starts none.
    pub no_start: bool,
    /// Leaves the containers that are there, whatever they were made from.
    pub no_recreate: bool,
    /// A service, and how many containers it shall have.
    pub scale: Option<(String, usize)>,
}

/// A usable compose program. Its children inherit our descriptors, and so our lock.
pub struct Compose {
    program: Vec<OsString>,
    pub version: Version,
}

impl Compose {
    /// The merged and interpolated model, as Compose prints it: `$` is doubled in its values.
    ///
    /// # Errors
    /// Compose refuses the files (`Unusable`: only file, line and names are shown), or does not run.
    pub fn config_json(&self, call: &ComposeCall, masker: &Masker, cancel: &Cancel) -> Result<serde_json::Value> {
        let program = self.program(call, &["config", "--format", "json"]).deadline(LOOK);
        let output = refused(program.run(masker, cancel)?, call, masker)?;
        serde_json::from_slice(&output.stdout).map_err(|error| {
            let place = format!("line {} column {} is not JSON", error.line(), error.column());
            Error::unusable("read what docker compose config printed").why(place)
        })
    }

    /// The `config-hash` label that each service of a rendered model would get. Only a rendered model
    /// gives the label's hash: `config --hash` on the files themselves leaves `env_file` out.
    ///
    /// # Errors
    /// As [`Compose::config_json`].
    pub fn config_hashes(&self, frozen_json: &[u8], masker: &Masker, cancel: &Cancel) -> Result<BTreeMap<String, String>> {
        let call = frozen_call(None);
        let program = self.program(&call, &["config", "--hash", "*"]).stdin(frozen::readable(frozen_json)?).deadline(LOOK);
        let output = refused(program.run(masker, cancel)?, &call, masker)?;
        Ok(hashes(&output.text()))
    }

    /// Starts a stack and returns when its containers are started, and those that others wait for are
    /// healthy. Interrupted and awaited when cancelled or late.
    ///
    /// # Errors
    /// Compose could not start it all: `Failed`, with what the engine said.
    pub fn up(&self, call: &ComposeCall, up: &Up, deadline: Duration, masker: &Masker, cancel: &Cancel) -> Result<()> {
        let program = self.program(call, &up_args(up)).deadline(deadline).interruptible();
        started(program.run(masker, cancel)?, masker)
    }

    /// Builds the images of the services that have a build section.
    ///
    /// # Errors
    /// As [`Compose::up`].
    pub fn build(&self, call: &ComposeCall, deadline: Duration, masker: &Masker, cancel: &Cancel) -> Result<()> {
        let program = self.program(call, &["build", "--quiet"]).deadline(deadline).interruptible();
        done("build images", program.run(masker, cancel)?, masker)
    }

    /// Builds the images of a model that is made up for it. What the builder says last is in the error.
    ///
    /// # Errors
    /// `Failed`: something cannot be built. `Interrupted`.
    pub fn build_frozen(&self, frozen_json: &[u8], project: &str, deadline: Duration, masker: &Masker, cancel: &Cancel) -> Result<()> {
        let mut program = Program::new(&self.program[0]).args(&self.program[1..]);
        program = program.args(["--ansi", "never", "--progress", "plain", "--project-name", project, "--env-file", NO_ENV_FILE]);
        program = program.args(["--file", "-", "build"]).cwd(Path::new("/")).stdin(frozen::readable(frozen_json)?);
        for name in CLEARED {
            program = program.env_remove(*name);
        }
        let output = program.deadline(deadline).interruptible().run(masker, cancel)?;
        if output.success() {
            return Ok(());
        }
        let why = said::of_builder(&output.text(), &output.stderr);
        Err(Error::failed("build the image").why(masker.mask(&why).into_owned()))
    }

    /// Stops and removes a stack with its volumes: for what was started to be thrown away.
    ///
    /// # Errors
    /// As [`Compose::up`].
    pub fn down_with_volumes(&self, call: &ComposeCall, deadline: Duration, masker: &Masker, cancel: &Cancel) -> Result<()> {
        let program = self.program(call, &["down", "--volumes", "--timeout", "2"]).deadline(deadline).interruptible();
        started(program.run(masker, cancel)?, masker)
    }

    /// Creates the containers of a rendered model, and their networks and volumes; starts nothing.
    ///
    /// # Errors
    /// As [`Compose::up`].
    pub fn create_frozen(&self, frozen_json: &[u8], project: &str, deadline: Duration, masker: &Masker, cancel: &Cancel) -> Result<()> {
        let create = ["create", "--no-build", "--pull", "never"];
        let program =
            self.program(&frozen_call(Some(project)), &create).stdin(frozen::readable(frozen_json)?).deadline(deadline).interruptible();
        started(program.run(masker, cancel)?, masker)
    }

    /// Starts a rendered model under a project name of its own. It goes through standard input: with
    /// its secrets it never lies on a disk.
    ///
    /// # Errors
    /// As [`Compose::up`].
    pub fn up_frozen(&self, frozen_json: &[u8], project: &str, deadline: Duration, masker: &Masker, cancel: &Cancel) -> Result<()> {
        let call = frozen_call(Some(project));
        let program =
            self.program(&call, &up_args(&Up::default())).stdin(frozen::readable(frozen_json)?).deadline(deadline).interruptible();
        started(program.run(masker, cancel)?, masker)
    }

    fn program(&self, call: &ComposeCall, command: &[impl AsRef<str>]) -> Program {
        let mut program = Program::new(&self.program[0]).args(&self.program[1..]).args(call_args(call));
        program = program.args(command.iter().map(|word| word.as_ref().to_string()));
        for name in CLEARED {
            program = program.env_remove(*name);
        }
        for (name, value) in &call.env {
            program = program.env(name, value);
        }
        match &call.cwd {
            Some(folder) => program.cwd(folder),
            None => program,
        }
    }
}

/// The arguments that say which stack is meant; the command follows them.
pub fn call_args(call: &ComposeCall) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--ansi".into(), "never".into(), "--progress".into(), "quiet".into()];
    let mut add = |flag: &str, value: OsString| args.extend([flag.into(), value]);
    if let Some(name) = &call.project_name {
        add("--project-name", name.into());
    }
    match call.env_files.as_deref() {
        None => {}
        Some([]) => add("--env-file", NO_ENV_FILE.into()),
        Some(files) => files.iter().for_each(|file| add("--env-file", file.into())),
    }
    call.profiles.iter().for_each(|profile| add("--profile", profile.into()));
    call.files.iter().for_each(|file| add("--file", file.into()));
    args
}

/// The arguments of `up`, the services last.
pub fn up_args(up: &Up) -> Vec<String> {
    let first = if up.no_start { "--no-start" } else { "--detach" };
    let mut args = vec!["up", first, "--no-build", "--pull", "never", "--remove-orphans=false"];
    if up.force_recreate {
        args.push("--force-recreate");
    }
    if up.no_deps {
        args.push("--no-deps");
    }
    if up.no_recreate {
        args.push("--no-recreate");
    }
    let scale = up.scale.as_ref().map(|(service, count)| format!("{service}={count}"));
    if let Some(scale) = &scale {
        args.extend(["--scale", scale]);
    }
    args.extend(up.services.iter().map(String::as_str));
    args.into_iter().map(String::from).collect()
}

/// A rendered model on standard input: its profiles are settled, its values too.
fn frozen_call(project: Option<&str>) -> ComposeCall {
    ComposeCall {
        files: vec!["-".into()],
        env_files: Some(Vec::new()),
        profiles: vec!["*".into()],
        project_name: project.map(String::from),
        cwd: Some("/".into()),
        env: Vec::new(),
    }
}

fn refused(output: Output, call: &ComposeCall, masker: &Masker) -> Result<Output> {
    if output.success() {
        return Ok(output);
    }
    let file = call.files.first().map_or(Path::new("the compose files"), PathBuf::as_path);
    let shown = if file == Path::new("-") { Path::new("the rendered model") } else { file };
    Err(Error::unusable(format!("render {} with docker compose", shown.display())).why(said::reduce(&output.stderr, masker)))
}

fn started(output: Output, masker: &Masker) -> Result<()> {
    done("start containers", output, masker)
}

fn done(what: &str, output: Output, masker: &Masker) -> Result<()> {
    if output.success() {
        return Ok(());
    }
    Err(Error::failed(format!("{what} with docker compose")).why(said::reduce(&output.stderr, masker)))
}

fn hashes(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.trim().split_once(' ')).map(|(service, hash)| (service.into(), hash.trim().into())).collect()
}
