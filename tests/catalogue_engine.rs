//! Runs images hardened exactly as `policies/images/` says: read-only root, no capability but the listed
//! ones, the listed scratch paths, the health command. And once without one of these, which must fail:
//! an entry that lists too much would otherwise pass as well.
//!
//! Where no image registry can be reached, the rig's images stand in for the official ones: they keep
//! their accounts, paths, variables and entrypoints, see tests/rig/README.md.

mod engine_support;

use std::time::Duration;

use engine_support::{Sandbox, sandbox, skipped};
use serde_json::{Value, json};
use xtask::cancel::Cancel;
use xtask::catalogue::{Container, Start, server_kind};
use xtask::engine::wait::{Waited, Well, until_well};
use xtask::engine::{Engine, Exec};
use xtask::secret::Masker;

const PASSWORD: &str = "catalogue-test-only";

/// One image in one sandbox, with what its entry grants it.
struct Trial {
    sandbox: Sandbox,
    image: &'static str,
    capabilities: Vec<String>,
    writable: Vec<String>,
    /// Whether the health command has the time that the entry gives it.
    patient: bool,
    /// What the service says besides: environment, command.
    rest: Value,
}

/// `None`, after saying so, where there is no engine or the image is not on it.
fn trial(image: &'static str, rest: Value) -> Option<Trial> {
    let name = server_kind(image).expect("an image of the catalogue").kind.as_str();
    let sandbox = sandbox(&format!("catalogue-{name}"))?;
    if sandbox.docker.image(image).unwrap().is_none() {
        skipped(name, &format!("the engine has no image {image}; RIG_IMAGES={name} tests/rig/rig.sh images builds it"));
        return None;
    }
    let container = facts(image);
    let capabilities = container.capabilities.clone().expect("a proven entry lists its capabilities");
    let writable = container.writable.clone().expect("a proven entry lists its scratch paths");
    Some(Trial { sandbox, image, capabilities, writable, patient: true, rest })
}

fn facts(image: &str) -> &'static Container {
    server_kind(image).unwrap().container(image).expect("a proven entry knows the container")
}

impl Trial {
    /// The service as the entry says it: JSON is YAML too.
    fn compose(&self) -> String {
        let container = facts(self.image);
        let mut service = json!({
            "image": self.image,
            "read_only": true,
            "cap_drop": ["ALL"],
            "cap_add": self.capabilities,
            "security_opt": ["no-new-privileges:true"],
            "tmpfs": self.writable,
            "volumes": container.data.iter().enumerate().map(|(n, path)| format!("data{n}:{path}")).collect::<Vec<_>>(),
            "stop_grace_period": "5s",
        });
        if let Some(health) = &container.health {
            // Looked at every second, so that the test is quick; the command and its patience are the entry's.
            let (timeout, start_period) = if self.patient { (&*health.timeout, &*health.start_period) } else { ("1s", "0s") };
            service["healthcheck"] = json!({
                "test": health.test, "interval": "1s", "timeout": timeout, "retries": health.retries, "start_period": start_period,
            });
        }
        for (key, value) in self.rest.as_object().unwrap() {
            service[key] = value.clone();
        }
        let volumes: serde_json::Map<String, Value> = (0..container.data.len()).map(|n| (format!("data{n}"), json!({}))).collect();
        json!({
            "services": {"server": service},
            "volumes": volumes,
            "secrets": {"password": {"file": "./password"}},
        })
        .to_string()
    }

    fn start(&self) {
        self.sandbox.file("password", PASSWORD);
        self.sandbox.up(&self.compose());
    }

    fn wait(&self) -> Waited {
        let id = self.sandbox.container("server").id;
        until_well(&self.sandbox.docker, &[id], Duration::from_secs(2), &Masker::default(), &Cancel::default()).unwrap()
    }

    fn assert_well(&self, how: Well) {
        match self.wait() {
            Waited::Well(well) => assert_eq!(well.into_values().collect::<Vec<_>>(), [how], "{}", self.image),
            Waited::Unwell(unwell) => panic!("{}: {unwell:?}", self.image),
        }
    }

    /// Well at first, and again on what it has written: an entrypoint then meets directories of the account.
    fn assert_well_twice(&self) {
        self.start();
        self.assert_well(Well::Healthy);
        self.sandbox.docker.restart(&self.sandbox.container("server").id, Duration::from_secs(10)).unwrap();
        self.assert_well(Well::Healthy);
    }

