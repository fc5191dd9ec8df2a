//! The engine's API, blocking.

use std::collections::HashMap;
use std::future::Future;
use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::Docker as Client;
use bollard::query_parameters as query;
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use super::endpoint::{self, Surroundings};
use super::exec::{Exec, Executed};
use super::registry::{self, Login, Told};
use super::types::{Container, Image, ImageNames, Info, Listed, Network, Volume};
use super::{DiskUsage, Engine, NetworkSpec, PathStat, Sink, Spec, convert, pipe, stored_images, usage, watch::Watch};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

mod make;

pub use make::Scratch;

/// Seconds until an engine that does not answer is given up.
const TIMEOUT_SECS: u64 = 120;
const LOG_BYTES: usize = 64 << 10;

/// An engine behind an endpoint.
pub struct Docker {
    runtime: Arc<Runtime>,
    client: Client,
    url: String,
    known: OnceLock<Info>,
}

impl Docker {
    /// The engine that the docker CLI would talk to. Asks it nothing yet.
    ///
    /// # Errors
    /// `Unusable`: an endpoint that cannot be used from here.
    pub fn connect() -> Result<Self> {
        let surroundings = Surroundings::of_this_process();
        let tls = std::env::var("DOCKER_TLS_VERIFY").is_ok_and(|value| !value.is_empty());
        Self::at(&endpoint::resolve(&surroundings)?, tls)
    }

    fn at(url: &str, tls: bool) -> Result<Self> {
        let unusable = |why: String| {
            Error::unusable(format!("connect to the engine at {url}")).why(why).help(
                "forward its socket, `ssh -NL /tmp/engine.sock:/var/run/docker.sock HOST`, and set DOCKER_HOST=unix:///tmp/engine.sock",
            )
        };
        let client = match url.split_once("://").map_or("", |(scheme, _)| scheme) {
            "unix" => Client::connect_with_unix(url, TIMEOUT_SECS, bollard::API_DEFAULT_VERSION),
            "tcp" | "http" if !tls => Client::connect_with_http(url, TIMEOUT_SECS, bollard::API_DEFAULT_VERSION),
            _ => return Err(unusable("only unix:// and unencrypted tcp:// are spoken".to_string())),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Docker {
            runtime: Arc::new(runtime.map_err(|error| unusable(error.to_string()))?),
            client: client.map_err(|error| Error::unusable(format!("connect to the engine at {url}")).why(cause(&error)))?,
            url: url.to_string(),
            known: OnceLock::new(),
        })
    }

    /// A client that waits for as long as a container may take to end.
    fn patient(&self, grace: Duration) -> Client {
        self.client.clone().with_timeout(grace + Duration::from_secs(TIMEOUT_SECS))
    }

    fn ask<T>(&self, what: &str, asked: impl Future<Output = Result<T, bollard::errors::Error>>) -> Result<T> {
        self.runtime.block_on(asked).map_err(|error| failed(what, &error))
    }

    /// What does not exist is `None`.
    fn look<T>(&self, what: &str, asked: impl Future<Output = Result<T, bollard::errors::Error>>) -> Result<Option<T>> {
        match self.runtime.block_on(asked) {
            Ok(answer) => Ok(Some(answer)),
            Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(failed(what, &error)),
        }
    }

    /// The same for what may be in use by now: `false`.
    fn unless_used(&self, what: &str, asked: impl Future<Output = Result<(), bollard::errors::Error>>) -> Result<bool> {
        match self.runtime.block_on(asked) {
            Ok(()) | Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(true),
            Err(bollard::errors::Error::DockerResponseServerError { status_code: 409, .. }) => Ok(false),
            Err(error) => Err(failed(what, &error)),
        }
    }

    /// To take away what is away already is no error; an engine says 409 while it is still at it.
    fn take_away(&self, what: &str, asked: impl Future<Output = Result<(), bollard::errors::Error>>) -> Result<()> {
        self.look(what, asked).map(|_| ())
    }
}

pub(super) fn failed(what: &str, error: &bollard::errors::Error) -> Error {
    Error::failed(what).why(cause(error))
}

