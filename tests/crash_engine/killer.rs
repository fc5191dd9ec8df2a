//! An engine that ends the process at one of its calls.

use std::cell::Cell;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use xtask::cancel::Cancel;
use xtask::engine::{
    Container, DiskUsage, Docker, Engine, Exec, Executed, Image, ImageNames, Info, Listed, Login, Network, NetworkSpec, PathStat, Scratch,
    Sink, Spec, Told, Volume, Watch, observe::Observer,
};
use xtask::error::Result;

/// The moment of a call at which the process ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    /// While the engine is at work on it.
    Within,
    After,
}

impl When {
    pub fn of(word: &str) -> When {
        match word {
            "before" => When::Before,
            "within" => When::Within,
            _ => When::After,
        }
    }
}

/// How long after the request is sent.
const WITHIN: Duration = Duration::from_millis(500);

pub struct Killer {
    docker: Docker,
    /// Only calls of this name count.
    of: Option<String>,
    at: usize,
    when: When,
    calls: Cell<usize>,
    log: std::fs::File,
}

impl Killer {
    /// Dies before or after call `at`, counted from 1; with 0 it lives. The names of all calls go to `log`,
    /// one a line, those that change something with `!`.
    pub fn new(at: usize, when: When, log: &Path) -> Result<Self> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        Ok(Killer { docker: Docker::connect()?, of: None, at, when, calls: Cell::new(0), log })
    }

    /// Counts only calls of this name: how many others there are may hang on what else the engine has.
    #[allow(dead_code, reason = "not every binary with a killer asks for it")]
    pub fn of(self, name: &str) -> Self {
        Killer { of: Some(name.to_string()), ..self }
    }

    fn call<T>(&self, name: &str, ask: impl FnOnce(&Docker) -> T) -> T {
        writeln!(&self.log, "{name}").unwrap();
        let counts = self.of.as_deref().is_none_or(|of| of == name);
        if counts {
            self.calls.set(self.calls.get() + 1);
        }
        let due = |when: When| counts && self.calls.get() == self.at && self.when == when;
        if due(When::Before) {
            die();
        }
        if due(When::Within) {
            std::thread::spawn(|| {
                std::thread::sleep(WITHIN);
                die();
            });
        }
        let answer = ask(&self.docker);
        if due(When::After) {
            die();
        }
        answer
    }
}

fn die() {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
}

impl Engine for Killer {
    fn info(&self) -> Result<Info> {
        self.call("info", Engine::info)
    }

    fn observer(&self) -> Observer {
        self.docker.observer()
    }

    fn containers(&self, labels: &[(&str, &str)]) -> Result<Vec<Listed>> {
        self.call("containers", |docker| docker.containers(labels))
    }

    fn container(&self, id: &str) -> Result<Option<Container>> {
        self.call("container", |docker| docker.container(id))
    }

    fn image(&self, name: &str) -> Result<Option<Image>> {
        self.call("image", |docker| docker.image(name))
    }

    fn images(&self, prefix: &str) -> Result<Vec<ImageNames>> {
        self.call("images", |docker| docker.images(prefix))
    }

    fn networks(&self, labels: &[(&str, &str)]) -> Result<Vec<Network>> {
        self.call("networks", |docker| docker.networks(labels))
    }

    fn network(&self, id: &str) -> Result<Option<Network>> {
        self.call("network", |docker| docker.network(id))
    }

