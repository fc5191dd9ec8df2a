//! Docker Compose as a judge, where it is installed.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::clean;

/// Whether `docker compose` answers; looked for once.
pub fn installed() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| docker().args(["compose", "version"]).output().is_ok_and(|output| output.status.success()))
}

fn docker() -> Command {
    let mut command = clean(Command::new("docker"));
    for name in ["DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// What a user gets who types `docker compose -f FILE config` in a folder.
pub fn config(cwd: &Path, files: &[&str]) -> Result<Value, String> {
    config_with(cwd, files, &[])
}

/// The same with further flags in front of `config`.
pub fn config_with(cwd: &Path, files: &[&str], flags: &[&str]) -> Result<Value, String> {
    let mut command = docker();
    command.current_dir(cwd).arg("compose");
    for file in files {
        command.args(["-f", file]);
    }
    let output = command.args(flags).args(["--profile", "*", "config", "--format", "json"]).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

/// An environment variable of a service in a model, `$$` undone.
pub fn environment(model: &Value, service: &str, name: &str) -> String {
    let value = &model["services"][service]["environment"][name];
    value.as_str().unwrap_or_else(|| panic!("{service} has no {name}: {model}")).replace("$$", "$")
}
