//! Writes a backup, entry by entry, in the order of its paths: a tree that is not sorted cannot be searched.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use rustic_core::repofile::{Node, NodeType};
use rustic_core::{DevIdOption, Excludes, LocalSource, LocalSourceFilterOptions, LocalSourceSaveOptions, ReadSource, ReadSourceEntry};
use sha2::{Digest, Sha256};

use super::feed::{self, Body, Item, Shared};
use super::manifest::Stream;
use super::tar::{Header, Kind, Tar};
use super::unchanged::{Times, moment};
use super::{Extent, PART, hex, repository};
use crate::error::{Error, Result};

pub struct Writer {
    send: SyncSender<Item>,
    shared: Shared,
    at_ms: u64,
    /// Everything is read, also what is unchanged.
    full: bool,
    total: Extent,
    /// The repository's own.
    folder: PathBuf,
    spooled: usize,
}

impl Writer {
    pub(super) fn new(send: SyncSender<Item>, shared: Shared, at_ms: u64, full: bool, folder: PathBuf) -> Self {
        Writer { send, shared, at_ms, full, total: Extent::default(), folder, spooled: 0 }
    }

    /// All that was written so far.
    pub fn total(&self) -> Extent {
        self.total
    }

    /// A whole file.
    ///
    /// # Errors
    /// The repository takes no more; it says why when the backup ends.
    pub fn file(&mut self, path: &str, mode: u32, content: Vec<u8>) -> Result<()> {
        let path = Path::new(path);
        let node = feed::plain(path, content.len() as u64, mode, self.at_ms);
        self.put(path, node, |path, shared| Body::memory(path, content, shared))
    }

    /// A stream of a length that nobody knows: numbered files in this folder.
    pub fn stream(&mut self, folder: &str) -> Parts<'_> {
        Parts { writer: self, folder: folder.to_string(), part: Vec::new(), parts: 0, bytes: 0, whole: Sha256::new() }
    }

    /// An archive whose first entry becomes the folder `at`. `again` gives the content of a file of it once more,
    /// by its path below that entry: hard links have none of their own.
    ///
    /// # Errors
    /// The archive ends early, or is none.
    pub fn tar(&mut self, at: &str, from: impl Read, again: &mut dyn FnMut(&Path) -> Result<Box<dyn Read>>) -> Result<Extent> {
        let failed = |error: std::io::Error| Error::failed("read a volume").why(error.to_string());
        let before = self.total;
        let mut tar = Tar::new(from);
        let mut root: Option<Vec<u8>> = None;
        while let Some(header) = tar.next_entry().map_err(failed)? {
            let root = root.get_or_insert_with(|| header.path.clone()).clone();
            let path = Path::new(at).join(below(&header.path, &root)?);
            match &header.kind {
                Kind::File => self.copy(&path, &header, header.size, &mut tar).map_err(failed)?,
                Kind::HardLink(target) => {
                    let target = below(target, &root)?;
                    let mut other = Tar::new(again(target)?);
                    let found = other.next_entry().map_err(failed)?.map_or(0, |found| found.size);
                    self.copy(&path, &header, found, &mut other).map_err(failed)?;
                }
                _ => self.put_empty(&path, feed::of_header(&path, &header))?,
            }
        }
        if root.is_none() {
            return Err(Error::failed("read a volume").why("the engine sent an archive without an entry"));
        }
        // The folder itself does not count.
        Ok(Extent { entries: self.total.entries - before.entries - 1, bytes: self.total.bytes - before.bytes })
    }

    /// A folder of this machine, which becomes the folder `at`. Where it is written to meanwhile (`hot`), files are
    /// what they are when it is their turn, and those that are gone by then are left out. A file whose time of change may say
    /// nothing gets that of the backup, which no file has: the next backup reads it again.
    ///
    /// # Errors
    /// Something of it cannot be read.
    pub fn folder(&mut self, at: &str, from: &Path, hot: bool) -> Result<Extent> {
        let before = self.total;
        let root = feed::of_folder(Path::new(at), from).map_err(|error| Error::io("read", from, error))?;
        self.put_empty(Path::new(at), root)?;
        let (save, filter) = (LocalSourceSaveOptions::default().set_devid(DevIdOption::Yes), LocalSourceFilterOptions::default());
        let times = if hot { None } else { Times::of(from, self.at_ms) };
        let source =
            LocalSource::new(save, &Excludes::default(), &filter, &[from]).map_err(|error| repository::failed("read a volume", &error))?;
        for entry in source.entries() {
            let ReadSourceEntry { path, mut node, .. } = entry.map_err(|error| repository::failed("read a volume", &error))?;
            let rest = path.strip_prefix(from).map_err(|_| Error::failed("read a volume").why("a path leads out of it"))?;
            let to = Path::new(at).join(rest);
            let settled = times.as_ref().is_some_and(|times| times.tell(&node.meta, node.meta.device_id));
            if node.is_file() && !settled {
                node.meta.ctime = moment(self.at_ms);
            }
            // It says which names are of one file, and is nothing to those that have but one.
            node.meta.device_id = if node.meta.links > 1 { node.meta.device_id } else { 0 };
            if node.is_file() && hot {
                let Some((size, body)) = self.now(&path, &to, node.meta.size).map_err(|error| Error::io("read", &path, error))? else {
                    continue;
                };
                node.meta.size = size;
                self.put(&to, node, |_, _| body)?;
            } else if node.is_file() {
                let (size, may_be_known) = (node.meta.size, settled && !self.full);
                self.put(&to, node, |to, shared| Body::disk(to, path, size, may_be_known, shared))?;
            } else {
                self.put_empty(&to, node)?;
            }
        }
        Ok(Extent { entries: self.total.entries - before.entries - 1, bytes: self.total.bytes - before.bytes })
    }

    /// Waits until the files of folders that were written are read; something must have been written after them.
    ///
    /// # Errors
    /// That of `go_on`, which is asked meanwhile.
    pub fn settle(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        self.shared.wait_until_read(go_on)
    }

    /// A file out of an archive: in memory when it is small.
    fn copy(&mut self, path: &Path, header: &Header, size: u64, from: &mut impl Read) -> std::io::Result<()> {
        let mut node = feed::of_header(path, header);
        node.meta.size = size;
        node.meta.inode = inode(match &header.kind {
            Kind::HardLink(target) => target,
            _ => &header.path,
        });
        // An archive does not say how many there are: two means that there may be more, and restic looks for them.
        node.meta.links = 2;
        if size <= PART as u64 {
            let mut content = vec![0; usize::try_from(size).unwrap_or_default()];
            from.read_exact(&mut content)?;
            return self.put(path, node, |path, shared| Body::memory(path, content, shared)).map_err(std::io::Error::other);
        }
        let mut file = self.spool()?;
        if std::io::copy(&mut from.take(size), &mut file)? != size {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        file.seek(SeekFrom::Start(0))?;
        self.put(path, node, |path, shared| Body::spooled(path, file, size, shared)).map_err(std::io::Error::other)
    }

    /// A file as it is now, at most `size` bytes of it; `None`: it is gone.
    fn now(&mut self, from: &Path, to: &Path, size: u64) -> std::io::Result<Option<(u64, Body)>> {
        let file = match File::open(from) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened?.take(size),
        };
        let (mut file, mut content) = (file, Vec::new());
        if size <= PART as u64 {
            file.read_to_end(&mut content)?;
            return Ok(Some((content.len() as u64, Body::memory(to, content, &self.shared))));
        }
        let mut spool = self.spool()?;
        let size = std::io::copy(&mut file, &mut spool)?;
        spool.seek(SeekFrom::Start(0))?;
        Ok(Some((size, Body::spooled(to, spool, size, &self.shared))))
    }

    /// A file without a name beside the packs, where there must be room for what is in it anyway.
    fn spool(&mut self) -> std::io::Result<File> {
        self.spooled += 1;
        let path = self.folder.join(format!(".spool-{}-{}", std::process::id(), self.spooled));
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }

    fn put(&mut self, path: &Path, node: Node, body: impl FnOnce(&Path, &Shared) -> Body) -> Result<()> {
        self.total.bytes += node.meta.size;
        let open = Some(body(path, &self.shared));
        self.send(ReadSourceEntry { path: path.to_path_buf(), node, open })
    }

    fn put_empty(&mut self, path: &Path, mut node: Node) -> Result<()> {
        if node.node_type == NodeType::Dir {
            // Their sizes are those of some file system's tables.
            node.meta.size = 0;
        }
        self.send(ReadSourceEntry { path: path.to_path_buf(), node: feed::node(path, node.node_type, node.meta), open: None })
    }

    fn send(&mut self, item: Item) -> Result<()> {
        self.total.entries += 1;
        self.send.send(item).map_err(|_| no_more())
    }
}

