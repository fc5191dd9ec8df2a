//! A compose project of its own on the engine that is there, removed when the test ends.

#![allow(dead_code, clippy::print_stderr)]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use xtask::cancel::Cancel;
use xtask::engine::compose::{self, Compose, ComposeCall, Up};
use xtask::engine::{Container, Docker, Engine};
use xtask::secret::Masker;

pub struct Sandbox {
    pub docker: Docker,
    pub compose: Compose,
    pub project: String,
    pub folder: tempfile::TempDir,
}

/// `None`, after saying so, where no engine answers; with `XTASK_REQUIRE_ENGINE` set that is a failure.
pub fn sandbox(test: &str) -> Option<Sandbox> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let docker = Docker::connect().and_then(|docker| docker.info().map(|_| docker));
    let compose = compose::find(&Cancel::default()).and_then(compose::Found::usable);
    match (docker, compose) {
        (Ok(docker), Ok(compose)) => {
            let number = NUMBER.fetch_add(1, Ordering::SeqCst);
            let project = format!("eng-{test}-{}-{number}", std::process::id());
            Some(Sandbox { docker, compose, project, folder: tempfile::tempdir().unwrap() })
        }
        (docker, compose) => {
            let why = docker.err().or(compose.err()).unwrap();
            assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "XTASK_REQUIRE_ENGINE is set, but: {why}");
            skipped(test, &why.to_string());
            None
        }
    }
}

pub fn skipped(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
}

impl Sandbox {
    /// Writes `compose.yaml` and says how it is called.
    pub fn write(&self, yaml: &str) -> ComposeCall {
        self.file("compose.yaml", yaml);
        ComposeCall {
            files: vec![self.folder.path().join("compose.yaml")],
            project_name: Some(self.project.clone()),
            ..ComposeCall::default()
        }
    }

    pub fn file(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn up(&self, yaml: &str) -> ComposeCall {
        let call = self.write(yaml);
        self.compose.up(&call, &Up::default(), Duration::from_secs(120), &Masker::default(), &Cancel::default()).unwrap();
        call
    }

    pub fn container(&self, service: &str) -> Container {
        let listed =
            self.docker.containers(&[("com.docker.compose.project", &self.project), ("com.docker.compose.service", service)]).unwrap();
        assert_eq!(listed.len(), 1, "containers of {service}");
        self.docker.container(&listed[0].id).unwrap().unwrap()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let label = [("com.docker.compose.project", self.project.as_str())];
        for container in self.docker.containers(&label).unwrap_or_default() {
            let _ = self.docker.remove_container(&container.id);
        }
        for network in self.docker.networks(&label).unwrap_or_default() {
            let _ = self.docker.remove_network(&network.id);
        }
        for volume in self.docker.volumes(&label).unwrap_or_default() {
            let _ = self.docker.remove_volume(&volume.name);
        }
    }
}
