//! A project of small stacks and the tool as it is shipped.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use xtask::engine::{Container, Engine};

use crate::engine_support::{Sandbox, sandbox};

/// Answers HTTP on its port 80 and is healthy at once.
pub const WEB: &str =
    "image: 'nginx:1.22', stop_grace_period: 0s, healthcheck: {test: [CMD, curl, -fsS, 'http://127.0.0.1/'], interval: 1s, retries: 20}";
/// Does nothing for ten minutes.
pub const IDLE: &str = "image: 'redis:7', stop_grace_period: 0s, init: true, command: [sleep, '600']";

pub struct Daily {
    pub sandbox: Sandbox,
    state: tempfile::TempDir,
    networks: Vec<String>,
}

pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Daily {
    /// Writes the files; PROJECT stands for a name of its own, WEB and IDLE for services.
    pub fn of(test: &str, files: &[(&str, &str)]) -> Option<Daily> {
        let sandbox = sandbox(test)?;
        for (path, text) in files {
            let text = text.replace("WEB", WEB).replace("IDLE", IDLE).replace("PROJECT", &sandbox.project);
            sandbox.file(path, &text);
        }
        Some(Daily { sandbox, state: tempfile::tempdir().unwrap(), networks: Vec::new() })
    }

    /// A network that is removed at the end.
    pub fn network(mut self, name: &str) -> Self {
        self.networks.push(self.name(name));
        self
    }

    /// `PROJECT-net` as it is on the engine.
    pub fn name(&self, text: &str) -> String {
        text.replace("PROJECT", &self.sandbox.project)
    }

    pub fn root(&self) -> &Path {
        self.sandbox.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("-C").arg(self.root()).args(args).env("XTASK_STATE", self.state.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap())
    }

    /// The result of a command with `--format json`.
    pub fn json(&self, args: &[&str]) -> Value {
        let said = self.run(&[&["--format", "json"], args].concat());
        let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err));
        assert_eq!(document["exit"], said.code.unwrap());
        document
    }

    /// All containers of the project by name.
    pub fn containers(&self) -> Vec<Container> {
        let listed = self.sandbox.docker.containers(&[("com.docker.compose.project", &self.sandbox.project)]).unwrap();
        listed.iter().filter_map(|listed| self.sandbox.docker.container(&listed.id).unwrap()).collect()
    }

    pub fn started(&self, service: &str) -> String {
        self.sandbox.container(service).state.started_at
    }

    pub fn volumes(&self) -> Vec<String> {
        let label = [("com.docker.compose.project", self.sandbox.project.as_str())];
        self.sandbox.docker.volumes(&label).unwrap().into_iter().map(|volume| volume.name).collect()
    }
}

impl Said {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub fn expect(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "no {word} in\n{}{}", self.out, self.err);
        }
        self
    }

    pub fn without(&self, word: &str) -> &Self {
        assert!(!self.out.contains(word) && !self.err.contains(word), "{word} in\n{}{}", self.out, self.err);
        self
    }
}

impl Drop for Daily {
    fn drop(&mut self) {
        let label = [("com.docker.compose.project", self.sandbox.project.as_str())];
        for container in self.sandbox.docker.containers(&label).unwrap_or_default() {
            let _ = self.sandbox.docker.remove_container(&container.id);
        }
        for name in &self.networks {
            if let Ok(Some(network)) = self.sandbox.docker.network(name) {
                let _ = self.sandbox.docker.remove_network(&network.id);
            }
        }
    }
}