/// Whoever reads has ended before the backup did, and says why.
fn no_more() -> Error {
    Error::failed("write to the repository")
}

/// Below the first entry's path; an archive that leads elsewhere is refused.
fn below<'p>(path: &'p [u8], root: &[u8]) -> Result<&'p Path> {
    let rest = Path::new(std::ffi::OsStr::from_bytes(path)).strip_prefix(std::ffi::OsStr::from_bytes(root));
    let plain = |rest: &&Path| rest.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    rest.ok().filter(plain).ok_or_else(|| Error::failed("read a volume").why("the engine's archive names a path outside of it"))
}

/// The same number for the same path.
fn inode(path: &[u8]) -> u64 {
    let hash = Sha256::digest(path);
    hash.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// A stream that becomes numbered files of [`PART`] bytes, but for the last.
pub struct Parts<'w> {
    writer: &'w mut Writer,
    folder: String,
    part: Vec<u8>,
    parts: u64,
    bytes: u64,
    whole: Sha256,
}

impl Parts<'_> {
    pub fn write(&mut self, mut piece: &[u8]) -> Result<()> {
        self.whole.update(piece);
        self.bytes += piece.len() as u64;
        while !piece.is_empty() {
            if self.part.capacity() == 0 {
                self.part.reserve_exact(PART);
            }
            let (now, rest) = piece.split_at(piece.len().min(PART - self.part.len()));
            self.part.extend_from_slice(now);
            piece = rest;
            if self.part.len() == PART {
                self.end_part()?;
            }
        }
        Ok(())
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn finish(mut self) -> Result<Stream> {
        if !self.part.is_empty() {
            self.end_part()?;
        }
        Ok(Stream { parts: self.parts, bytes: self.bytes, sha256: hex(&self.whole.finalize()) })
    }

    fn end_part(&mut self) -> Result<()> {
        self.parts += 1;
        let path = part_path(&self.folder, self.parts);
        self.writer.file(&path, 0o600, std::mem::take(&mut self.part))
    }
}

pub(super) fn part_path(folder: &str, number: u64) -> String {
    format!("{folder}/{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_stays_below_its_first_entry() {
        assert_eq!(below(b"data/a/b", b"data").unwrap(), Path::new("a/b"));
        assert_eq!(below(b"data", b"data").unwrap(), Path::new(""));
        for outside in [&b"other/a"[..], b"data/../../etc", b"/etc", b"database"] {
            assert!(below(outside, b"data").is_err());
        }
    }
}
