//! What of a stack is backed up, and how: by labels, by what the catalogue knows of an image, by what runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::adapters::adapter;
use super::manifest::User;
use super::wish::{LABEL, Wish};
use crate::catalogue::server_kind;
use crate::engine::Container;
use crate::error::{Error, Result};

/// What [`LABEL`] may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Not at all.
    Off,
    /// By the server's own client.
    Dump,
    /// As files, while the containers that write to them are paused.
    Archive,
    /// As files, while those are stopped.
    Stop,
    /// As files, while they write: files may not fit each other.
    ArchiveHot,
}

impl How {
    pub fn of(word: &str) -> Option<How> {
        match word {
            "off" => Some(How::Off),
            "dump" => Some(How::Dump),
            "archive" => Some(How::Archive),
            "stop" => Some(How::Stop),
            "archive-hot" => Some(How::ArchiveHot),
            _ => None,
        }
    }
}

/// One server whose client writes a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedDump {
    pub service: String,
    pub container: String,
    /// The kind of its adapter.
    pub adapter: String,
    pub image: String,
    pub image_id: String,
    /// What its scripts are told besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// One volume that is copied file by file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedCopy {
    pub volume: String,
    /// Containers that could write to it meanwhile: any of the engine's.
    pub writers: Vec<Writer>,
    pub way_to_be_quiet: Pause,
    pub users: Vec<User>,
    /// A container that has it, and where: the engine reads it from there.
    pub from: Option<(String, String)>,
    /// Where none has it, one is made of this image.
    pub image: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pause {
    Pause,
    Stop,
    /// They go on.
    Hot,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    pub id: String,
    pub name: String,
    /// For how long it may end by itself, in milliseconds.
    pub grace_ms: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// By service.
    pub dumps: Vec<WantedDump>,
    /// By volume.
    pub copies: Vec<WantedCopy>,
    /// Complete sentences.
    pub left_out: Vec<String>,
}

/// What there is to choose from.
pub struct Given<'g> {
    /// The stack's containers, running or not.
    pub containers: &'g [Container],
    /// Every running container of the engine.
    pub running: &'g [Container],
    /// The names of volumes that the files name, and that exist; and an image for those that no container has.
    pub volumes: &'g BTreeMap<String, Option<String>>,
    /// Only these services, when it names any.
    pub only: &'g [String],
    /// What the settings say of services; their labels win.
    pub wishes: &'g BTreeMap<String, Wish>,
}

/// # Errors
/// `Unusable`: a label says something unknown, or wants a dump of what nobody can dump.
pub fn choose(given: &Given<'_>) -> Result<Choice> {
    let mut choice = Choice::default();
    let mut covered: BTreeSet<String> = BTreeSet::new();
    let mut wanted: BTreeMap<String, How> = BTreeMap::new();
    for container in given.containers.iter().filter(|one| given.only.is_empty() || given.only.iter().any(|only| only == one.service())) {
        let wish = given.wishes.get(container.service()).cloned().unwrap_or_default().with_labels(&container.labels);
        let label = how(container, &wish)?;
        if label == Some(How::Off) {
            choice.left_out.push(format!("{}: its label {LABEL} says off", container.service()));
            covered.extend(volumes(container).map(|(name, _)| name.to_string()));
            continue;
        }
        if let Some(dump) = dump_of(container, label, &wish, &mut choice.left_out)? {
            let known = server_kind(&container.image).and_then(|kind| kind.container(&container.image));
            // A file is only a part of its volume, which is copied as well.
            let data: &[String] = known.filter(|_| dump.adapter != "sqlite").map_or(&[], |known| known.data.as_slice());
            let is_data = |at: &str| data.iter().any(|data| at == data || data.starts_with(&format!("{at}/")));
            covered.extend(volumes(container).filter(|(_, at)| is_data(at)).map(|(name, _)| name.to_string()));
            if !choice.dumps.iter().any(|one| one.service == dump.service) {
                choice.dumps.push(dump);
            }
        }
        for (name, at) in volumes(container) {
            if is_anonymous(name) && !given.volumes.contains_key(name) {
                choice.left_out.push(format!("{}: the volume at {at} has no name, so nothing else can have it", container.service()));
            } else {
                let how = label.filter(|how| *how != How::Dump).unwrap_or(How::Archive);
                // Of several services, who asks for more decides: stopped, paused, hot.
                let one = wanted.entry(name.to_string()).or_insert(how);
                *one = if rank(how) > rank(*one) { how } else { *one };
            }
        }
        for bind in container.mounts.iter().filter(|mount| mount.kind == "bind" && mount.writable) {
            choice.left_out.push(format!("{}: {} is a folder of the host, not a volume", container.service(), bind.source));
        }
    }
    if given.only.is_empty() {
        wanted.extend(given.volumes.keys().filter(|name| !has(given.containers, name)).map(|name| (name.clone(), How::Archive)));
    }
    wanted.retain(|name, _| !covered.contains(name));
    choice.copies = wanted.into_iter().map(|(name, how)| copy_of(given, name, how)).collect();
    choice.dumps.sort_by_key(|dump| super::segment(&dump.service));
    choice.copies.sort_by_key(|copy| super::segment(&copy.volume));
    choice.left_out.sort();
    choice.left_out.dedup();
    Ok(choice)
}

