//! A project to be thrown away: a volume full of files, and a database that reaches nobody.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::data::Data;
use crate::backup::SETTLED;
use crate::cancel::Cancel;
use crate::engine::compose::{Compose, ComposeCall};
use crate::engine::{Container, Engine, Exec};
use crate::error::{Error, Result};
use crate::secret::Masker;
use crate::tasks::bench::inputs::Scratch;

const STARTING: Duration = Duration::from_secs(180);
const FILLING: Duration = Duration::from_secs(900);
const PROJECT: &str = "com.docker.compose.project";
/// The bytes of one row, nearly.
const ROW: usize = 1000;

/// Whoever has the files does nothing; both images are the same, so that nothing else is needed.
const STACK: &str = "name: PROJECT
services:
  SERVICE:
    image: IMAGE
    network_mode: none
    stop_signal: SIGKILL
";
const FILES: &str = "    entrypoint: [sleep, infinity]
    labels: {xtask.backup: archive}
    volumes: ['data:/data']
volumes: {data: }
";
const DATABASE: &str = "    environment: {POSTGRES_HOST_AUTH_METHOD: trust}
    volumes: ['data:/var/lib/postgresql/data']
    healthcheck: {test: [CMD-SHELL, 'psql -h 127.0.0.1 -U postgres -c \"select 1\"'], interval: 1s, timeout: 5s, retries: 120}
volumes: {data: }
";

pub struct Yard<'a> {
    pub engine: &'a dyn Engine,
    pub scratch: &'a Scratch,
    pub data: Data,
    /// The volume of the files, and its folder on this machine.
    pub volume: String,
    pub folder: PathBuf,
    pub database_bytes: u64,
    /// When the files were written.
    written: Instant,
    projects: [String; 2],
}

/// The ids of the stacks.
pub const STACKS: [&str; 2] = ["files", "db"];

impl<'a> Yard<'a> {
    /// # Errors
    /// `Unusable`: the engine's volumes are not this machine's, or this user's to write.
    pub fn open(
        engine: &'a dyn Engine,
        compose: &Compose,
        scratch: &'a Scratch,
        image: &str,
        bytes: usize,
        cancel: &Cancel,
    ) -> Result<Yard<'a>> {
        let projects = STACKS.map(|stack| format!("xtask-bench-{}-{stack}", std::process::id()));
        let volume = format!("{}_data", projects[0]);
        // From here on it is taken away again, whatever happens.
        let mut yard = Yard {
            engine,
            scratch,
            data: Data::default(),
            volume,
            folder: PathBuf::new(),
            database_bytes: 0,
            written: Instant::now(),
            projects,
        };
        yard.scratch.write(Path::new("xtask.yaml"), SETTINGS.as_bytes())?;
        for ((stack, project), rest) in STACKS.iter().zip(&yard.projects).zip([FILES, DATABASE]) {
            let text = (STACK.to_string() + rest).replace("PROJECT", project).replace("SERVICE", stack).replace("IMAGE", image);
            let file = scratch.write(Path::new(&format!("{stack}.yaml")), text.as_bytes())?;
            let call = ComposeCall { files: vec![file], cwd: Some(scratch.root.clone()), ..ComposeCall::default() };
            if compose.up_and_wait(&call, STARTING, cancel)? != Some(0) {
                return Err(Error::failed(format!("start {stack}")).why(yard.logs(stack)));
            }
        }
        let mountpoint = engine.volume(&yard.volume)?.map(|volume| PathBuf::from(volume.mountpoint)).unwrap_or_default();
        if nix::unistd::access(&mountpoint, nix::unistd::AccessFlags::W_OK).is_err() {
            return Err(Error::unusable(format!("write to the volume in {}", mountpoint.display()))
                .why("restic is measured on the same files, so they must be reached without the engine")
                .help("run it on the engine's machine, as a user who may write to its volumes"));
        }
        yard.folder = mountpoint;
        yard.data = Data::write(&yard.folder, bytes)?;
        yard.written = Instant::now();
        yard.fill(bytes, cancel)?;
        Ok(yard)
    }

    /// Most files of a volume have been at rest for long, and what is not is read twice.
    pub fn settle(&self) {
        std::thread::sleep((SETTLED + Duration::from_secs(1)).saturating_sub(self.written.elapsed()));
    }

    pub fn container(&self, stack: &str) -> Result<Container> {
        let project = format!("xtask-bench-{}-{stack}", std::process::id());
        let listed = self.engine.containers(&[(PROJECT, project.as_str())])?;
        let found = listed.first().map(|one| self.engine.container(&one.id)).transpose()?.flatten();
        found.ok_or_else(|| Error::failed(format!("find the container of {stack}")))
    }

    pub fn project(&self, stack: usize) -> &str {
        &self.projects[stack]
    }

    fn fill(&mut self, bytes: usize, cancel: &Cancel) -> Result<()> {
        let rows = (bytes / ROW).max(1);
        let sql = format!(
            "create table items as select i, (select string_agg(md5((i * 31 + j)::text), '') from generate_series(1, {}) j) note \
             from generate_series(1, {rows}) i; analyze items; select pg_total_relation_size('items')",
            ROW / 32
        );
        cancel.now("filling the database");
        let said = self.in_database(&["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-c", &sql])?;
        self.database_bytes = said.trim().parse().unwrap_or_default();
        Ok(())
    }

    fn in_database(&self, argv: &[&str]) -> Result<String> {
        let masker = Masker::default();
        let argv: Vec<String> = argv.iter().map(|word| word.to_string()).collect();
        let exec = Exec { argv, env: Vec::new(), stdin: None, deadline: FILLING, masker: &masker };
        let said = self.engine.exec(&self.container(STACKS[1])?.id, &exec)?;
        if said.code == 0 { Ok(said.output) } else { Err(Error::failed("fill the database").why(said.output)) }
    }

    fn logs(&self, stack: &str) -> String {
        self.container(stack).and_then(|one| self.engine.logs(&one.id, 10)).unwrap_or_default()
    }

    fn remove(&self) -> Result<()> {
        for project in &self.projects {
            let label = [(PROJECT, project.as_str())];
            for container in self.engine.containers(&label)? {
                self.engine.remove_container(&container.id)?;
            }
            for volume in self.engine.volumes(&label)? {
                self.engine.remove_volume(&volume.name)?;
            }
        }
        Ok(())
    }
}

impl Drop for Yard<'_> {
    fn drop(&mut self) {
        // Whoever can be told has been told of what went wrong before; what stays carries the bench's name.
        let _ = self.remove();
    }
}

const SETTINGS: &str = "stacks:
  files: {files: [files.yaml], deploy: {settle: 0}}
  db: {files: [db.yaml], deploy: {settle: 0}}
";
