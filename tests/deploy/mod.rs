//! A stack of one compose file, and runs of single steps on it.

#![allow(dead_code)]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use xtask::actions::{Action, KeepStack, Live, Recreate, Replace, Source, StackCall, World};
use xtask::cancel::Cancel;
use xtask::engine::compose::{self, Compose, Found, Up};
use xtask::engine::{Container, Docker, Engine};
use xtask::event::Silent;
use xtask::saga::{self, Outcome, Plan, Proof, RunId, Store, Verdict};
use xtask::secret::Masker;

pub const SETTLE_SECS: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(120);

/// Answers with the value of `V`; `/slow` takes a second. It ends when it is asked to, after its answers.
pub const APP: &str = "import http.server, os, signal, threading, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/slow':
            time.sleep(1)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get('V', '').encode())
    def log_message(self, *rest):
        pass
server = http.server.ThreadingHTTPServer(('', 8080), Answer)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *rest: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
";

pub struct Bench {
    pub root: PathBuf,
    pub project: String,
    pub engine: Rc<dyn Engine>,
    pub compose: Rc<Compose>,
    pub cancel: Cancel,
}

impl Bench {
    /// In a folder that holds, or will hold, `compose.yaml` of this project.
    pub fn open(root: &Path, project: &str, engine: Rc<dyn Engine>) -> Bench {
        let cancel = Cancel::default();
        let compose = Rc::new(compose::find(&cancel).and_then(Found::usable).unwrap());
        Store::at(root).create().unwrap();
        Bench { root: root.to_path_buf(), project: project.to_string(), engine, compose, cancel }
    }

    pub fn with_docker(root: &Path, project: &str) -> Bench {
        Bench::open(root, project, Rc::new(Docker::connect().unwrap()))
    }

    /// The services in YAML, below `services:`; the app lies beside the file.
    pub fn write(&self, yaml: &str) {
        std::fs::write(self.root.join("app.py"), APP).unwrap();
        std::fs::write(self.root.join("compose.yaml"), format!("name: {}\nservices:\n{yaml}", self.project)).unwrap();
    }

    pub fn call(&self) -> StackCall {
        StackCall {
            stack: "shop".into(),
            project: self.project.clone(),
            files: vec![self.root.join("compose.yaml")],
            elsewhere: Vec::new(),
            env_files: None,
            profiles: Vec::new(),
            env: Vec::new(),
        }
    }

    /// What somebody does by hand.
    pub fn up(&self) {
        self.compose.up(&self.call().call(), &Up::default(), PATIENCE, &Masker::default(), &Cancel::default()).unwrap();
    }

    pub fn containers(&self, service: &str) -> Vec<Container> {
        let labels = [("com.docker.compose.project", self.project.as_str()), ("com.docker.compose.service", service)];
        let listed = self.engine.containers(&labels).unwrap();
        listed.iter().filter_map(|listed| self.engine.container(&listed.id).unwrap()).collect()
    }

    pub fn container(&self, service: &str) -> Container {
        let mut found = self.containers(service);
        assert_eq!(found.len(), 1, "containers of {service}: {:?}", found.iter().map(|one| &one.name).collect::<Vec<_>>());
        found.remove(0)
    }

    pub fn keep(&self) -> Action {
        Action::KeepStack(KeepStack { call: self.call(), settle_secs: SETTLE_SECS })
    }

    pub fn compose_source(&self, service: &str, replicas: usize) -> Source {
        let (masker, cancel) = (Masker::default(), Cancel::default());
        let model = self.compose.config_json(&self.call().call(), &masker, &cancel).unwrap();
        let hashes = self.compose.config_hashes(model.to_string().as_bytes(), &masker, &cancel).unwrap();
        let image = model["services"][service]["image"].as_str().unwrap();
        let image_id = Some(self.engine.image(image).unwrap().unwrap().id);
        let shares = model["services"][service].get("network_mode").is_some();
        Source::Compose { replicas, config_hash: (!shares).then(|| hashes[service].clone()), image_id }
    }

    pub fn replace(&self, service: &str, replicas: usize, rolling: bool) -> Replace {
        let source = self.compose_source(service, replicas);
        Replace { call: self.call(), service: service.into(), rolling, source, settle_secs: SETTLE_SECS, proxy: None }
    }

    pub fn recreate(&self, service: &str) -> Action {
        Action::Recreate(Recreate { call: self.call(), services: vec![service.into()], settle_secs: SETTLE_SECS })
    }

    pub fn world(&self, run: &RunId) -> World {
        let live = Live { engine: self.engine.clone(), compose: self.compose.clone(), cancel: self.cancel.clone() };
        World {
            live: Some(Rc::new(live)),
            cancel: self.cancel.clone(),
            said: RefCell::default(),
            ..World::of_files(self.root.clone(), Store::at(&self.root).blobs(run), run.clone(), None)
        }
    }

    /// Carries the steps out; `proof` is what is said at its end.
    pub fn run(&self, steps: Vec<Action>, proof: Verdict) -> Outcome {
        let (run, plan) = (RunId::new("deploy"), Plan::new("deploy", steps));
        let mut journal = Store::at(&self.root).begin(&run, &plan).unwrap();
        saga::execute(&self.world(&run), &mut journal, &plan, || Ok(proof), &Silent, &self.cancel)
    }

    /// Puts an open run back; `None` when none is open.
    pub fn recover(&self) -> Option<Outcome> {
        let store = Store::at(&self.root);
        let open = store.open_run().unwrap()?;
        let (mut journal, entries) = store.reopen(&open).unwrap();
        saga::recover::<World, Action>(&self.world(&open.id), &mut journal, &entries, &Silent, &Cancel::default()).unwrap()
    }

    /// Names of everything in the project, running or not.
    pub fn names(&self) -> Vec<String> {
        let listed = self.engine.containers(&[("com.docker.compose.project", &self.project)]).unwrap();
        listed.into_iter().map(|listed| listed.name).collect()
    }
}

pub fn holds() -> Verdict {
    Verdict::Holds(Proof::default())
}

pub fn bad() -> Verdict {
    Verdict::Bad(vec!["the proof does not hold".into()])
}

/// The whole inspection, without what the engine chooses for each container anew.
pub fn inspected(container: &Container) -> impl PartialEq + std::fmt::Debug + use<> {
    let networks: Vec<_> = container.networks.iter().map(|(name, endpoint)| (name.clone(), endpoint.network_id.clone())).collect();
    let mut aliases: Vec<Vec<String>> = container.networks.values().map(|endpoint| endpoint.aliases.clone()).collect();
    aliases.iter_mut().for_each(|aliases| {
        aliases.retain(|alias| !container.id.starts_with(alias.as_str()));
        aliases.sort();
    });
    let mut mounts = container.mounts.clone();
    mounts.sort_by(|a, b| a.destination.cmp(&b.destination));
    (
        (container.name.clone(), container.image_id.clone(), container.image.clone(), container.env.clone(), container.command.clone()),
        (container.labels.clone(), networks, aliases, mounts, container.published.clone()),
        (container.restart, container.stop_grace, container.healthcheck),
    )
}
