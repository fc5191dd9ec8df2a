//! A stack to be thrown away: a web server that takes a while to start, nginx in front of it, and its
//! releases, good and bad. All of one image; what a release does, its tag says.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use super::client::ask;
use super::{Options, Release};
use crate::cancel::Cancel;
use crate::engine::compose::{Compose, ComposeCall};
use crate::engine::wait::{Waited, until_well};
use crate::engine::{Container, Engine};
use crate::error::{Error, Kind, Result};
use crate::secret::Masker;
use crate::tasks::bench::inputs::Scratch;

const SERVICE: &str = "web";
const PROXY: &str = "front";
const PROJECT: &str = "com.docker.compose.project";
/// What a release that becomes ill later has served by then.
const WELL_SECS: u64 = 3;
/// What the first release gets to answer through the proxy.
const FIRST_ANSWER: Duration = Duration::from_secs(20);
pub const STARTING: Duration = Duration::from_secs(120);

/// SIGQUIT lets nginx end what it has begun. The proxy asks for the address of `web` at most every second
/// and tries another one when one does not answer or is not ready.
const STACK: &str = r#"name: PROJECT
services:
  front:
    image: PROJECT/front:v1
    entrypoint: []
    command:
      - sh
      - -c
      - |
        cat > /etc/nginx/conf.d/default.conf <<'END'
        resolver 127.0.0.11 valid=1s ipv6=off;
        server {
          listen 80;
          access_log off;
          location = /up { return 200; }
          location / {
            set $$web http://web:8080;
            proxy_pass $$web;
            proxy_connect_timeout 1s;
            proxy_next_upstream error timeout http_502 http_503;
          }
        }
        END
        exec nginx -g 'daemon off;'
    ports: ["PORT:80"]
    restart: unless-stopped
    stop_signal: SIGQUIT
    healthcheck:
      test: [CMD-SHELL, 'curl -fsS http://127.0.0.1/up || wget -qO- http://127.0.0.1/up']
      interval: 2s
      timeout: 5s
      retries: 15
  web:
    image: PROJECT/web:${TAG:?the release}
    entrypoint: []
    command:
      - sh
      - -c
      - |
        sleep START
        case ${TAG} in bad-crash) echo 'it falls over'; exit 3 ;; bad-ill) says='503 ill' ;; *) says='200 ${TAG}' ;; esac
        serve() { echo "server { listen 8080; access_log off; location / { return $$1; } }" > /etc/nginx/conf.d/default.conf; }
        serve "$$says"
        if [ ${TAG} = bad-later ]; then (sleep LATER; serve '503 ill'; nginx -s reload) & fi
        exec nginx -g 'daemon off;'
    stop_signal: SIGQUIT
    stop_grace_period: 5s
    healthcheck:
      test: [CMD-SHELL, 'curl -fsS http://127.0.0.1:8080/health || wget -qO- http://127.0.0.1:8080/health']
      interval: 1s
      timeout: 2s
      retries: 2
      start_period: PERIODs
"#;

/// What all cases share.
pub struct Yard<'a> {
    pub engine: &'a dyn Engine,
    pub compose: &'a Compose,
    pub options: &'a Options,
    pub scratch: &'a Scratch,
    pub cancel: &'a Cancel,
    /// The id of the image.
    pub image: String,
}

/// The stack, running its first release. It goes when this is dropped, whatever has become of it.
pub struct Shop<'a> {
    pub yard: &'a Yard<'a>,
    pub project: String,
    pub address: SocketAddr,
    pub call: ComposeCall,
}

