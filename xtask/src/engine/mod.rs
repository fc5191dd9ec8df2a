//! The only doors to Docker: the engine's own API, and the compose CLI.
//!
//! Async stops inside this folder: everything that leaves it blocks.

use std::io::Read;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;

mod beside;
pub mod compose;
mod convert;
mod docker;
pub mod endpoint;
mod exec;
pub mod main_process;
mod network;
pub mod observe;
mod pipe;
mod platform;
mod registry;
pub mod remove;
mod spec;
mod stored_images;
mod types;
mod usage;
pub mod wait;
mod watch;

pub use beside::Beside;
pub use docker::{Docker, Scratch};
pub use exec::{Exec, Executed};
pub use network::NetworkSpec;
pub use pipe::{PathStat, Said, Sink};
pub use platform::Platform;
pub use registry::{Login, Manifest, Told};
pub use spec::Spec;
pub use types::{
    Container, Endpoint, Health, Healthcheck, Image, ImageNames, Info, Listed, Mount, Network, Restart, State, Status, Volume,
};
pub use usage::{CacheRecord, DiskUsage};
pub use watch::Watch;

/// Where a holder has its volume.
pub const HELD_AT: &str = "/held";

/// What is asked of an engine. The real one is [`Docker`]; a crash test stands between the tool and
/// it, and ends the process at a chosen call. Every error is `Failed`, in the engine's own words.
pub trait Engine {
    fn info(&self) -> Result<Info>;
    /// What it has said of itself before: for what stays as it is, such as its id and its folder.
    fn known(&self) -> Result<Info> {
        self.info()
    }
    /// Looks at many containers at once: figures, ports, logs.
    fn observer(&self) -> observe::Observer;

