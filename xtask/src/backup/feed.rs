//! What the repository reads while a backup is made: entries that one thread writes and another stores.
//!
//! The library below only logs a source that cannot be read, and stores the rest. So every body counts what was
//! taken from it, and what is amiss is noted where the backup looks before it counts.

use std::ffi::OsStr;
use std::fs;
use std::io::{Cursor, Error as IoError, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};
use rustic_core::{ReadSource, ReadSourceEntry, RusticResult};
use serde_json::json;

use super::tar::{Header, Kind};
use crate::error::Result;

pub type Item = ReadSourceEntry<Body>;

/// What both threads know of each other.
#[derive(Clone, Default)]
pub struct Shared(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    /// What was amiss, sentence by sentence.
    trouble: Vec<String>,
    /// Files of this machine that are still to be read.
    unread: usize,
    stopped: bool,
}

/// How long the wish to stop may go unseen.
const TURN: Duration = Duration::from_millis(200);

impl Shared {
    pub fn note(&self, what: String) {
        self.lock().trouble.push(what);
    }

    /// What was amiss first.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.first().cloned()
    }

    /// Waits until every file of this machine that was handed over is read. Something else must have been handed
    /// over after the last of them: the library holds one entry back until it has the next. `go_on` is asked again
    /// and again; its error ends the waiting and the reading.
    pub fn wait_until_read(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        let mut state = self.lock();
        while state.unread > 0 {
            state = self.0.1.wait_timeout(state, TURN).unwrap_or_else(PoisonError::into_inner).0;
            if let Err(error) = go_on() {
                state.stopped = true;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Nothing is read any more: the backup has failed.
    pub fn stop(&self) {
        self.lock().stopped = true;
    }

    fn count(&self, add: bool) {
        let mut state = self.lock();
        state.unread = if add { state.unread + 1 } else { state.unread - 1 };
        self.0.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands on what is sent, in its order.
pub struct Feed(Mutex<Option<Receiver<Item>>>);

impl Feed {
    pub fn new(receive: Receiver<Item>) -> Self {
        Feed(Mutex::new(Some(receive)))
    }
}

impl ReadSource for Feed {
    type Open = Body;
    type Iter = Items;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Items {
        Items(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

pub struct Items(Option<Receiver<Item>>);

impl Iterator for Items {
    type Item = RusticResult<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.as_ref()?.recv().ok().map(Ok)
    }
}

/// The content of one file, of a size that is known before.
pub struct Body {
    from: From,
    path: PathBuf,
    size: u64,
    seen: u64,
    /// Its content may be known from the backup before: then nobody reads it.
    may_be_known: bool,
    shared: Shared,
}

enum From {
    Memory(Cursor<Vec<u8>>),
    /// A file without a name, from its beginning.
    Spooled(fs::File),
    /// A file that is opened when it is its turn.
    Disk(PathBuf, Option<fs::File>),
}

impl Body {
    pub fn memory(path: &Path, content: Vec<u8>, shared: &Shared) -> Body {
        let size = content.len() as u64;
        Body::new(From::Memory(Cursor::new(content)), path, size, shared)
    }

    /// What is too large for memory: the library holds an entry back until it has the next, so whoever reads an
    /// archive must be past an entry before the library has read it.
    pub fn spooled(path: &Path, file: fs::File, size: u64, shared: &Shared) -> Body {
        Body::new(From::Spooled(file), path, size, shared)
    }

    pub fn disk(path: &Path, file: PathBuf, size: u64, may_be_known: bool, shared: &Shared) -> Body {
        shared.count(true);
        let mut body = Body::new(From::Disk(file, None), path, size, shared);
        body.may_be_known = may_be_known;
        body
    }

    fn new(from: From, path: &Path, size: u64, shared: &Shared) -> Body {
        Body { from, path: path.to_path_buf(), size, seen: 0, may_be_known: false, shared: shared.clone() }
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.shared.lock().stopped {
            return Err(IoError::other("the backup was stopped"));
        }
        let read = match &mut self.from {
            From::Memory(content) => content.read(into),
            From::Spooled(file) => file.read(into),
            From::Disk(_, Some(file)) => file.read(into),
            From::Disk(path, opened) => fs::File::open(path).and_then(|file| opened.insert(file).read(into)),
        };
        match read {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                self.shared.note(format!("{} could not be read: {error}", self.path.display()));
                Err(error)
            }
            Ok(0) if !into.is_empty() && self.seen != self.size => {
                self.shared.note(format!("{} has {} bytes, of which {} were read", self.path.display(), self.size, self.seen));
                Err(IoError::from(ErrorKind::UnexpectedEof))
            }
            other => {
                self.seen += *other.as_ref().unwrap_or(&0) as u64;
                if self.seen > self.size {
                    self.shared.note(format!("{} has grown while it was read", self.path.display()));
                    return Err(IoError::from(ErrorKind::InvalidData));
                }
                other
            }
        }
    }
}

/// A body that nobody has read to its end was not stored, unless its content was known.
impl Drop for Body {
    fn drop(&mut self) {
        if self.seen != self.size && !(self.may_be_known && self.seen == 0) {
            self.shared.note(format!("{} was not stored", self.path.display()));
        }
        if let From::Disk(..) = self.from {
            self.shared.count(false);
        }
    }
}

/// A file that we make ourselves.
pub fn plain(path: &Path, size: u64, mode: u32, at_ms: u64) -> Node {
    let mtime = Timestamp::from_millisecond(i64::try_from(at_ms).unwrap_or_default()).ok();
    node(path, NodeType::File, Metadata { mode: Some(mode & 0o777), mtime, size, links: 1, ..Metadata::default() })
}

/// An entry of a tar archive.
pub fn of_header(path: &Path, header: &Header) -> Node {
    let (kind, bits) = match &header.kind {
        Kind::File | Kind::HardLink(_) => (NodeType::File, 0),
        Kind::Symlink(target) => (NodeType::from_link(Path::new(OsStr::from_bytes(target))), 1 << 27),
        Kind::CharDevice(device) => (NodeType::Chardev { device: *device }, 1 << 26 | 1 << 21),
        Kind::BlockDevice(device) => (NodeType::Dev { device: *device }, 1 << 26),
        Kind::Folder => (NodeType::Dir, 1 << 31),
        Kind::Fifo => (NodeType::Fifo, 1 << 25),
    };
    let named = |name: &String| (!name.is_empty()).then(|| name.clone());
    let meta = Metadata {
        mode: Some(go_mode(header.mode) | bits),
        mtime: Timestamp::new(header.mtime.0, header.mtime.1).ok(),
        uid: Some(header.uid),
        gid: Some(header.gid),
        user: named(&header.user),
        group: named(&header.group),
        size: if matches!(header.kind, Kind::File | Kind::HardLink(_)) { header.size } else { 0 },
        ..attributes(&header.attributes)
    };
    node(path, kind, meta)
}

/// The folder that a volume is, on this machine.
pub fn of_folder(path: &Path, folder: &Path) -> std::io::Result<Node> {
    let found = fs::symlink_metadata(folder)?;
    let mut pairs = Vec::new();
    for name in xattr::list(folder)? {
        if let Some(value) = xattr::get(folder, &name)? {
            pairs.push((name.to_string_lossy().into_owned(), value));
        }
    }
    let meta = Metadata {
        mode: Some(go_mode(found.mode()) | 1 << 31),
        mtime: Timestamp::new(found.mtime(), i32::try_from(found.mtime_nsec()).unwrap_or_default()).ok(),
        uid: Some(found.uid()),
        gid: Some(found.gid()),
        ..attributes(&pairs)
    };
    Ok(node(path, NodeType::Dir, meta))
}

/// The same entry under another path.
pub fn node(path: &Path, kind: NodeType, meta: Metadata) -> Node {
    Node::new_node(path.file_name().unwrap_or_default(), kind, meta)
}

/// The library keeps the type to itself, but reads it as it stands in a repository.
fn attributes(pairs: &[(String, Vec<u8>)]) -> Metadata {
    let list: Vec<_> = pairs.iter().map(|(name, value)| json!({"name": name, "value": STANDARD.encode(value)})).collect();
    serde_json::from_value(json!({"extended_attributes": list})).unwrap_or_default()
}

/// Permissions as restic writes them: setuid, setgid and sticky have places of their own.
fn go_mode(mode: u32) -> u32 {
    let moved = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    moved.iter().fold(mode & 0o777, |bits, (from, to)| if mode & from == 0 { bits } else { bits | to })
}