    fn volumes(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>> {
        self.call("volumes", |docker| docker.volumes(labels))
    }

    fn volume(&self, name: &str) -> Result<Option<Volume>> {
        self.call("volume", |docker| docker.volume(name))
    }

    fn disk_usage(&self) -> Result<DiskUsage> {
        self.call("disk usage", Engine::disk_usage)
    }

    fn exec(&self, id: &str, exec: &Exec<'_>) -> Result<Executed> {
        self.call("exec", |docker| docker.exec(id, exec))
    }

    fn pipe(&self, id: &str, exec: &Exec<'_>, stdin: Option<&mut dyn Read>, said: &mut Sink<'_>) -> Result<Executed> {
        self.call("pipe", |docker| docker.pipe(id, exec, stdin, said))
    }

    fn read_archive(&self, id: &str, path: &str) -> Result<Box<dyn Read>> {
        self.call("read_archive", |docker| docker.read_archive(id, path))
    }

    fn stat(&self, id: &str, path: &str) -> Result<Option<PathStat>> {
        self.call("stat", |docker| docker.stat(id, path))
    }

    fn pause(&self, id: &str) -> Result<()> {
        self.call("pause!", |docker| docker.pause(id))
    }

    fn unpause(&self, id: &str) -> Result<()> {
        self.call("unpause!", |docker| docker.unpause(id))
    }

    fn create_holder(&self, name: &str, image: &str, label: (&str, &str), volume: &str) -> Result<String> {
        self.call("create_holder!", |docker| docker.create_holder(name, image, label, volume))
    }

    fn create_scratch(&self, name: &str, scratch: &Scratch<'_>) -> Result<String> {
        self.call("create_scratch!", |docker| docker.create_scratch(name, scratch))
    }

    fn write_archive(&self, id: &str, path: &str, from: &mut dyn Read) -> Result<()> {
        self.call("write_archive!", |docker| docker.write_archive(id, path, from))
    }

    fn create_volume(&self, name: &str, label: (&str, &str)) -> Result<()> {
        self.call("create volume!", |docker| docker.create_volume(name, label))
    }

    fn make_volume(&self, volume: &Volume) -> Result<()> {
        self.call("make volume!", |docker| docker.make_volume(volume))
    }

    fn logs(&self, id: &str, lines: usize) -> Result<String> {
        self.call("logs", |docker| docker.logs(id, lines))
    }

    fn watch(&self, ids: &[String]) -> Watch {
        self.docker.watch(ids)
    }

    fn start(&self, id: &str) -> Result<()> {
        self.call("start!", |docker| docker.start(id))
    }

    fn stop(&self, id: &str, grace: Duration) -> Result<()> {
        self.call("stop!", |docker| docker.stop(id, grace))
    }

    fn restart(&self, id: &str, grace: Duration) -> Result<()> {
        self.call("restart!", |docker| docker.restart(id, grace))
    }

    fn distribution(&self, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<Told> {
        self.call("distribution", |docker| docker.distribution(reference, login, cancel))
    }

    fn pull(&self, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()> {
        self.call("pull!", |docker| docker.pull(reference, login, cancel))
    }

    fn push(&self, name: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()> {
        self.call("push!", |docker| docker.push(name, login, cancel))
    }

    fn tag(&self, id: &str, name: &str) -> Result<()> {
        self.call("tag image!", |docker| docker.tag(id, name))
    }

    fn untag(&self, name: &str) -> Result<bool> {
        self.call("untag image!", |docker| docker.untag(name))
    }

    fn remove_image(&self, id: &str) -> Result<bool> {
        self.call("remove image!", |docker| docker.remove_image(id))
    }

    fn save_images(&self, names: &[String]) -> Result<Box<dyn Read>> {
        self.call("save images", |docker| docker.save_images(names))
    }

    fn load_images(&self, from: &mut dyn Read) -> Result<()> {
        self.call("load images!", |docker| docker.load_images(from))
    }

    fn remove_cache(&self, id: &str) -> Result<u64> {
        self.call("remove cache!", |docker| docker.remove_cache(id))
    }

    fn remove_stopped(&self, id: &str) -> Result<bool> {
        self.call("remove stopped!", |docker| docker.remove_stopped(id))
    }

    fn spec(&self, id: &str) -> Result<Option<Spec>> {
        self.call("spec", |docker| docker.spec(id))
    }

    fn create(&self, name: &str, spec: &Spec) -> Result<String> {
        self.call("create!", |docker| docker.create(name, spec))
    }

    fn rename(&self, id: &str, name: &str) -> Result<()> {
        self.call("rename!", |docker| docker.rename(id, name))
    }

    fn connect(&self, network: &str, id: &str, spec: &Spec) -> Result<()> {
        self.call("connect!", |docker| docker.connect(network, id, spec))
    }

    fn disconnect(&self, network: &str, id: &str) -> Result<()> {
        self.call("disconnect!", |docker| docker.disconnect(network, id))
    }

    fn network_spec(&self, name: &str) -> Result<Option<NetworkSpec>> {
        self.call("network spec", |docker| docker.network_spec(name))
    }

    fn make_network(&self, spec: &NetworkSpec) -> Result<()> {
        self.call("make network!", |docker| docker.make_network(spec))
    }

    fn create_network(&self, name: &str) -> Result<()> {
        self.call("create network!", |docker| docker.create_network(name))
    }

    fn remove_container(&self, id: &str) -> Result<()> {
        self.call("remove container!", |docker| docker.remove_container(id))
    }

    fn remove_but_volumes(&self, id: &str) -> Result<()> {
        self.call("remove container but volumes!", |docker| docker.remove_but_volumes(id))
    }

    fn remove_network(&self, id: &str) -> Result<()> {
        self.call("remove network!", |docker| docker.remove_network(id))
    }

    fn remove_volume(&self, name: &str) -> Result<()> {
        self.call("remove volume!", |docker| docker.remove_volume(name))
    }
}
