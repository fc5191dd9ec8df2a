//! A project in git with a stack for production, and the tool as it is shipped.

#[allow(dead_code)] // what tests of deploys that fail need
pub mod during;
pub mod images;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::engine::{Container, Engine, Health};

use crate::engine_support::{Sandbox, sandbox};

/// Stands in an environment entry; no output ever has it.
pub const CANARY: &str = "canary-pu-Qk37xTzR9e";

/// A database that stays, and a web server whose tag is the release.
pub const STACK: &str =
    "name: PROJECT\nservices:\n  db: {DB}\n  web: {WEB, depends_on: {db: {condition: service_healthy}}, ports: ['PORT:80']}\n";
const DB: &str = "image: 'redis:7', command: [redis-server, --save, ''], environment: {API_PASSWORD: CANARY}, \
                  healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, timeout: 3s, retries: 10}";
const WEB: &str = "image: 'IMAGE:${TAG:?the release}', stop_grace_period: 1s, environment: {API_PASSWORD: CANARY}, \
                   healthcheck: {test: [CMD, curl, -fsS, 'http://127.0.0.1/'], interval: 1s, timeout: 3s, retries: 3}";
pub const QUICK: &str = "deploy: {settle: 1}\n";

pub struct Prod {
    pub sandbox: Sandbox,
    pub port: u16,
    pub state: tempfile::TempDir,
}

#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub text: String,
    pub out: String,
}

/// Who a container is: another id is another container.
pub type Who = (String, String);

