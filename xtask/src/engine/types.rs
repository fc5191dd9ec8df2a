//! What an engine tells, as plain values. None has `Debug` where an environment or an argument list
//! may hold a secret.

use std::collections::BTreeMap;
use std::time::Duration;

use super::platform::Platform;
use crate::secret::Secret;

/// The engine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The engine's own id: the same through every endpoint that reaches it.
    pub id: String,
    pub version: String,
    pub api_version: String,
    /// What its containers run on.
    pub platform: Platform,
    /// `name=seccomp,profile=builtin`, `name=apparmor` ...: what is not listed is silently not enforced.
    pub security_options: Vec<String>,
    pub storage_driver: String,
    pub cpus: u64,
    pub memory_bytes: u64,
    /// Where it keeps images and volumes, on its machine.
    pub root_dir: String,
    /// The engine's clock, as it prints it.
    pub system_time: String,
}

/// A container in a list, running or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Starting,
    Healthy,
    Unhealthy,
}

/// The container's own check: what the image or the model said, after the engine's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Healthcheck {
    pub interval: Duration,
    pub timeout: Duration,
    pub start_period: Duration,
    pub retries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    No,
    Always,
    UnlessStopped,
    OnFailure,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub status: Status,
    /// Of its main process, as the engine's machine counts; 0 when it does not run.
    pub pid: i64,
    /// As the engine prints it; only compared.
    pub started_at: String,
    pub exit_code: i64,
    pub oom_killed: bool,
    /// Why it could not be started; empty when nothing is wrong.
    pub error: String,
    pub health: Option<Health>,
    /// What its own check printed last; may hold anything that the container knows.
    pub checked: Secret,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub network_id: String,
    /// IPv4, else IPv6; empty while the container does not run.
    pub address: String,
    pub aliases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `bind`, `volume` or `tmpfs`.
    pub kind: String,
    /// The volume's name; empty for a bind.
    pub name: String,
    pub source: String,
    pub destination: String,
    pub writable: bool,
}

/// A container, inspected.
#[derive(Clone)]
pub struct Container {
    pub id: String,
    pub name: String,
    /// On the engine's clock, as it prints it.
    pub created: String,
    /// The id of the image that it runs.
    pub image_id: String,
    /// The name that it was created by.
    pub image: String,
    pub state: State,
    pub restart_count: i64,
    pub restart: Restart,
    /// For how long it may end by itself when it is stopped.
    pub stop_grace: Duration,
    pub healthcheck: Option<Healthcheck>,
    pub env: BTreeMap<String, String>,
    pub command: Vec<String>,
    /// What its first process is started with: the entrypoint's words and the command's.
    pub argv: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// By the network's name.
    pub networks: BTreeMap<String, Endpoint>,
    pub mounts: Vec<Mount>,
    /// Published host addresses, `0.0.0.0:5432/tcp`.
    pub published: Vec<String>,
    /// `host`, `none`, `container:<id>`, or the name of a network.
    pub network_mode: String,
}

impl Container {
    /// Whether it is meant to end: a container that is always started again is none, whatever it runs.
    pub fn may_end(&self) -> bool {
        matches!(self.restart, Restart::No | Restart::OnFailure)
    }

    /// Whether nobody expects it to run: never started, done, or stopped by somebody. The engine itself
    /// starts one again that is to run always, unless it was told to stop it.
    pub fn is_asleep(&self) -> bool {
        let State { status, exit_code, oom_killed, error, .. } = &self.state;
        let stopped = || matches!(self.restart, Restart::Always | Restart::UnlessStopped) || matches!(exit_code, 0 | 137 | 143);
        match status {
            Status::Created => error.is_empty(),
            Status::Exited => error.is_empty() && !oom_killed && stopped(),
            _ => false,
        }
    }

    /// Whether its program lives, or is about to.
    pub fn is_up(&self) -> bool {
        matches!(self.state.status, Status::Running | Status::Restarting | Status::Paused)
    }

    pub fn service(&self) -> &str {
        self.labels.get("com.docker.compose.service").map_or(self.name.as_str(), String::as_str)
    }
}

#[derive(Clone)]
pub struct Image {
    pub id: String,
    /// The healthcheck that containers inherit.
    pub healthcheck: Option<Healthcheck>,
    /// Folders that become anonymous volumes.
    pub volumes: Vec<String>,
    /// `redis:7`, and what registries call it: `redis@sha256:...`.
    pub tags: Vec<String>,
    pub digests: Vec<String>,
    pub platform: Platform,
    pub size_bytes: u64,
    /// When it was last given a name here, as the engine prints it; empty where it does not say.
    pub tagged: String,
}

/// An image in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageNames {
    pub id: String,
    pub tags: Vec<String>,
    pub digests: Vec<String>,
    pub size_bytes: u64,
    pub labels: BTreeMap<String, String>,
    /// When it was built, in milliseconds since 1970.
    pub built_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub driver: String,
    pub internal: bool,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeMap<String, String>,
    pub subnets: Vec<String>,
    /// On the engine's clock, as it prints it.
    pub created: String,
    /// Ids of the running containers in it; empty in lists.
    pub containers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub name: String,
    pub driver: String,
    pub mountpoint: String,
    /// On the engine's clock, as it prints it; to the second.
    pub created: String,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeMap<String, String>,
}
