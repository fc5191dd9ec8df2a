//! Where the engine is: `DOCKER_HOST`, else the current docker context, else the usual socket.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

const USUAL: &str = "unix:///var/run/docker.sock";

/// What decides it, out of the environment.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub docker_host: Option<String>,
    pub docker_context: Option<String>,
    /// The client's folder with `config.json` and `contexts/`.
    pub config_dir: PathBuf,
}

impl Surroundings {
    pub fn of_this_process() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let config_dir = set("DOCKER_CONFIG").map(PathBuf::from);
        let home = || PathBuf::from(set("HOME").unwrap_or_default()).join(".docker");
        Surroundings { docker_host: set("DOCKER_HOST"), docker_context: set("DOCKER_CONTEXT"), config_dir: config_dir.unwrap_or_else(home) }
    }
}

/// The endpoint's URL, as the docker CLI would choose it.
///
/// # Errors
/// `Unusable`: a context is named that does not exist or cannot be read.
pub fn resolve(from: &Surroundings) -> Result<String> {
    if let Some(host) = &from.docker_host {
        return Ok(host.clone());
    }
    let context = match &from.docker_context {
        Some(context) => Some(context.clone()),
        None => current_context(&from.config_dir.join("config.json"))?,
    };
    match context.filter(|context| context != "default") {
        Some(context) => host_of(&context, &from.config_dir),
        None => Ok(USUAL.to_string()),
    }
}

fn current_context(config: &Path) -> Result<Option<String>> {
    let Some(json) = json_of(config)? else { return Ok(None) };
    Ok(json.get("currentContext").and_then(|name| name.as_str()).filter(|name| !name.is_empty()).map(String::from))
}

/// A context lies in a folder that is named by the hash of its name.
fn host_of(context: &str, config_dir: &Path) -> Result<String> {
    let digest: String = Sha256::digest(context.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let meta = config_dir.join("contexts/meta").join(digest).join("meta.json");
    let host = json_of(&meta)?.and_then(|json| Some(json.pointer("/Endpoints/docker/Host")?.as_str()?.to_string()));
    host.ok_or_else(|| {
        Error::unusable(format!("find the docker context {context}"))
            .why(format!("{} names no endpoint", meta.display()))
            .help("`docker context ls` lists what there is; `docker context use default` goes back to the usual one")
    })
}

fn json_of(path: &Path) -> Result<Option<serde_json::Value>> {
    match std::fs::read(path) {
        // The file may hold credentials for registries: of an error only the place is told.
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Error::unusable(format!("read {}", path.display())).why("it is not JSON").at(path, error.line(), error.column())
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, error).kind(crate::error::Kind::Unusable)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_context(current: &str) -> (tempfile::TempDir, Surroundings) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), format!("{{\"currentContext\":\"{current}\"}}")).unwrap();
        // sha256("rig")
        let meta = folder.path().join("contexts/meta/").join(sha("rig"));
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(meta.join("meta.json"), r#"{"Name":"rig","Endpoints":{"docker":{"Host":"unix:///rig.sock"}}}"#).unwrap();
        let from = Surroundings { config_dir: folder.path().to_path_buf(), ..Surroundings::default() };
        (folder, from)
    }

    fn sha(text: &str) -> String {
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_host_wins_over_the_context_and_that_over_the_socket() {
        let (_folder, mut from) = with_context("rig");
        assert_eq!(resolve(&from).unwrap(), "unix:///rig.sock");
        from.docker_context = Some("default".into());
        assert_eq!(resolve(&from).unwrap(), USUAL);
        from.docker_host = Some("tcp://there:2375".into());
        assert_eq!(resolve(&from).unwrap(), "tcp://there:2375");
        assert_eq!(resolve(&Surroundings { config_dir: "/nowhere".into(), ..Surroundings::default() }).unwrap(), USUAL);
    }

    #[test]
    fn a_context_that_is_gone_is_said() {
        let (_folder, from) = with_context("gone");
        assert_eq!(resolve(&from).unwrap_err().what, "find the docker context gone");
    }
}
