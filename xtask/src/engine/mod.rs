//! The only doors to Docker: the engine's own API, and the compose CLI.
//!
//! Async stops inside this folder: everything that leaves it blocks.

use std::time::Duration;

use crate::error::Result;

pub mod compose;
mod convert;
mod docker;
pub mod endpoint;
mod exec;
pub mod remove;
mod spec;
mod types;
pub mod wait;
mod watch;

pub use docker::Docker;
pub use exec::{Exec, Executed};
pub use spec::Spec;
pub use types::{Container, Endpoint, Health, Healthcheck, Image, Info, Listed, Mount, Network, Restart, State, Status, Volume};
pub use watch::Watch;

/// What is asked of an engine. The real one is [`Docker`]; a crash test stands between the tool and
/// it, and ends the process at a chosen call. Every error is `Failed`, in the engine's own words.
pub trait Engine {
    fn info(&self) -> Result<Info>;

    /// All containers that carry every one of the labels, running or not, by name.
    fn containers(&self, labels: &[(&str, &str)]) -> Result<Vec<Listed>>;
    fn container(&self, id: &str) -> Result<Option<Container>>;
    fn image(&self, name: &str) -> Result<Option<Image>>;
    fn networks(&self, labels: &[(&str, &str)]) -> Result<Vec<Network>>;
    fn network(&self, id: &str) -> Result<Option<Network>>;
    fn volumes(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>>;
    fn volume(&self, name: &str) -> Result<Option<Volume>>;

    fn exec(&self, id: &str, exec: &Exec<'_>) -> Result<Executed>;
    /// The last lines of a container's log, not masked yet.
    fn logs(&self, id: &str, lines: usize) -> Result<String>;
    /// Wakes whoever waits for one of these containers.
    fn watch(&self, ids: &[String]) -> Watch;

    fn start(&self, id: &str) -> Result<()>;
    /// `grace` is how long it may take before it is killed.
    fn stop(&self, id: &str, grace: Duration) -> Result<()>;
    fn restart(&self, id: &str, grace: Duration) -> Result<()>;

    /// How a container can be made again; `None`: there is no such container.
    fn spec(&self, id: &str) -> Result<Option<Spec>>;
    /// Makes a container, by its recorded image, and returns its id; it is not started.
    fn create(&self, name: &str, spec: &Spec) -> Result<String>;
    fn rename(&self, id: &str, name: &str) -> Result<()>;
    /// Puts a container into a network, as its specification says: aliases, fixed address.
    fn connect(&self, network: &str, id: &str, spec: &Spec) -> Result<()>;
    fn disconnect(&self, network: &str, id: &str) -> Result<()>;

    /// Gives an image one more name, or takes that name from the image that had it.
    fn tag(&self, image_id: &str, name: &str) -> Result<()>;
    /// Takes a name away, if it is there; an image without any other name goes with it, unless a
    /// container uses it: then the name stays too.
    fn untag(&self, name: &str) -> Result<()>;

    /// Creates a bridge network of this name, as `docker network create` would.
    fn create_network(&self, name: &str) -> Result<()>;

    /// Removes a container, running or not, with its anonymous volumes: those carry no label.
    fn remove_container(&self, id: &str) -> Result<()>;
    /// The same, but its volumes stay.
    fn remove_but_volumes(&self, id: &str) -> Result<()>;
    fn remove_network(&self, id: &str) -> Result<()>;
    fn remove_volume(&self, name: &str) -> Result<()>;
}
