//! A stack with a database and a service that writes to a volume, and the tool as it is shipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::engine::{Engine, Status};

use crate::engine_support::{Sandbox, sandbox};

/// The database's password: it is nowhere but where it belongs.
pub const CANARY: &str = "canary-bk-Zt81mWqY4v";

pub const STACK: &str = "name: PROJECT
services:
  db:
    image: postgres:15
    environment: {POSTGRES_PASSWORD: CANARY, POSTGRES_DB: shop}
    volumes: ['pg:/var/lib/postgresql/data']
    healthcheck: {test: [CMD-SHELL, 'pg_isready -h 127.0.0.1 -U postgres'], interval: 1s, timeout: 5s, retries: 60}
  app:
    image: redis:7
    entrypoint: [sh, -c]
    command: ['while true; do date > /data/now; sleep 0.05; done']
    stop_grace_period: 1s
    volumes: ['files:/data', 'still:/still:ro']
    labels: {LABELS}
volumes: {pg: , files: , still: }
";

pub struct Stack {
    pub sandbox: Sandbox,
    pub state: tempfile::TempDir,
}

#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub text: String,
    pub out: Vec<u8>,
}

impl Stack {
    pub fn up(test: &str, labels: &str) -> Option<Stack> {
        let sandbox = sandbox(test)?;
        let stack = Stack { state: tempfile::tempdir().unwrap(), sandbox };
        let text = STACK.replace("PROJECT", &stack.sandbox.project).replace("CANARY", CANARY).replace("LABELS", labels);
        stack.sandbox.file("compose.yaml", &text);
        stack.docker(&["compose", "up", "-d", "--wait"]);
        Some(stack)
    }

    pub fn root(&self) -> &Path {
        self.sandbox.path()
    }

    pub fn docker(&self, args: &[&str]) -> String {
        let said = Command::new("docker").args(args).current_dir(self.root()).stdin(Stdio::null()).output().unwrap();
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    pub fn inside(&self, service: &str, script: &str) -> String {
        self.docker(&["compose", "exec", "-T", "-u", "0", service, "sh", "-ec", script])
    }

    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.docker(&["compose", "exec", "-T", "db", "psql", "-XAtq", "-U", "postgres", "-d", database, "-c", sql]).trim().to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("-C").arg(self.root()).args(args).env("XTASK_STATE", self.state.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().unwrap())
    }

    pub fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.text);
        said
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let said = self.ok(&[&["--format", "json"], args].concat());
        let document: Value = serde_json::from_slice(&said.out).unwrap_or_else(|_| panic!("{}", said.text));
        document["result"].clone()
    }

    pub fn repository(&self) -> PathBuf {
        self.state.path().join("backups/repository")
    }

    pub fn key(&self) -> PathBuf {
        let keys = std::fs::read_dir(self.state.path().join("backups/keys")).unwrap();
        keys.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some_and(|ending| ending == "key")).unwrap()
    }

    /// `None` where restic is not installed.
    pub fn restic(&self, args: &[&str]) -> Option<Said> {
        let mut command = Command::new(which::which("restic").ok()?);
        command.args(["--no-cache", "-r"]).arg(self.repository()).arg("--password-file").arg(self.key()).args(args);
        let said = Said::of(command.output().unwrap());
        assert_eq!(said.code, Some(0), "restic {args:?}: {}", said.text);
        Some(said)
    }

    /// Everybody runs, nobody is paused, nothing of a run is left on the engine, and no run is open.
    pub fn must_be_at_peace(&self) {
        let docker = &self.sandbox.docker;
        for service in ["db", "app"] {
            assert_eq!(self.sandbox.container(service).state.status, Status::Running, "{service}");
        }
        for run in self.json(&["history"]).as_array().unwrap() {
            let left = docker.containers(&[("xtask.run", run["run"].as_str().unwrap())]).unwrap();
            assert!(left.is_empty(), "{left:?}");
        }
        assert_eq!(self.json(&["recover"])["recovered"], Value::Null);
    }

    /// Where the engine keeps it; it is there only where the engine is.
    pub fn folder(&self, volume: &str) -> PathBuf {
        self.sandbox.docker.volume(volume).unwrap().unwrap().mountpoint.into()
    }

    /// Whether this user may change what the engine keeps: restores in place are refused otherwise.
    pub fn may_change(&self, volume: &str) -> bool {
        let may = self.folder(volume).parent().is_some_and(|parent| nix::unistd::access(parent, nix::unistd::AccessFlags::W_OK).is_ok());
        if !may {
            crate::engine_support::skipped("restore in place", "this user may not change the engine's volumes");
        }
        may
    }

    /// Waits until it is so.
    pub fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(120);
        while !is_so() {
            assert!(Instant::now() < until, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Said {
    pub fn of(output: Output) -> Said {
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Said { code: output.status.code(), text, out: output.stdout }
    }
}

/// Whether any file below the folder holds these bytes.
pub fn holds(folder: &Path, bytes: &[u8]) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = if path.is_dir() {
            holds(&path, bytes)
        } else {
            let content = std::fs::read(&path).unwrap_or_default();
            content.windows(bytes.len()).any(|window| window == bytes).then_some(path)
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
