//! An engine of this test's own, in a folder and a network namespace of its own, which may be killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(40);

/// Where it is, for the process that runs beside it.
pub const FOLDER: &str = "XTASK_OWN_ENGINE";

pub struct OwnEngine {
    folder: tempfile::TempDir,
    namespace: String,
}

impl OwnEngine {
    /// `Err`: why there can be none here.
    pub fn raise() -> Result<OwnEngine, String> {
        if !nix::unistd::geteuid().is_root() {
            return Err("only root may start an engine".into());
        }
        for program in ["dockerd", "docker", "ip", "nsenter", "setsid"] {
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
            if !found.is_ok_and(|status| status.success()) {
                return Err(format!("there is no {program} here"));
            }
        }
        // The path of a socket is short.
        let engine = OwnEngine { folder: tempfile::tempdir_in("/tmp").unwrap(), namespace: format!("xtask-own-{}", std::process::id()) };
        must(Command::new("ip").args(["netns", "add", &engine.namespace]));
        must(engine.inside("ip").args(["link", "set", "lo", "up"]));
        std::fs::write(engine.path().join("daemon.json"), "{}").unwrap();
        must(engine.inside("sh").args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]));
        launch(engine.path(), engine.inside("setsid"));
        Ok(engine)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A program in its network.
    pub fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace)).arg(program);
        command
    }

    /// Brings images over from the engine that the caller uses.
    pub fn load(&self, images: &[&str]) {
        let mut save = Command::new("docker").arg("save").args(images).stdout(Stdio::piped()).spawn().unwrap();
        let mut load = Command::new("docker");
        load.env("DOCKER_HOST", host(self.path())).arg("load").stdin(save.stdout.take().unwrap()).stdout(Stdio::null());
        must(&mut load);
        assert!(save.wait().unwrap().success());
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        let containers = Command::new("docker").env("DOCKER_HOST", host(self.path())).args(["ps", "-aq"]).output();
        let ids = containers.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            let _ = Command::new("docker").env("DOCKER_HOST", host(self.path())).args(["rm", "-f", "-v"]).args(ids).output();
        }
        for file in ["docker.pid", "exec/containerd/containerd.pid"] {
            if let Some(pid) = pid(&self.path().join(file)) {
                end(pid);
            }
        }
        // Deepest first: a storage driver's leftovers sit on top of each other.
        let prefix = format!("{}/", self.path().display());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut below: Vec<&str> = mounts.lines().filter_map(|line| line.split(' ').nth(4)).filter(|at| at.starts_with(&prefix)).collect();
        below.sort_unstable();
        for at in below.iter().rev() {
            let _ = Command::new("umount").args(["-l", at]).status();
        }
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).status();
    }
}

pub fn host(folder: &Path) -> String {
    format!("unix://{}", folder.join("docker.sock").display())
}

/// The engine's folder, for who runs beside it.
pub fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).unwrap())
}

/// SIGKILL: its containers live on until the next one looks after them.
pub fn kill_engine(folder: &Path) {
    let pid = pid(&folder.join("docker.pid")).unwrap();
    kill(pid, Signal::SIGKILL).unwrap();
    wait_for_end(pid);
}

/// Starts it in the network that we are in.
pub fn start_engine(folder: &Path) {
    launch(folder, Command::new("setsid"));
}

fn launch(folder: &Path, mut command: Command) {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let at = |name: &str| folder.join(name).display().to_string();
    command.args(["dockerd", "--config-file", &at("daemon.json"), "--data-root", &at("data"), "--exec-root", &at("exec")]);
    command.args(["--pidfile", &at("docker.pid"), "-H", &host(folder)]);
    let mut child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let began = Instant::now();
    loop {
        let mut asked = Command::new("docker");
        asked.env("DOCKER_HOST", host(folder)).arg("version").stdout(Stdio::null()).stderr(Stdio::null());
        if asked.status().unwrap().success() {
            break;
        }
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(child.try_wait().unwrap().is_none(), "the engine ended: {}", log());
        assert!(began.elapsed() < PATIENCE, "the engine does not answer: {}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    // Collected when it ends, so that it is not seen as alive then.
    std::thread::spawn(move || child.wait());
}

fn pid(file: &Path) -> Option<Pid> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok().map(Pid::from_raw)
}

fn end(pid: Pid) {
    let _ = kill(pid, Signal::SIGTERM);
    wait_for_end(pid);
}

fn wait_for_end(pid: Pid) {
    let began = Instant::now();
    while kill(pid, None).is_ok() {
        if began.elapsed() > PATIENCE {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn must(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
