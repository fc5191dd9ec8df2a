//! What a backup holds, written into it last: without it there is no backup.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The manifest's place in a backup.
pub const MANIFEST: &str = "/xtask.json";

/// How this version writes it.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    /// The backup's name.
    pub name: String,
    pub stack: String,
    /// The compose project's name.
    pub project: String,
    pub run: String,
    /// Milliseconds since 1970, when it began.
    pub at_ms: u64,
    /// Versions of who made it: xtask, the engine, Compose.
    pub xtask: String,
    pub engine: String,
    pub compose: String,
    /// The project's root, and the commit that it was at, if any.
    pub root: PathBuf,
    pub git_commit: Option<String>,
    /// The release that was current.
    pub release: Option<String>,
    pub dumps: Vec<Dump>,
    pub volumes: Vec<Copied>,
    pub files: Vec<File>,
    /// Of a cleanup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<StoredImage>,
    /// Complete sentences: what of the stack is not in it, and why.
    pub left_out: Vec<String>,
}

/// What a server's own client wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dump {
    pub service: String,
    /// Of what: a database's name, or what the adapter calls it.
    pub what: String,
    pub adapter: String,
    /// The folder of its parts.
    pub path: String,
    #[serde(flatten)]
    pub stream: Stream,
    pub exit_code: i64,
    /// As they call themselves.
    pub client: String,
    pub server: String,
    /// What the container was made of: a restore needs the same.
    pub image: String,
    pub image_id: String,
    /// Rows by table, or whatever can be counted, as the dump holds them.
    pub counts: BTreeMap<String, u64>,
    /// A checksum of the contents of each, taken with the counts; empty unless it was asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums: BTreeMap<String, String>,
    /// What its scripts were told besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    pub seconds: f64,
}

/// An image, as `docker save` writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredImage {
    pub id: String,
    pub names: Vec<String>,
    /// The folder of its parts.
    pub path: String,
    #[serde(flatten)]
    pub stream: Stream,
}

/// A stream as it was stored: numbered parts, one after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    pub parts: u64,
    pub bytes: u64,
    /// Of the whole stream.
    pub sha256: String,
}

/// A volume, file by file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    pub volume: String,
    /// The folder that it is in.
    pub path: String,
    pub entries: u64,
    pub bytes: u64,
    pub quiet: Quiet,
    /// The containers that were paused or stopped for it, by name.
    pub quieted: Vec<String>,
    pub way: Way,
    pub driver: String,
    pub options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    /// Where services have it.
    pub users: Vec<User>,
    /// Of its files: `xattrs`, `holes`, `sockets`.
    pub not_kept: Vec<String>,
    pub seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub service: String,
    pub destination: String,
    pub writable: bool,
}

/// Who wrote to a volume while it was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quiet {
    /// Nobody: they were paused, or stopped.
    Paused,
    Stopped,
    /// Nobody runs that could.
    Nobody,
    /// Whoever wanted: files may not fit each other. Such a copy never counts as verified.
    Hot,
}

/// How a volume was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From its mount point on this machine.
    Direct,
    /// As the engine's archive.
    Engine,
}

/// A file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Below the project's root.
    pub path: PathBuf,
    /// In the backup.
    pub at: String,
    pub bytes: u64,
    pub sha256: String,
}
