//! The judge: `docker compose config`, called with nothing of this machine's environment but what
//! a case gives it. It needs no engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use xtask::model::Call;

/// The home folder that cases see.
pub const HOME: &str = "/home/somebody";

/// Whether the Compose whose output is recorded (2.40) is installed.
pub fn installed() -> bool {
    let output = Command::new("docker").args(["compose", "version", "--short"]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim_start_matches('v').starts_with("2.40."))
}

/// What Compose prints for a call, or its message when it refuses.
pub fn config(folder: &Path, call: &Call, environment: &BTreeMap<String, String>) -> Result<Json, String> {
    let mut command = Command::new("docker");
    command.arg("compose").current_dir(folder).env_clear().env("HOME", HOME);
    for name in ["PATH", "DOCKER_CONFIG", "DOCKER_HOST"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(environment);
    for file in &call.files {
        command.arg("-f").arg(file);
    }
    for file in call.env_files.iter().flatten() {
        command.arg("--env-file").arg(file);
    }
    for profile in &call.profiles {
        command.args(["--profile", profile]);
    }
    if let Some(name) = &call.project_name {
        command.args(["-p", name]);
    }
    let output = command.args(["config", "--format", "json"]).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

#[allow(dead_code, reason = "not every test that asks Compose compares")]
/// The first place where two values differ, for the message of a failed test.
pub fn difference(place: &str, ours: &Json, theirs: &Json) -> Option<String> {
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let place = format!("{place}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => difference(&place, a, b),
                    (a, b) => Some(format!("{place}: ours {a:?}, Compose's {b:?}")),
                }
            })
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| difference(&format!("{place}[{n}]"), a, b))
        }
        (a, b) => (a != b).then(|| format!("{place}: ours {a}, Compose's {b}")),
    }
}