fn how(container: &Container, wish: &Wish) -> Result<Option<How>> {
    let Some(word) = &wish.how else { return Ok(None) };
    How::of(word).map(Some).ok_or_else(|| {
        Error::unusable(format!("{LABEL} of {} says `{word}`", container.service()))
            .help("it may say off, dump, archive, stop or archive-hot")
    })
}

/// A server that does not run has no client to ask; its files are at rest, and copied.
fn dump_of(container: &Container, label: Option<How>, wish: &Wish, left_out: &mut Vec<String>) -> Result<Option<WantedDump>> {
    let (service, named) = (container.service(), wish.named(container.service())?);
    if named.is_none() && !matches!(label, None | Some(How::Dump)) {
        return Ok(None);
    }
    let asked = label == Some(How::Dump) || named.is_some();
    let (kind, options) = named.unwrap_or_default();
    let known =
        || server_kind(&container.image).and_then(|kind| adapter(&kind.kind)).filter(|known| asked || known.serves(&container.argv));
    let found = if kind.is_empty() { known() } else { adapter(kind) };
    match found {
        None if asked => Err(Error::unusable(format!("{service} is to be dumped, but {} is no server that can be", container.image))
            .help(format!("let its label {LABEL} say archive or stop"))),
        None => Ok(None),
        Some(_) if container.state.status != crate::engine::Status::Running => {
            if asked {
                return Err(Error::refused(format!("dump {service}"))
                    .why("it does not run")
                    .help("start it, or let its label say archive"));
            }
            // Nobody can pause one between two starts.
            left_out.push(match container.state.status {
                crate::engine::Status::Restarting => {
                    format!(
                        "{service}: it is started again and again, so its files are copied instead of dumped, and may not fit each other"
                    )
                }
                _ => format!("{service}: it does not run, so its files are copied instead of dumped"),
            });
            Ok(None)
        }
        Some(adapter) => Ok(Some(WantedDump {
            service: service.to_string(),
            container: container.id.clone(),
            adapter: adapter.kind.to_string(),
            image: container.image.clone(),
            image_id: container.image_id.clone(),
            options,
        })),
    }
}

fn copy_of(given: &Given<'_>, volume: String, how: How) -> WantedCopy {
    let mounts = |container: &Container| -> Vec<(String, bool)> {
        let of_it = container.mounts.iter().filter(|mount| mount.kind == "volume" && mount.name == volume);
        of_it.map(|mount| (mount.destination.clone(), mount.writable)).collect()
    };
    let writes = |container: &&Container| mounts(container).iter().any(|(_, writable)| *writable);
    let writer = |container: &Container| Writer {
        id: container.id.clone(),
        name: container.name.clone(),
        grace_ms: u64::try_from(container.stop_grace.as_millis()).unwrap_or(u64::MAX),
    };
    let mut users: Vec<User> = Vec::new();
    for container in given.containers {
        for (destination, writable) in mounts(container) {
            let user = User { service: container.service().to_string(), destination, writable };
            if !users.contains(&user) {
                users.push(user);
            }
        }
    }
    let all = given.containers.iter().chain(given.running);
    let from = all.clone().find_map(|container| Some((container.id.clone(), mounts(container).first()?.0.clone())));
    WantedCopy {
        writers: given.running.iter().filter(writes).map(writer).collect(),
        way_to_be_quiet: match how {
            How::Stop => Pause::Stop,
            How::ArchiveHot => Pause::Hot,
            _ => Pause::Pause,
        },
        users,
        from,
        image: given.volumes.get(&volume).cloned().flatten(),
        volume,
    }
}

fn rank(how: How) -> u8 {
    match how {
        How::Off | How::Dump => 0,
        How::ArchiveHot => 1,
        How::Archive => 2,
        How::Stop => 3,
    }
}

fn volumes(container: &Container) -> impl Iterator<Item = (&str, &str)> {
    container.mounts.iter().filter(|mount| mount.kind == "volume").map(|mount| (mount.name.as_str(), mount.destination.as_str()))
}

fn has(containers: &[Container], volume: &str) -> bool {
    containers.iter().any(|container| volumes(container).any(|(name, _)| name == volume))
}

/// As engines name them: 64 digits.
fn is_anonymous(volume: &str) -> bool {
    volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}