    /// It does not become well, and its log or the engine says why: a slow machine is no proof.
    fn assert_not_well(&self, without: &str, why: &str) {
        self.start();
        match self.wait() {
            Waited::Well(well) => panic!("{} is well without {without}: {well:?}", self.image),
            Waited::Unwell(unwell) => {
                let said = format!("{} {}", unwell[0].why, unwell[0].log).to_lowercase();
                assert!(said.contains(why), "{} without {without}: {said}", self.image);
            }
        }
    }

    fn without_capability(mut self, capability: &str) -> Trial {
        let before = self.capabilities.len();
        self.capabilities.retain(|listed| listed != capability);
        assert_eq!(self.capabilities.len(), before - 1, "{capability} is listed");
        self
    }

    fn without_scratch(mut self) -> Trial {
        assert!(!self.writable.is_empty(), "{}: scratch paths are listed", self.image);
        self.writable.clear();
        self
    }

    /// The exit code of a shell in the container, and what it prints, without the last line break.
    fn shell(&self, script: &str) -> (i64, String) {
        let argv = ["sh", "-c", script].map(String::from).to_vec();
        let masker = Masker::default();
        let exec = Exec { argv, env: Vec::new(), stdin: None, deadline: Duration::from_secs(60), masker: &masker };
        let done = self.sandbox.docker.exec(&self.sandbox.container("server").id, &exec).unwrap();
        (done.code, done.output)
    }

    /// The processes run as the account that the entry names, or for workers one of them does.
    fn assert_account(&self) {
        let user = facts(self.image).user.as_ref().expect("a proven entry names the account");
        let account = user.account(self.image);
        let (_, first) = self.shell("grep -E '^(Uid|Gid):' /proc/1/status | tr -s '\\t' ' '");
        let (uid, gid) = (account.uid, account.gid.expect("a proven entry names the group"));
        let of = |uid: u32, gid: u32| format!("Uid: {uid} {uid} {uid} {uid}\nGid: {gid} {gid} {gid} {gid}");
        match user.start {
            Start::Drops | Start::Own => assert_eq!(first, of(uid, gid), "{}", self.image),
            Start::Root => assert_eq!(first, of(0, 0), "{}", self.image),
            Start::Workers => {
                assert_eq!(first, of(0, 0), "{}", self.image);
                let (code, _) = self.shell(&format!("grep -qE '^Uid:.{uid}.{uid}.{uid}.{uid}$' /proc/[0-9]*/status"));
                assert_eq!(code, 0, "{}: a worker of {uid}", self.image);
            }
        }
        if account.uid != 0 {
            assert_eq!(self.shell(&format!("id -u {0}; id -g {0}", account.name)), (0, format!("{uid}\n{gid}")), "{}", self.image);
        }
    }
}

#[test]
fn postgres() {
    let file = facts("postgres:15").file_variable("POSTGRES_PASSWORD").unwrap();
    let rest = || json!({"environment": {"POSTGRES_USER": "app", file: "/run/secrets/password"}, "secrets": ["password"]});
    let Some(trial) = trial("postgres:15", rest()) else { return };
    trial.assert_well_twice();
    trial.assert_account();
    // By the host's name, where it asks for the password: to the loopback address it may not.
    let log_in = |password: &str| trial.shell(&format!("PGPASSWORD={password} psql -h \"$(hostname)\" -U app -tAc 'select 1 + 1'"));
    assert_eq!(log_in(PASSWORD), (0, "2".to_string()), "the password is read from the file");
    assert_eq!(log_in("another").0, 2);
    self::trial("postgres:15", rest()).unwrap().without_capability("SETUID").assert_not_well("SETUID", "operation not permitted");
    self::trial("postgres:15", rest()).unwrap().without_scratch().assert_not_well("scratch paths", "read-only file system");
}

#[test]
fn redis() {
    let Some(trial) = trial("redis:7", json!({})) else { return };
    trial.assert_well_twice();
    trial.assert_account();
    let stored = "redis-cli set kept yes && redis-cli save && redis-cli get kept";
    assert_eq!(trial.shell(stored), (0, "OK\nOK\nyes".to_string()), "its data path is writable");
    self::trial("redis:7", json!({})).unwrap().without_capability("SETGID").assert_not_well("SETGID", "operation not permitted");
    // That it asks for a password is no illness; that nothing answers is.
    let asks = self::trial("redis:7", json!({"command": ["redis-server", "--requirepass", PASSWORD]})).unwrap();
    asks.start();
    asks.assert_well(Well::Healthy);
    let mut silent = self::trial("redis:7", json!({"command": ["sleep", "600"]})).unwrap();
    silent.patient = false;
    silent.assert_not_well("a server", "unhealthy");
}

