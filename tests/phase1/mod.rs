//! A project with small stacks on the engine that is there: git, compose files, and the tool as it is
//! shipped. Everything is removed when the test ends.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use xtask::cancel::Cancel;
use xtask::engine::compose::{ComposeCall, Up};
use xtask::engine::remove::{RUN_LABEL, remove_run};
use xtask::engine::wait::{Waited, until_well};
use xtask::engine::{Container, Engine};
use xtask::secret::Masker;

use crate::engine_support::Sandbox;
use crate::snapshot::{self, Snapshot};

pub const DB_SECRET: &str = "canary-db-7Hq2Lw9ZxT4m";
pub const CACHE_SECRET: &str = "canary-cache-Rk81mQz5Yt";
pub const OWN_SECRET: &str = "canary-own-Wd93nVb6Ls";

/// A database, a cache and two services that ask them: two stacks of one compose project.
pub const SHOP: &[(&str, &str)] = &[
    ("xtask.yaml", "stacks:\n  data: {files: [compose.data.yml]}\n  apps: {files: [apps/compose.yml], after: [data]}\n"),
    ("compose.data.yml", include_str!("data.yml")),
    ("apps/compose.yml", include_str!("apps.yml")),
    ("apps/ping.py", include_str!("ping.py")),
];

pub struct Shop {
    pub sandbox: Sandbox,
    pub stacks: Vec<PathBuf>,
    pub state: tempfile::TempDir,
}

/// What the tool said, and how it ended.
pub struct Said {
    pub code: Option<i32>,
    pub text: String,
}

impl Shop {
    /// Writes and commits the files, in which PROJECT stands for a name of its own.
    pub fn of(sandbox: Sandbox, files: &[(&str, &str)]) -> Self {
        for (path, text) in files {
            sandbox.file(path, &text.replace("PROJECT", &sandbox.project));
        }
        sandbox.file(".gitignore", ".env\n");
        let stacks = files.iter().map(|(path, _)| sandbox.path().join(path)).filter(|path| path.extension().is_some_and(|e| e == "yml"));
        let stacks = stacks.map(|path| path.canonicalize().unwrap()).collect();
        let shop = Shop { stacks, sandbox, state: tempfile::tempdir().unwrap() };
        for args in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "before"]] {
            let who = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
            assert!(Command::new("git").arg("-C").arg(shop.root()).args(who).args(args).status().unwrap().success());
        }
        shop
    }

    /// One stack, `shop`, of one file with these services.
    pub fn of_one(sandbox: Sandbox, yaml: &str) -> Self {
        Shop::of_file(sandbox, &format!("name: PROJECT\nservices:\n{yaml}"))
    }

    pub fn of_file(sandbox: Sandbox, yaml: &str) -> Self {
        Shop::of(sandbox, &[("xtask.yaml", "stacks:\n  shop: {files: [compose.yml]}\n"), ("compose.yml", yaml)])
    }

    pub fn root(&self) -> &Path {
        self.sandbox.path()
    }

    /// `docker compose -f FILE up -d` for every stack, in order.
    pub fn up(&self) {
        for file in &self.stacks {
            let call = ComposeCall { files: vec![file.clone()], ..ComposeCall::default() };
            let (masker, cancel) = (Masker::default(), Cancel::default());
            self.sandbox.compose.up(&call, &Up::default(), Duration::from_secs(120), &masker, &cancel).unwrap();
        }
    }

    pub fn up_and_well(&self) {
        self.up();
        self.must_be_well();
    }

    pub fn must_be_well(&self) {
        let ids: Vec<String> = self.containers().values().map(|container| container.id.clone()).collect();
        let waited = until_well(&self.sandbox.docker, &ids, Duration::from_secs(1), &Masker::default(), &Cancel::default()).unwrap();
        assert!(matches!(waited, Waited::Well(_)), "{waited:?}");
    }

    /// All containers of the project, by their names.
    pub fn containers(&self) -> BTreeMap<String, Container> {
        let listed = self.sandbox.docker.containers(&[("com.docker.compose.project", &self.sandbox.project)]).unwrap();
        let inspected = listed.into_iter().filter_map(|listed| self.sandbox.docker.container(&listed.id).unwrap());
        inspected.map(|container| (container.name.clone(), container)).collect()
    }

    /// By name: which container it is, since when it runs, and from which configuration it was made.
    pub fn serving(&self) -> BTreeMap<String, (String, String, String)> {
        let hash = |container: &Container| container.labels["com.docker.compose.config-hash"].clone();
        let said = |c: Container| (c.name.clone(), (c.id.clone(), c.state.started_at.clone(), hash(&c)));
        self.containers().into_values().map(said).collect()
    }

    /// The configuration of each container by its name, whatever container it is.
    pub fn configurations(&self) -> BTreeMap<String, String> {
        self.serving().into_iter().map(|(name, (_, _, hash))| (name, hash)).collect()
    }

    pub fn tree(&self) -> Snapshot {
        snapshot::files_and_git(self.root())
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .arg("-C")
            .arg(self.root())
            .args(args)
            .env("XTASK_STATE", self.state.path())
            .env("NO_COLOR", "1")
            .stdin(std::process::Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().unwrap())
    }

    /// Phase 1 with further options.
    pub fn migrate(&self, options: &[&str]) -> Said {
        self.run(&[&["migrate", "--phase", "1", "--yes"], options].concat())
    }

    /// Nothing that a run has made beside the stacks is left on the engine.
    pub fn nothing_remains(&self) {
        for run in self.runs() {
            let label = [(RUN_LABEL, run.as_str())];
            let docker = &self.sandbox.docker;
            assert_eq!(docker.containers(&label).unwrap(), []);
            assert_eq!(docker.networks(&label).unwrap(), []);
            assert_eq!(docker.volumes(&label).unwrap(), []);
            assert!(!self.root().join(".xtask/runs").join(run).join("scratch").exists());
        }
    }

    pub fn runs(&self) -> Vec<String> {
        let runs = std::fs::read_dir(self.root().join(".xtask/runs")).into_iter().flatten();
        runs.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// The docker CLI, for what only people do.
    pub fn docker(args: &[&str]) -> String {
        let output = Command::new("docker").args(args).output().unwrap();
        assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a shell line on a volume of the project.
    pub fn in_volume(&self, volume: &str, line: &str) {
        let mount = format!("{}_{volume}:/state", self.sandbox.project);
        Shop::docker(&["run", "--rm", "-v", &mount, "--entrypoint", "sh", "redis:7", "-c", line]);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        for run in self.runs() {
            let _ = remove_run(&self.sandbox.docker, &run);
        }
    }
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Said { code: output.status.code(), text }
    }

    /// Ended with this code, and said all of these.
    #[track_caller]
    pub fn expect(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.text);
        for words in said {
            assert!(self.text.contains(words), "it did not say {words:?}:\n{}", self.text);
        }
        for secret in [DB_SECRET, CACHE_SECRET, OWN_SECRET] {
            assert!(!self.text.contains(secret), "it shows a secret:\n{}", self.text);
        }
    }
}

/// Equal, else what differs.
#[track_caller]
pub fn same(before: &Snapshot, now: &Snapshot) {
    assert!(before == now, "{}", snapshot::difference(before, now));
}

pub fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
