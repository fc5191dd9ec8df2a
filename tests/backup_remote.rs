//! Repositories elsewhere: a server of restic's protocol with a login, on this machine's loopback, and rclone itself.

#[path = "engine_support/mod.rs"]
mod engine_support;
#[path = "backup_remote/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use engine_support::{Sandbox, sandbox, skipped};
use serde_json::Value;
use server::{Door, PASSWORD, Server, USER};

/// Files that nobody writes to, and nobody who has to start.
const STACK: &str = "name: PROJECT
services:
  app:
    image: redis:7
    entrypoint: [sh, -c]
    command: ['mkdir -p /data/sub; head -c 40000000 /dev/urandom > /data/sub/large; echo hello > /data/small; sync; touch /ready; exec sleep infinity']
    network_mode: none
    stop_signal: SIGKILL
    volumes: ['files:/data']
    labels: {xtask.backup: archive}
    healthcheck: {test: [CMD, test, -e, /ready], interval: 500ms, timeout: 5s, retries: 120}
volumes: {files: }
";

struct Yard {
    sandbox: Sandbox,
    state: tempfile::TempDir,
    served: tempfile::TempDir,
}

struct Said {
    code: Option<i32>,
    text: String,
    out: Vec<u8>,
}

impl Yard {
    fn open(test: &str) -> Option<Yard> {
        if which::which("rclone").is_err() {
            assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "rclone is missing: eval \"$(tests/rig/rig.sh rclone)\"");
            skipped(test, "rclone is not installed");
            return None;
        }
        let yard = Yard { sandbox: sandbox(test)?, state: tempfile::tempdir().unwrap(), served: tempfile::tempdir().unwrap() };
        yard.sandbox.file("compose.yaml", &STACK.replace("PROJECT", &yard.sandbox.project));
        let up = Command::new("docker").args(["compose", "up", "-d", "--wait"]).current_dir(yard.sandbox.path()).output().unwrap();
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
        Some(yard)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("-C").arg(self.sandbox.path()).args(args).stdin(Stdio::null());
        command.env("XTASK_STATE", self.state.path()).env("NO_COLOR", "1").env("RCLONE_CONFIG", "/dev/null");
        command.env("RESTIC_REST_USERNAME", USER).env("RESTIC_REST_PASSWORD", PASSWORD);
        command
    }

    fn run(&self, to: &str, args: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.command(&[args, &["--to", to]].concat()).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(!text.contains(PASSWORD), "{args:?}: {text}");
        Said { code: status.code(), text, out: stdout }
    }

    fn ok(&self, to: &str, args: &[&str]) -> Said {
        let said = self.run(to, args);
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.text);
        said
    }

    fn json(&self, to: &str, args: &[&str]) -> Value {
        let said = self.ok(to, &[&["--format", "json"], args].concat());
        serde_json::from_slice::<Value>(&said.out).unwrap()["result"].clone()
    }

    fn count(&self, to: &str) -> usize {
        self.json(to, &["backup", "list"]).as_array().unwrap().len()
    }
}

#[test]
fn a_server_with_a_login_is_a_repository() {
    let Some(yard) = Yard::open("remote-rest") else { return };
    let server = Server::start(yard.served.path());
    let to = format!("rest:http://{}/shop/", server.address);
    let said = yard.ok(&to, &["backup", "--verify"]);
    assert!(said.text.contains(&to) && !said.text.contains("same file system"), "{}", said.text);
    assert!(yard.served.path().join("shop/config").exists());
    assert!(!yard.json(&to, &["backup", "list"])[0]["verified"].is_null());
    assert_eq!(yard.ok(&to, &["restore", "--file", &file(&yard, "small")]).out, b"hello\n");
    yard.ok(&to, &["backup"]);
    yard.ok(&to, &["backup", "check", "--read-data"]);
    yard.ok(&to, &["--yes", "backup", "forget", "--keep-last", "1", "--prune"]);
    // The newest, and the newest that was verified.
    assert_eq!(yard.count(&to), 2);
    let project = yard.sandbox.project.clone();
    yard.ok(&to, &["restore", "latest", "--in-place", "--stop", "--no-backup", "--confirm", &project]);
    // Neither what it writes down nor what others see of it has the password.
    assert_eq!(holds(yard.state.path(), PASSWORD.as_bytes()), None);
    let wrong = yard.run(&to.replace("/shop/", "/none/"), &["backup", "show"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.text);
    drop(server);
    let away = yard.run(&to, &["backup", "list"]);
    assert_eq!(away.code, Some(6), "{}", away.text);
}

#[test]
fn a_connection_that_breaks_leaves_nothing_that_counts() {
    let Some(yard) = Yard::open("remote-broken") else { return };
    let server = Server::start(yard.served.path());
    let door = Door::before(&server.address);
    let to = format!("rest:http://{}/", door.address);
    door.close_after(10 << 20);
    let said = yard.run(&to, &["backup"]);
    assert_eq!(said.code, Some(6), "{}", said.text);
    assert!(said.text.contains("has stored stays in"), "{}", said.text);
    // Nothing waits for a server that may never come back.
    let recover = yard.command(&["recover"]).output().unwrap();
    assert!(String::from_utf8_lossy(&recover.stdout).contains("no run is open"), "{recover:?}");
    door.open();
    assert_eq!(yard.count(&to), 0);
    yard.ok(&to, &["backup"]);
    assert_eq!(yard.count(&to), 1);
    yard.ok(&to, &["backup", "check", "--read-data"]);
}

#[test]
fn rclone_is_a_repository() {
    let Some(yard) = Yard::open("remote-rclone") else { return };
    let to = format!("rclone:{}/here", yard.served.path().display());
    yard.ok(&to, &["backup"]);
    assert_eq!(yard.count(&to), 1);
    yard.ok(&to, &["backup", "verify"]);
    assert_eq!(yard.ok(&to, &["restore", "--file", &file(&yard, "small")]).out, b"hello\n");
    yard.ok(&to, &["backup", "check"]);
    // Whoever is killed leaves no server behind.
    let mut killed = yard.command(&["backup", "--to", &to]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait("rclone serves", || !serving(yard.served.path()).is_empty());
    killed.kill().unwrap();
    killed.wait().unwrap();
    wait("rclone has ended", || serving(yard.served.path()).is_empty());
    assert!(yard.command(&["recover"]).output().unwrap().status.success());
    assert_eq!(yard.count(&to), 1);
}

/// The processes that serve what is below this folder.
fn serving(folder: &Path) -> Vec<u32> {
    let numbers = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let named = format!("\0serve\0restic\0--addr\0127.0.0.1:0\0{}", folder.display());
    numbers
        .filter(|number: &u32| {
            String::from_utf8_lossy(&std::fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default()).contains(&named)
        })
        .collect()
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn file(yard: &Yard, name: &str) -> String {
    format!("/volumes/{}_files/data/{name}", yard.sandbox.project)
}

/// Whether any file below the folder holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
        if path.is_dir() {
            return holds(&path, bytes);
        }
        std::fs::read(&path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes).then_some(path)
    })
}