    /// All containers that carry every one of the labels, running or not, by name.
    fn containers(&self, labels: &[(&str, &str)]) -> Result<Vec<Listed>>;
    fn container(&self, id: &str) -> Result<Option<Container>>;
    fn image(&self, name: &str) -> Result<Option<Image>>;
    /// The images that have a name which begins so, with a tag or a digest; by id. All for an empty beginning.
    fn images(&self, prefix: &str) -> Result<Vec<ImageNames>>;
    fn networks(&self, labels: &[(&str, &str)]) -> Result<Vec<Network>>;
    fn network(&self, id: &str) -> Result<Option<Network>>;
    fn volumes(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>>;
    fn volume(&self, name: &str) -> Result<Option<Volume>>;

    /// How much of its disk each thing takes; the engine looks at every file for it.
    fn disk_usage(&self) -> Result<DiskUsage>;

    fn exec(&self, id: &str, exec: &Exec<'_>) -> Result<Executed>;
    /// The same for what says or is told much: it goes to `said` piece by piece, its standard input is `stdin`,
    /// where there is one. `Executed::output` is the end of what it says on standard error.
    fn pipe(&self, id: &str, exec: &Exec<'_>, stdin: Option<&mut dyn Read>, said: &mut Sink<'_>) -> Result<Executed>;
    /// What is at `path` in a container, running or not, as a tar archive: a folder with its own entry first.
    /// Files that change meanwhile make it wrong, and nobody says so.
    fn read_archive(&self, id: &str, path: &str) -> Result<Box<dyn Read>>;
    /// What the engine says about a path in a container; `None`: there is none.
    fn stat(&self, id: &str, path: &str) -> Result<Option<PathStat>>;
    /// The last lines of a container's log, not masked yet.
    fn logs(&self, id: &str, lines: usize) -> Result<String>;
    /// Wakes whoever waits for one of these containers.
    fn watch(&self, ids: &[String]) -> Watch;

    fn start(&self, id: &str) -> Result<()>;
    /// `grace` is how long it may take before it is killed.
    fn stop(&self, id: &str, grace: Duration) -> Result<()>;
    fn restart(&self, id: &str, grace: Duration) -> Result<()>;
    /// Freezes all that runs in a container, until it is resumed.
    fn pause(&self, id: &str) -> Result<()>;
    fn unpause(&self, id: &str) -> Result<()>;

    /// What a reference (`HOST/PATH:TAG` or `@DIGEST`) means in its registry.
    fn distribution(&self, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<Told>;
    /// Fetches what such a reference means. By tag, the name moves; by digest, no name does.
    fn pull(&self, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()>;
    /// Hands the image of this name, `HOST/PATH:TAG`, over to its registry.
    fn push(&self, name: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()>;
    /// Gives a name (`PATH:TAG`) to an image, away from whichever had it.
    fn tag(&self, id: &str, name: &str) -> Result<()>;
    /// Takes a name from its image; an image goes with its last name. `false`: containers were made of it
    /// and it has no other name, so it keeps this one. A name that is not there is fine.
    fn untag(&self, name: &str) -> Result<bool>;
    /// Removes an image without a name; its parents stay. `false`: a container or another image is made of it.
    fn remove_image(&self, id: &str) -> Result<bool>;
    /// Images with these names, as `docker save` writes them.
    fn save_images(&self, names: &[String]) -> Result<Box<dyn Read>>;
    /// The way back.
    fn load_images(&self, from: &mut dyn Read) -> Result<()>;
    /// Removes one record of the build cache, where no build uses it and no other record needs it. How many bytes it was.
    fn remove_cache(&self, id: &str) -> Result<u64>;

    /// How a container can be made again; `None`: there is no such container.
    fn spec(&self, id: &str) -> Result<Option<Spec>>;
    /// Makes a container, by its recorded image, and returns its id; it is not started.
    fn create(&self, name: &str, spec: &Spec) -> Result<String>;
    /// Makes a container that is never started, of this image and with this label and volume (read-only, at
    /// [`HELD_AT`]): whoever has no container needs one to be read from.
    fn create_holder(&self, name: &str, image: &str, label: (&str, &str), volume: &str) -> Result<String>;
    /// Makes a container that reaches no network, for a restore; it is not started.
    fn create_scratch(&self, name: &str, scratch: &Scratch<'_>) -> Result<String>;
    /// Unpacks a tar archive in the folder `path` of a container, running or not. What is there and not in the
    /// archive stays.
    fn write_archive(&self, id: &str, path: &str, from: &mut dyn Read) -> Result<()>;
    fn rename(&self, id: &str, name: &str) -> Result<()>;
    /// Puts a container into a network, as its specification says: aliases, fixed address.
    fn connect(&self, network: &str, id: &str, spec: &Spec) -> Result<()>;
    fn disconnect(&self, network: &str, id: &str) -> Result<()>;

    /// How a network can be made again; `None`: there is no such network.
    fn network_spec(&self, name: &str) -> Result<Option<NetworkSpec>>;
    /// Makes a network as it was; with other addresses where somebody else has its own by now.
    fn make_network(&self, spec: &NetworkSpec) -> Result<()>;
    /// Creates a bridge network of this name, as `docker network create` would.
    fn create_network(&self, name: &str) -> Result<()>;
    /// Creates a volume of this name on the engine's machine. One that is there already stays as it is, and nobody
    /// says so: the name must be new.
    fn create_volume(&self, name: &str, label: (&str, &str)) -> Result<()>;
    /// Creates a volume as it was: name, driver, options and labels. The name must be new.
    fn make_volume(&self, volume: &Volume) -> Result<()>;

    /// Removes a container, running or not, with its anonymous volumes: those carry no label.
    fn remove_container(&self, id: &str) -> Result<()>;
    /// The same, but its volumes stay.
    fn remove_but_volumes(&self, id: &str) -> Result<()>;
    /// The same, if it does not run; `false`: it does.
    fn remove_stopped(&self, id: &str) -> Result<bool>;
    fn remove_network(&self, id: &str) -> Result<()>;
    fn remove_volume(&self, name: &str) -> Result<()>;
}
