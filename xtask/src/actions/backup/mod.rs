//! The steps that make a backup: a repository where there is none, the backup itself, and the step that makes it
//! count.

mod copy;
mod dump;
mod exchange;
mod fill;
mod fill_beside;
mod forget;
mod hashed;
mod lay;
mod load;
mod publish;
mod quiet;
mod read_back;
mod refill;
mod repository;
mod revive;
mod scan;
mod verify;

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::World;
use super::save_release::Shelf;
use crate::backup::{File, MANIFEST, Manifest, Pause, Place, Repository, Summary, VERSION, WantedCopy, WantedDump, Way, Writer, hex};
use crate::engine::remove::remove_run;
use crate::error::{Error, Kind, Result};
use crate::saga::Sha;

pub(super) use copy::copy;
pub use exchange::{DropReplaced, Exchange};
pub(super) use fill::{any_image, fill, held};
pub use fill_beside::{FillBeside, Like, Reload};
pub use forget::{ForgetBackups, PruneRepository};
pub(super) use hashed::Hashed;
pub use lay::{Laid, LaidServer, LayBeside};
pub use load::{Revived, recount};
pub use publish::PublishBackup;
pub use quiet::Quieted;
pub use read_back::{ReadBack, Reading};
pub use refill::Refill;
pub use repository::MakeRepository;
pub(super) use verify::take_away;
pub use verify::{NoteVerified, VerifyBackup};

/// Larger files are no configuration.
const LARGEST_FILE: u64 = 64 << 20;

/// Writes one backup of one stack, which does not count yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeBackup {
    pub place: Place,
    /// As far as it is known before.
    pub summary: Summary,
    pub dumps: Vec<WantedDump>,
    pub copies: Vec<WantedCopy>,
    /// Below the project's root, by name.
    pub files: Vec<PathBuf>,
    pub release: Option<(Shelf, String)>,
    /// Versions of the engine and of Compose.
    pub engine: String,
    pub compose: String,
    pub git_commit: Option<String>,
    /// With checksums of what is in the tables.
    #[serde(default)]
    pub deep: bool,
    /// Reading also what is unchanged.
    #[serde(default)]
    pub full: bool,
}

/// Takes out of the repository what a run has put there. A disk, a server or a key that is gone does not keep the run open,
/// and with it everything else from being done: what is not finished is never listed, and a later backup takes it out.
pub(super) fn take_out(world: &World, place: &Place, what: impl FnOnce(&Repository) -> Result<()>) {
    let taken_out = Repository::exists(place).and_then(|there| if there { what(&Repository::open(place)?) } else { Ok(()) });
    if let Err(error) = taken_out {
        world.warn(format!("what run {} has stored stays in {} for now: {error}", world.run, place.location));
    }
}

impl TakeBackup {
    pub fn label(&self) -> String {
        format!("back up {}", self.summary.stack)
    }

    /// Everybody who may be paused or stopped for it.
    pub fn prepare(&self, world: &World) -> Result<Vec<Quieted>> {
        world.live()?;
        let mut quieted: Vec<Quieted> = Vec::new();
        for copy in self.copies.iter().filter(|copy| copy.way_to_be_quiet != Pause::Hot) {
            for writer in &copy.writers {
                let stop = copy.way_to_be_quiet == Pause::Stop;
                match quieted.iter_mut().find(|one| one.id == writer.id) {
                    Some(one) => one.stop |= stop,
                    None => quieted.push(Quieted { id: writer.id.clone(), name: writer.name.clone(), stop, grace_ms: writer.grace_ms }),
                }
            }
        }
        Ok(quieted)
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let began = Instant::now();
        let repository = Repository::open(&self.place)?;
        let mut manifest = self.blank(world);
        let total = repository.backup(&self.summary, self.full, |writer| {
            for dump in &self.dumps {
                let dumps = dump::dump(world, dump, self.deep, writer, &mut manifest.left_out)?;
                manifest.dumps.extend(dumps);
            }
            self.write_files(world, writer, &mut manifest)?;
            self.write_release(world, writer)?;
            for wanted in &self.copies {
                manifest.volumes.push(copy::copy(world, wanted, writer)?);
            }
            writer.file(MANIFEST, 0o600, to_bytes(&manifest)?)
        })?;
        // Containers that volumes were read from, because none of the stack's had them.
        remove_run(world.live()?.engine.as_ref(), world.run.as_str())?;
        let all_direct = manifest.volumes.iter().all(|copied| copied.way == Way::Direct);
        let summary = Summary {
            machine: self.summary.machine.clone().filter(|_| all_direct),
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            bytes: total.bytes,
            left_out: manifest.left_out.clone(),
            ..self.summary.clone()
        };
        world.backups.borrow_mut().insert(summary.name.clone(), summary);
        Ok(())
    }

