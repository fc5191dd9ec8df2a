//! Looking at what runs, many containers at once: figures, ports and logs. Nothing here changes anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use bollard::Docker as Client;
use tokio::runtime::Runtime;

use super::usage;
use crate::error::Result;

mod figures;
mod follow;
mod history;
mod lines;
mod probes;
mod sizes;

pub use figures::{Declared, Port, Usage};
pub use follow::{Follow, Happened};
pub use history::{History, Said};
pub use lines::Line;
pub use probes::Probe;
pub use sizes::volume_sizes;

/// Which part of a log is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Seconds since 1970 on the engine's clock; `None`: from its beginning.
    pub since_secs: Option<i64>,
    /// At most so many lines of each container, the last ones.
    pub tail: Option<u32>,
}

/// An engine, for who only looks.
pub struct Observer {
    runtime: Arc<Runtime>,
    client: Client,
    url: String,
}

impl Observer {
    pub(super) fn new(runtime: &Arc<Runtime>, client: &Client, url: &str) -> Self {
        Observer { runtime: Arc::clone(runtime), client: client.clone(), url: url.to_string() }
    }

    /// The bytes in each volume by its name; a volume whose driver tells no size is left out.
    ///
    /// # Errors
    /// `Failed`: no answer in time, or none that can be read.
    pub fn volume_bytes(&self) -> Result<BTreeMap<String, u64>> {
        usage::volumes(&self.url)
    }

    /// Where ports that are published on all addresses answer: the engine's host as this machine names it.
    pub fn host(&self) -> &str {
        let Some((scheme, rest)) = self.url.split_once("://") else { return "localhost" };
        let host = rest.split('/').next().and_then(|authority| authority.rsplit_once(':').map(|(host, _)| host));
        host.filter(|host| scheme != "unix" && !host.is_empty()).unwrap_or("localhost")
    }
}