/// The engine's own words, without the pieces of answers that parsers quote.
pub(super) fn cause(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error as E;
    match error {
        E::DockerResponseServerError { message, .. } => message.trim().to_string(),
        E::DockerStreamError { error } => error.trim().to_string(),
        E::JsonDataError { column, .. } => format!("the engine's answer cannot be read (column {column})"),
        E::JsonSerdeError { .. } => "the engine's answer cannot be read".to_string(),
        E::RequestTimeoutError => format!("no answer within {TIMEOUT_SECS} s"),
        E::SocketNotFoundError(path) => format!("there is no socket {path}"),
        E::IOError { err } => err.to_string(),
        E::HyperResponseError { err } => err.to_string(),
        E::HyperLegacyError { err } => with_sources(err),
        _ => "the engine could not be asked".to_string(),
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn by_labels(labels: &[(&str, &str)]) -> HashMap<&'static str, Vec<String>> {
    let wanted = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    HashMap::from([("label", wanted)])
}

fn whole_secs(grace: Duration) -> i32 {
    i32::try_from(grace.as_secs()).unwrap_or(i32::MAX)
}

impl Engine for Docker {
    fn info(&self) -> Result<Info> {
        let what = format!("reach the engine at {}", self.url);
        let help = "`docker version` shows whether it runs and may be used; DOCKER_HOST or `docker context use` choose another";
        let info = self.ask(&what, self.client.info()).map_err(|error| error.help(help))?;
        let info = convert::info(info, self.ask(&what, self.client.version())?);
        let _ = self.known.set(info.clone());
        Ok(info)
    }

    fn known(&self) -> Result<Info> {
        self.known.get().map_or_else(|| self.info(), |known| Ok(known.clone()))
    }

    fn observer(&self) -> super::observe::Observer {
        super::observe::Observer::new(&self.runtime, &self.client, &self.url)
    }

    fn containers(&self, labels: &[(&str, &str)]) -> Result<Vec<Listed>> {
        let options = query::ListContainersOptionsBuilder::default().all(true).filters(&by_labels(labels)).build();
        let mut listed: Vec<Listed> =
            self.ask("list containers", self.client.list_containers(Some(options)))?.into_iter().map(convert::listed).collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    fn container(&self, id: &str) -> Result<Option<Container>> {
        let asked = self.client.inspect_container(id, None);
        Ok(self.look(&format!("inspect the container {id}"), asked)?.map(convert::container))
    }

    fn image(&self, name: &str) -> Result<Option<Image>> {
        Ok(self.look(&format!("inspect the image {name}"), self.client.inspect_image(name))?.map(convert::image))
    }

    fn images(&self, prefix: &str) -> Result<Vec<ImageNames>> {
        let listed = self.ask("list images", self.client.list_images(None::<query::ListImagesOptions>))?;
        let mut images: Vec<ImageNames> = listed.into_iter().map(convert::image_names).collect();
        images.retain(|image| prefix.is_empty() || image.tags.iter().chain(&image.digests).any(|name| name.starts_with(prefix)));
        images.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(images)
    }

    fn networks(&self, labels: &[(&str, &str)]) -> Result<Vec<Network>> {
        let options = query::ListNetworksOptionsBuilder::default().filters(&by_labels(labels)).build();
        let networks = self.ask("list networks", self.client.list_networks(Some(options)))?;
        // A list lacks what an inspection has; what went away in between is left out.
        let mut found = Vec::new();
        for id in networks.into_iter().filter_map(|network| network.id) {
            found.extend(self.network(&id)?);
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn network(&self, id: &str) -> Result<Option<Network>> {
        let asked = self.client.inspect_network(id, None);
        Ok(self.look(&format!("inspect the network {id}"), asked)?.map(convert::network))
    }

    fn volumes(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>> {
        let options = query::ListVolumesOptionsBuilder::default().filters(&by_labels(labels)).build();
        let answer = self.ask("list volumes", self.client.list_volumes(Some(options)))?;
        let mut volumes: Vec<Volume> = answer.volumes.unwrap_or_default().into_iter().map(convert::volume).collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(volumes)
    }

    fn volume(&self, name: &str) -> Result<Option<Volume>> {
        Ok(self.look(&format!("inspect the volume {name}"), self.client.inspect_volume(name))?.map(convert::volume))
    }

    fn disk_usage(&self) -> Result<DiskUsage> {
        usage::ask(&self.url)
    }

    fn exec(&self, id: &str, exec: &Exec<'_>) -> Result<Executed> {
        self.runtime.block_on(pipe::run_to_end(&self.client, id, exec))
    }

    fn pipe(&self, id: &str, exec: &Exec<'_>, stdin: Option<&mut dyn Read>, said: &mut Sink<'_>) -> Result<Executed> {
        self.runtime.block_on(pipe::run(&self.client, id, exec, stdin, said))
    }

    fn read_archive(&self, id: &str, path: &str) -> Result<Box<dyn Read>> {
        pipe::read_archive(&self.runtime, self.patient(pipe::DAY), id, path)
    }

    fn stat(&self, id: &str, path: &str) -> Result<Option<PathStat>> {
        let options = query::ContainerArchiveInfoOptionsBuilder::default().path(path).build();
        let asked = self.client.get_container_archive_info(id, Some(options));
        Ok(self.look(&format!("look at {path} in the container {id}"), asked)?.map(PathStat::of))
    }

    fn logs(&self, id: &str, lines: usize) -> Result<String> {
        let options = query::LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&lines.to_string()).build();
        self.runtime.block_on(async {
            let mut stream = self.client.logs(id, Some(options));
            let mut text = Vec::new();
            while let Some(piece) = stream.next().await {
                text.extend_from_slice(&piece.map_err(|error| failed(&format!("read the log of {id}"), &error))?.into_bytes());
                if text.len() > 2 * LOG_BYTES {
                    text.drain(..text.len() - LOG_BYTES);
                }
            }
            Ok(String::from_utf8_lossy(&text).into_owned())
        })
    }

    fn watch(&self, ids: &[String]) -> Watch {
        Watch::start(&self.runtime, &self.client, ids)
    }

    fn pause(&self, id: &str) -> Result<()> {
        self.ask(&format!("pause the container {id}"), self.client.pause_container(id))
    }

    fn unpause(&self, id: &str) -> Result<()> {
        self.ask(&format!("resume the container {id}"), self.client.unpause_container(id))
    }

    fn distribution(&self, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<Told> {
        self.runtime.block_on(registry::distribution(&self.client, reference, login, cancel))
    }

    fn pull(&self, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()> {
        self.runtime.block_on(registry::pull(&self.client, reference, login, cancel))
    }

    fn push(&self, name: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()> {
        self.runtime.block_on(registry::push(&self.client, name, login, cancel))
    }

    fn tag(&self, id: &str, name: &str) -> Result<()> {
        let (repository, tag) = registry::split_tag(name);
        let options = query::TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
        self.ask(&format!("name the image {id} {name}"), self.client.tag_image(id, Some(options)))
    }

    fn untag(&self, name: &str) -> Result<bool> {
        let options = query::RemoveImageOptionsBuilder::default().force(false).noprune(true).build();
        let asked = self.client.remove_image(name, Some(options), None);
        match self.runtime.block_on(asked) {
            Ok(_) | Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(true),
            Err(bollard::errors::Error::DockerResponseServerError { status_code: 409, .. }) => Ok(false),
            Err(error) => Err(failed(&format!("take the name {name} from its image"), &error)),
        }
    }

    fn remove_image(&self, id: &str) -> Result<bool> {
        let options = query::RemoveImageOptionsBuilder::default().force(false).noprune(true).build();
        let asked = self.client.remove_image(id, Some(options), None);
        self.unless_used(&format!("remove the image {id}"), async { asked.await.map(|_| ()) })
    }

    fn save_images(&self, names: &[String]) -> Result<Box<dyn Read>> {
        stored_images::save(&self.runtime, self.patient(pipe::DAY), names)
    }

    fn load_images(&self, from: &mut dyn Read) -> Result<()> {
        self.runtime.block_on(stored_images::load(&self.patient(pipe::DAY), from))
    }

    fn remove_cache(&self, id: &str) -> Result<u64> {
        // Without `all`, records that make an image are left out whatever the filter says.
        let filters = HashMap::from([("id", vec![id.to_string()])]);
        let options = query::PruneBuildOptionsBuilder::default().all(true).filters(&filters).build();
        let pruned = self.ask(&format!("remove the build cache record {id}"), self.client.prune_build(Some(options)))?;
        Ok(pruned.space_reclaimed.unwrap_or_default().max(0).cast_unsigned())
    }

    fn start(&self, id: &str) -> Result<()> {
        self.ask(&format!("start the container {id}"), self.client.start_container(id, None))
    }

    fn stop(&self, id: &str, grace: Duration) -> Result<()> {
        let options = query::StopContainerOptionsBuilder::default().t(whole_secs(grace)).build();
        let patient = self.patient(grace);
        self.ask(&format!("stop the container {id}"), patient.stop_container(id, Some(options)))
    }

    fn restart(&self, id: &str, grace: Duration) -> Result<()> {
        let options = query::RestartContainerOptionsBuilder::default().t(whole_secs(grace)).build();
        let patient = self.patient(grace);
        self.ask(&format!("restart the container {id}"), patient.restart_container(id, Some(options)))
    }

    fn remove_container(&self, id: &str) -> Result<()> {
        let options = query::RemoveContainerOptionsBuilder::default().v(true).force(true).build();
        self.take_away(&format!("remove the container {id}"), self.client.remove_container(id, Some(options)))
    }

    fn spec(&self, id: &str) -> Result<Option<Spec>> {
        self.look_at_spec(id)
    }

    fn create(&self, name: &str, spec: &Spec) -> Result<String> {
        self.make(make::checked(name)?, spec)
    }

    fn create_holder(&self, name: &str, image: &str, label: (&str, &str), volume: &str) -> Result<String> {
        self.make_holder(make::checked(name)?, image, label, volume)
    }

    fn create_scratch(&self, name: &str, scratch: &Scratch<'_>) -> Result<String> {
        self.make_scratch(make::checked(name)?, scratch)
    }

    fn write_archive(&self, id: &str, path: &str, from: &mut dyn Read) -> Result<()> {
        self.runtime.block_on(pipe::write_archive(&self.patient(pipe::DAY), id, path, from))
    }

    fn rename(&self, id: &str, name: &str) -> Result<()> {
        let options = query::RenameContainerOptionsBuilder::default().name(make::checked(name)?).build();
        self.ask(&format!("rename the container {id} to {name}"), self.client.rename_container(id, options))
    }

    fn connect(&self, network: &str, id: &str, spec: &Spec) -> Result<()> {
        self.join(network, id, spec.endpoints().remove(network).unwrap_or_default())
    }

    fn disconnect(&self, network: &str, id: &str) -> Result<()> {
        self.part(network, id)
    }

    fn network_spec(&self, name: &str) -> Result<Option<NetworkSpec>> {
        let asked = self.client.inspect_network(name, None);
        Ok(self.look(&format!("inspect the network {name}"), asked)?.map(NetworkSpec::of))
    }

    fn make_network(&self, spec: &NetworkSpec) -> Result<()> {
        let what = format!("create the network {}", spec.name());
        let as_it_was = self.ask(&what, self.client.create_network(spec.body.clone()));
        as_it_was.or_else(|_| self.ask(&what, self.client.create_network(spec.anywhere()))).map(|_| ())
    }

    fn create_network(&self, name: &str) -> Result<()> {
        let wanted = bollard::models::NetworkCreateRequest { name: name.to_string(), ..Default::default() };
        self.ask(&format!("create the network {name}"), self.client.create_network(wanted)).map(|_| ())
    }

    fn create_volume(&self, name: &str, label: (&str, &str)) -> Result<()> {
        let wanted = bollard::models::VolumeCreateRequest {
            name: Some(make::checked(name)?.to_string()),
            labels: Some([(label.0.to_string(), label.1.to_string())].into()),
            ..Default::default()
        };
        self.ask(&format!("create the volume {name}"), self.client.create_volume(wanted)).map(|_| ())
    }

    fn make_volume(&self, volume: &Volume) -> Result<()> {
        let wanted = bollard::models::VolumeCreateRequest {
            name: Some(make::checked(&volume.name)?.to_string()),
            driver: Some(volume.driver.clone()),
            driver_opts: Some(volume.options.clone().into_iter().collect()),
            labels: Some(volume.labels.clone().into_iter().collect()),
            ..Default::default()
        };
        self.ask(&format!("create the volume {}", volume.name), self.client.create_volume(wanted)).map(|_| ())
    }

    fn remove_stopped(&self, id: &str) -> Result<bool> {
        let options = query::RemoveContainerOptionsBuilder::default().v(false).force(false).build();
        self.unless_used(&format!("remove the container {id}"), self.client.remove_container(id, Some(options)))
    }

    fn remove_but_volumes(&self, id: &str) -> Result<()> {
        let options = query::RemoveContainerOptionsBuilder::default().v(false).force(true).build();
        self.take_away(&format!("remove the container {id}"), self.client.remove_container(id, Some(options)))
    }

    fn remove_network(&self, id: &str) -> Result<()> {
        self.take_away(&format!("remove the network {id}"), self.client.remove_network(id))
    }

    fn remove_volume(&self, name: &str) -> Result<()> {
        self.take_away(&format!("remove the volume {name}"), self.client.remove_volume(name, None::<query::RemoveVolumeOptions>))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_not_there_is_told_by_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("unix://{}/no.sock", folder.path().display());
        let error = Docker::at(&url, false).and_then(|docker| docker.info()).err().unwrap();
        assert!(error.what.ends_with(&format!("the engine at {url}")), "{error}");
        assert!(error.why.unwrap().contains("no.sock"));
        let refusing = folder.path().join("refusing.sock");
        drop(std::os::unix::net::UnixListener::bind(&refusing).unwrap());
        let error = Docker::at(&format!("unix://{}", refusing.display()), false).and_then(|docker| docker.info()).err().unwrap();
        assert!(error.why.unwrap().contains("Connection refused"));
        assert!(error.help.unwrap().contains("docker version"));
        assert_eq!(Docker::at("ssh://host", false).err().unwrap().kind, crate::error::Kind::Unusable);
        assert_eq!(Docker::at("tcp://host:2376", true).err().unwrap().kind, crate::error::Kind::Unusable);
    }
}