    /// Nobody stays paused or stopped, nothing stays on the engine, and no half of a backup in the repository.
    pub fn undo(&self, world: &World, quieted: &[Quieted]) -> Result<()> {
        quiet::resume_all(world, quieted)?;
        verify::take_away(world)?;
        // What counts already is the business of the step that made it count.
        take_out(world, &self.place, |repository| repository.delete_pending(world.run.as_str()));
        Ok(())
    }

    fn blank(&self, world: &World) -> Manifest {
        Manifest {
            version: VERSION,
            name: self.summary.name.clone(),
            stack: self.summary.stack.clone(),
            project: self.summary.project.clone(),
            run: self.summary.run.clone(),
            at_ms: self.summary.at_ms,
            xtask: env!("CARGO_PKG_VERSION").to_string(),
            engine: self.engine.clone(),
            compose: self.compose.clone(),
            root: world.root.clone(),
            git_commit: self.git_commit.clone(),
            release: self.summary.release.clone(),
            dumps: Vec::new(),
            volumes: Vec::new(),
            files: Vec::new(),
            images: Vec::new(),
            left_out: self.summary.left_out.clone(),
        }
    }

    fn write_files(&self, world: &World, writer: &mut Writer, manifest: &mut Manifest) -> Result<()> {
        for path in &self.files {
            go_on(world)?;
            let from = world.root.join(path);
            let meta = std::fs::metadata(&from).map_err(|error| Error::io("look at", &from, error))?;
            if !meta.is_file() || meta.len() > LARGEST_FILE {
                manifest.left_out.push(format!("{}: it is too large, or no plain file", path.display()));
                continue;
            }
            let Some(name) = path.to_str() else {
                manifest.left_out.push(format!("{}: its name is not UTF-8", path.display()));
                continue;
            };
            let content = std::fs::read(&from).map_err(|error| Error::io("read", &from, error))?;
            let at = format!("/files/{name}");
            let sha256 = Sha::of(&content).as_str().to_string();
            manifest.files.push(File { path: path.clone(), at: at.clone(), bytes: content.len() as u64, sha256 });
            writer.file(&at, std::os::unix::fs::PermissionsExt::mode(&meta.permissions()), content)?;
        }
        Ok(())
    }

    /// The current release, as far as it can be read by people: its record, and the model that it ran.
    fn write_release(&self, world: &World, writer: &mut Writer) -> Result<()> {
        let Some((shelf, id)) = &self.release else { return Ok(()) };
        let releases = shelf.open(world)?;
        let release = releases.get(id)?;
        if let Some(model) = &release.model {
            writer.file("/release/model.json", 0o600, releases.blobs(id)?.get(model)?)?;
        }
        writer.file("/release/release.json", 0o600, to_bytes(&release)?)
    }
}

pub(super) fn to_bytes(data: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(data).map_err(|error| Error::failed("write down what is in the backup").why(error.to_string()))
}

/// Asked between the pieces of what takes long.
pub(super) fn go_on(world: &World) -> Result<()> {
    if world.cancel.requested() { Err(Error::new(Kind::Interrupted, "interrupted")) } else { Ok(()) }
}

/// What the words begin with by which a script marks its lines.
const MARK: &str = "xtask-mark-";

/// A word that nobody else says.
fn mark(world: &World, what: &str) -> String {
    let mut random = [0_u8; 16];
    // Without it, the run's name is hard enough to guess for a program that does not mean to.
    let _ = std::fs::File::open("/dev/urandom").and_then(|mut source| std::io::Read::read_exact(&mut source, &mut random));
    format!("{MARK}{}-{}", hex(&random), &Sha::of(format!("{} {what}", world.run).as_bytes()).as_str()[..8])
}