impl<'a> Shop<'a> {
    /// Waits until the first release answers through the proxy.
    pub fn open(yard: &'a Yard<'a>, number: usize, strategy: &str) -> Result<Shop<'a>> {
        let project = format!("xtask-bench-{}-{number}", std::process::id());
        let port = free_port()?;
        let host = yard.options.host.as_str();
        let nowhere = || Error::unusable(format!("find the address of {host}")).help("--host says where published ports answer");
        let address = (host, port).to_socket_addrs().map_err(|error| nowhere().why(error.to_string()))?.next().ok_or_else(nowhere)?;
        let below = Path::new(&project);
        let start = yard.options.start;
        let text = STACK
            .replace("PROJECT", &project)
            .replace("PORT", &port.to_string())
            .replace("START", &start.to_string())
            .replace("LATER", &WELL_SECS.to_string())
            .replace("PERIOD", &(start + 3).to_string());
        let file = yard.scratch.write(&below.join("compose.yaml"), text.as_bytes())?;
        let settings = format!(
            "stacks:\n  shop:\n    files: [compose.yaml]\n    role: prod\n    deploy:\n      settle: {}\n      strategy: {{{SERVICE}: \
             {strategy}}}\n      proxy: {{{SERVICE}: {PROXY}}}\n",
            yard.options.settle
        );
        yard.scratch.write(&below.join("xtask.yaml"), settings.as_bytes())?;
        let call = ComposeCall { files: vec![file], cwd: Some(yard.scratch.root.join(below)), ..ComposeCall::default() };
        let shop = Shop { yard, project, address, call };
        yard.engine.tag(&yard.image, &format!("{}/{PROXY}:v1", shop.project))?;
        for tag in Release::ALL.map(Release::tag).into_iter().chain([Release::FIRST]) {
            yard.engine.tag(&yard.image, &format!("{}/{SERVICE}:{tag}", shop.project))?;
        }
        if shop.up(Release::FIRST)? != Some(0) {
            return Err(Error::failed("start the first release").why(shop.logs()));
        }
        shop.until_answered()?;
        Ok(shop)
    }

    /// The call with this release's tag.
    pub fn at(&self, tag: &str) -> ComposeCall {
        ComposeCall { env: vec![("TAG".to_string(), tag.to_string())], ..self.call.clone() }
    }

    /// `docker compose up --detach --wait`, as people type it; its exit code.
    pub fn up(&self, tag: &str) -> Result<Option<i32>> {
        self.yard.compose.up_and_wait(&self.at(tag), STARTING, self.yard.cancel)
    }

    /// The containers that serve or shall serve.
    pub fn web(&self) -> Result<Vec<Container>> {
        let labels = [(PROJECT, self.project.as_str()), ("com.docker.compose.service", SERVICE)];
        let listed = self.yard.engine.containers(&labels)?;
        listed.iter().filter_map(|one| self.yard.engine.container(&one.id).transpose()).collect()
    }

    /// How long the service takes from its start until the engine calls it healthy.
    pub fn health_path(&self) -> Result<Duration> {
        let web = self.web()?;
        let ids: Vec<String> = web.iter().map(|one| one.id.clone()).collect();
        for one in &web {
            self.yard.engine.stop(&one.id, one.stop_grace)?;
        }
        let started = Instant::now();
        for id in &ids {
            self.yard.engine.start(id)?;
        }
        match until_well(self.yard.engine, &ids, Duration::ZERO, &Masker::default(), self.yard.cancel)? {
            Waited::Well(_) => Ok(started.elapsed()),
            Waited::Unwell(_) => Err(Error::failed("start the first release again").why(self.logs())),
        }
    }

    /// The first release, through the proxy.
    pub fn until_answered(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let said = match ask(self.address) {
                Ok((200, by)) if by == Release::FIRST => return Ok(()),
                Ok((status, _)) => format!("it answers with {status}"),
                Err(error) => error.to_string(),
            };
            if self.yard.cancel.requested() {
                return Err(Error::new(Kind::Interrupted, "start the first release").why("interrupted"));
            }
            if began.elapsed() > FIRST_ANSWER {
                let help = "published ports of another machine's engine answer there: --host ADDRESS";
                return Err(Error::failed(format!("reach the first release at {}", self.address)).why(said).help(help));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn logs(&self) -> String {
        let containers = self.web().unwrap_or_default();
        let logs = containers.iter().filter_map(|one| self.yard.engine.logs(&one.id, 10).ok());
        logs.collect::<Vec<_>>().join("\n")
    }

    fn remove(&self) -> Result<()> {
        let engine = self.yard.engine;
        let label = [(PROJECT, self.project.as_str())];
        for container in engine.containers(&label)? {
            engine.remove_container(&container.id)?;
        }
        for network in engine.networks(&label)? {
            engine.remove_network(&network.id)?;
        }
        // Also the names by which releases hold them.
        for prefix in [format!("{}/", self.project), format!("xtask.local/{}/", self.project)] {
            for image in engine.images(&prefix)? {
                for tag in image.tags.iter().filter(|tag| tag.starts_with(&prefix)) {
                    engine.untag(tag)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Shop<'_> {
    fn drop(&mut self) {
        // Whoever can be told has been told of what went wrong before; what stays carries the bench's name.
        let _ = self.remove();
    }
}

/// A port of this machine that nobody has; the engine's may differ, and then says so itself.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| Error::failed("find a free port").why(error.to_string()))
}