#[test]
fn nginx() {
    let Some(trial) = trial("nginx:1.22", json!({})) else { return };
    trial.assert_well_twice();
    trial.assert_account();
    self::trial("nginx:1.22", json!({})).unwrap().without_capability("SETUID").assert_not_well("SETUID", "operation not permitted");
    self::trial("nginx:1.22", json!({})).unwrap().without_scratch().assert_not_well("scratch paths", "read-only file system");
}

#[test]
fn node() {
    let program = "require('fs').writeFileSync('/tmp/scratch', 'x'); setInterval(() => {}, 1000)";
    let rest = || json!({"command": ["node", "-e", program]});
    let Some(trial) = trial("node:18-bookworm-slim", rest()) else { return };
    trial.start();
    trial.assert_well(Well::Running);
    trial.assert_account();
    // The account that the entry offers runs it too.
    let mut as_account = self::trial("node:18-bookworm-slim", rest()).unwrap();
    as_account.rest["user"] = json!("node");
    as_account.start();
    as_account.assert_well(Well::Running);
    assert_eq!(as_account.shell("id -u; id -g").1, "1000\n1000");
    self::trial("node:18-bookworm-slim", rest()).unwrap().without_scratch().assert_not_well("scratch paths", "read-only file system");
}

#[test]
fn python() {
    let program = "import tempfile, time; tempfile.TemporaryFile(); time.sleep(600)";
    let rest = || json!({"command": ["python3", "-c", program]});
    let Some(trial) = trial("python:3.11-slim-bookworm", rest()) else { return };
    trial.start();
    trial.assert_well(Well::Running);
    trial.assert_account();
    self::trial("python:3.11-slim-bookworm", rest())
        .unwrap()
        .without_scratch()
        .assert_not_well("scratch paths", "no usable temporary directory");
}

#[test]
fn rabbitmq() {
    let rest = || json!({"environment": {"RABBITMQ_DEFAULT_USER": "app", "RABBITMQ_DEFAULT_PASS": PASSWORD}});
    let Some(trial) = trial("rabbitmq:3.10", rest()) else { return };
    trial.assert_well_twice();
    trial.assert_account();
    let log_in = |password: &str| trial.shell(&format!("rabbitmqctl -q authenticate_user app {password}")).0;
    assert_eq!((log_in(PASSWORD), log_in("another") != 0), (0, true));
    self::trial("rabbitmq:3.10", rest()).unwrap().without_capability("SETUID").assert_not_well("SETUID", "operation not permitted");
    self::trial("rabbitmq:3.10", rest()).unwrap().without_scratch().assert_not_well("scratch paths", "read-only file system");
}

#[test]
fn mariadb() {
    let file = facts("mariadb:10.11").file_variable("MARIADB_ROOT_PASSWORD").unwrap();
    let rest = || json!({"environment": {file: "/run/secrets/password"}, "secrets": ["password"]});
    let Some(trial) = trial("mariadb:10.11", rest()) else { return };
    trial.assert_well_twice();
    trial.assert_account();
    let log_in = |password: &str| trial.shell(&format!("MYSQL_PWD={password} mariadb -u root -N -e 'SELECT 1 + 1'"));
    assert_eq!(log_in(PASSWORD), (0, "2".to_string()), "the password is read from the file");
    assert_eq!(log_in("another").0, 1);
    self::trial("mariadb:10.11", rest()).unwrap().without_capability("SETUID").assert_not_well("SETUID", "operation not permitted");
    self::trial("mariadb:10.11", rest()).unwrap().without_scratch().assert_not_well("scratch paths", "read-only file system");
}

#[test]
fn prometheus() {
    let Some(trial) = trial("prom/prometheus:v2.42.0", json!({})) else { return };
    trial.assert_well_twice();
    trial.assert_account();
    let read_only: Vec<String> = facts(trial.image).data.iter().map(|path| format!("data0:{path}:ro")).collect();
    assert_eq!(read_only.len(), 1);
    let stuck = self::trial("prom/prometheus:v2.42.0", json!({"volumes": read_only})).unwrap();
    stuck.assert_not_well("its data path", "read-only file system");
}