impl Prod {
    /// The stack and `xtask.yaml`; PROJECT, PORT, IMAGE, WEB and DB stand for what they are here.
    pub fn of(test: &str, stack: &str, settings: &str) -> Option<Prod> {
        static PORT: AtomicU16 = AtomicU16::new(0);
        let sandbox = sandbox(test)?;
        images::make();
        let pid = u16::try_from(std::process::id() % 500).unwrap();
        let port = 20_000 + pid * 20 + PORT.fetch_add(1, Ordering::SeqCst);
        let prod = Prod { sandbox, port, state: tempfile::tempdir().unwrap() };
        prod.write("compose.prod.yaml", stack);
        prod.write("xtask.yaml", settings);
        prod.write(".gitignore", ".xtask/\n");
        for args in [&["init", "-q"][..], &["add", "-A"], &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "Start"]] {
            assert!(Command::new("git").arg("-C").arg(prod.root()).args(args).status().unwrap().success());
        }
        Some(prod)
    }

    pub fn root(&self) -> &Path {
        self.sandbox.path()
    }

    pub fn fill(&self, text: &str) -> String {
        let text = text.replace("{DB", &format!("{{{DB}")).replace("{WEB", &format!("{{{WEB}"));
        let text = text.replace("IMAGE", images::NAME).replace("CANARY", CANARY);
        text.replace("PROJECT", &self.sandbox.project).replace("PORT", &self.port.to_string()).replace("HOST", &host())
    }

    pub fn write(&self, path: &str, text: &str) {
        self.sandbox.file(path, &self.fill(text));
    }

    pub fn command(&self, root: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("-C").arg(root).args(args).env("XTASK_STATE", self.state.path()).env("NO_COLOR", "1");
        command.env_remove("TAG").stdin(Stdio::null());
        command
    }

    /// `prod-up` and these arguments, agreed to.
    pub fn up(&self, args: &[&str]) -> Said {
        self.run(&[&["--yes", "prod-up"], args].concat())
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(self.root(), args).output().unwrap())
    }

    pub fn releases(&self) -> Vec<Value> {
        let said = self.run(&["--format", "json", "history", "--releases"]);
        let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.text));
        document["result"].as_array().unwrap_or_else(|| panic!("{document}")).clone()
    }

    /// `docker compose` as somebody types it.
    pub fn by_hand(&self, tag: &str, args: &[&str]) -> String {
        let mut command = Command::new("docker");
        command.args(["compose", "-f", "compose.prod.yaml"]).args(args).current_dir(self.root()).env("TAG", tag).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{text}");
        text
    }

    /// All containers of the project, by name.
    pub fn containers(&self) -> Vec<Container> {
        let listed = self.sandbox.docker.containers(&[("com.docker.compose.project", &self.sandbox.project)]).unwrap();
        let mut all: Vec<Container> = listed.iter().filter_map(|listed| self.sandbox.docker.container(&listed.id).unwrap()).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Names and ids of all containers, each running and healthy where it has a check.
    pub fn serving(&self) -> Vec<Who> {
        let all = self.containers();
        for one in &all {
            let state = &one.state;
            assert!(one.is_up() && matches!(state.health, None | Some(Health::Healthy)), "{}: {state:?}", one.name);
        }
        all.into_iter().map(|one| (one.name, one.id)).collect()
    }

    /// The same, and the web server answers with its release.
    pub fn serves(&self, release: &str) -> Vec<Who> {
        self.answers(release);
        let id = self.sandbox.docker.image(&format!("{}:{release}", images::NAME)).unwrap().unwrap().id;
        assert_eq!(self.sandbox.container("web").image_id, id, "the image of {release}");
        self.serving()
    }

    /// Waits a little: a published port answers a moment after its container started.
    pub fn answers(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        while get(self.port).as_deref() != Some(text) {
            assert!(Instant::now() < until, "port {} answers {:?} and not {text}", self.port, get(self.port));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Containers, networks and volumes of this project's rehearsals.
    pub fn rehearsed(&self) -> Vec<String> {
        let docker = &self.sandbox.docker;
        let runs = std::fs::read_dir(self.root().join(".xtask/runs")).into_iter().flatten();
        let runs = runs.map(|run| run.unwrap().file_name().into_string().unwrap());
        let of_run = |run: String| {
            let label = [("xtask.run", run.as_str())];
            let containers = docker.containers(&label).unwrap().into_iter().map(|one| one.name);
            let networks = docker.networks(&label).unwrap().into_iter().map(|one| one.name);
            let volumes = docker.volumes(&label).unwrap().into_iter().map(|one| one.name);
            containers.chain(networks).chain(volumes).collect::<Vec<String>>()
        };
        runs.flat_map(of_run).collect()
    }

    /// Those, and containers and networks that are named after this project and are not of it.
    pub fn left_over(&self) -> Vec<String> {
        let (docker, project) = (&self.sandbox.docker, &self.sandbox.project);
        let foreign = |name: &str, of: &str| name.contains(project.as_str()) && of != project;
        let of =
            |labels: &std::collections::BTreeMap<String, String>| labels.get("com.docker.compose.project").cloned().unwrap_or_default();
        let mut left = self.rehearsed();
        left.extend(docker.containers(&[]).unwrap().into_iter().filter(|one| foreign(&one.name, &of(&one.labels))).map(|one| one.name));
        left.extend(docker.networks(&[]).unwrap().into_iter().filter(|one| foreign(&one.name, &of(&one.labels))).map(|one| one.name));
        left
    }

    pub fn nothing_left_over(&self) -> &Self {
        assert_eq!(self.left_over(), Vec::<String>::new());
        self
    }
}

pub fn id_of<'w>(who: &'w [Who], service: &str) -> &'w str {
    let found: Vec<&Who> = who.iter().filter(|(name, _)| name.ends_with(&format!("-{service}-1"))).collect();
    assert_eq!(found.len(), 1, "{service} in {who:?}");
    &found[0].1
}

/// Where published ports of the engine answer.
fn host() -> String {
    std::env::var("XTASK_RIG_HOST").unwrap_or_else(|_| "127.0.0.1".into())
}

fn get(port: u16) -> Option<String> {
    let address = format!("{}:{port}", host()).parse().ok()?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.trim().to_string())
}

impl Said {
    /// What a run said, on both streams; never a secret.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let said = Said { code: output.status.code().unwrap(), text: format!("{out}{err}"), out };
        assert!(!said.text.contains("canary-pu"), "a secret in\n{}", said.text);
        said
    }

    pub fn expect(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{}", self.text);
        for word in words {
            assert!(self.text.contains(word), "no {word} in\n{}", self.text);
        }
        self
    }
}

impl Drop for Prod {
    fn drop(&mut self) {
        let prefix = format!("xtask.local/{}", self.sandbox.project);
        for image in self.sandbox.docker.images(&prefix).unwrap_or_default() {
            for name in image.tags.iter().filter(|name| name.starts_with(&prefix)) {
                let _ = self.sandbox.docker.untag(name);
            }
        }
    }
}
