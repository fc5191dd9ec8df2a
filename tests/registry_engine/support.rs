//! A real registry beside the real engine, and images in it that are made on the spot.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use xtask::actions::{Live, World};
use xtask::cancel::Cancel;
use xtask::engine::{Docker, Engine, compose};
use xtask::registry::{Logins, Resolved, Resolver, Unresolved};
use xtask::saga::{Plan, RunId, Store};

/// A place of its own in a registry, taken away from the engine when the test ends.
pub struct Shelf {
    pub docker: Docker,
    /// `HOST/PATH`, below which the test's images are.
    pub at: String,
    pub folder: tempfile::TempDir,
}

/// A shelf in the open registry, or in the one that wants a login. `None`, after saying so, where there is
/// none; with `XTASK_REQUIRE_ENGINE` set that is a failure.
pub fn shelf(test: &str, registry: &str) -> Option<Shelf> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let docker = Docker::connect().and_then(|docker| docker.info().map(|_| docker));
    match (docker, std::env::var(registry)) {
        (Ok(docker), Ok(host)) => {
            let number = NUMBER.fetch_add(1, Ordering::SeqCst);
            let at = format!("{host}/{test}-{}-{number}", std::process::id());
            Some(Shelf { docker, at, folder: tempfile::tempdir().unwrap() })
        }
        (docker, host) => {
            let why = docker.err().map_or_else(|| format!("{registry} is not set ({})", host.unwrap_err()), |error| error.to_string());
            assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "XTASK_REQUIRE_ENGINE is set, but: {why}");
            eprintln!("SKIPPED {test}: {why}");
            None
        }
    }
}

pub const OPEN: &str = "XTASK_RIG_REGISTRY";
pub const WITH_LOGIN: &str = "XTASK_RIG_REGISTRY_LOGIN";

impl Shelf {
    pub fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.at)
    }

    /// Builds an image of this name that differs from all others by `content`; answers its id.
    pub fn build(&self, name: &str, content: &str, platform: &str) -> String {
        self.file("context/f", &format!("{content} of {}", self.at));
        self.file("context/Dockerfile", "FROM scratch\nCOPY f /f\nCMD [\"/f\"]\n");
        let context = self.folder.path().join("context");
        docker(&["build", "-q", "--provenance=false", "--platform", platform, "-t", name, context.to_str().unwrap()]);
        self.docker.image(name).unwrap().unwrap().id
    }

    /// The same, in the open registry; answers its digest there.
    pub fn publish(&self, name: &str, content: &str) -> String {
        self.build(name, content, &self.platform());
        docker(&["push", "-q", name]);
        digest_of(&self.docker.image(name).unwrap().unwrap().digests[0])
    }

    pub fn platform(&self) -> String {
        self.docker.info().unwrap().platform.to_string()
    }

    /// The engine forgets it, under this name and its digest.
    pub fn forget(&self, name: &str) {
        let id = self.docker.image(name).unwrap().unwrap().id;
        docker(&["image", "rm", "--force", &id]);
        assert!(self.docker.image(name).unwrap().is_none());
    }

    pub fn resolve(&self, image: &str) -> Result<Resolved, Box<Unresolved>> {
        self.resolve_with(image, &Logins::in_file("/nowhere/config.json"))
    }

    pub fn resolve_with(&self, image: &str, logins: &Logins) -> Result<Resolved, Box<Unresolved>> {
        Resolver::new(&self.docker, logins, &Cancel::default()).unwrap().resolve(image, None).unwrap().map_err(Box::new)
    }

    pub fn id(&self, name: &str) -> Option<String> {
        self.docker.image(name).unwrap().map(|image| image.id)
    }

    pub fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The world of a run that has just begun.
    pub fn world(&self) -> World {
        let root = self.folder.path();
        let store = Store::at(root);
        store.create().unwrap();
        let run = RunId::new("test");
        store.begin(&run, &Plan::<()>::new("test", vec![])).unwrap();
        let cancel = Cancel::default();
        let compose = Rc::new(compose::find(&cancel).unwrap().usable().unwrap());
        let live = Live { engine: Rc::new(Docker::connect().unwrap()), compose, cancel };
        World { live: Some(Rc::new(live)), ..World::of_files(root.to_path_buf(), store.blobs(&run), run, None) }
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        for image in self.docker.images(&self.at).unwrap_or_default() {
            let _ = Command::new("docker").args(["image", "rm", "--force", &image.id]).output();
        }
    }
}

pub fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn digest_of(name: &str) -> String {
    name.rsplit_once('@').unwrap().1.to_string()
}
/// The client's configuration with its plugins and what else the test puts there.
pub fn docker_config(folder: &Path, config: &str) -> PathBuf {
    let own = folder.join("docker");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("config.json"), config).unwrap();
    let callers = std::env::var_os("DOCKER_CONFIG")
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".docker"), PathBuf::from);
    let plugins = callers.join("cli-plugins");
    if plugins.exists() && !own.join("cli-plugins").exists() {
        std::os::unix::fs::symlink(plugins, own.join("cli-plugins")).unwrap();
    }
    own
}
