//! What is in one backup, read back.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustic_core::repofile::Node;
use rustic_core::{FileType, Id, IndexedFullStatus, LsOptions, TreeId};

use super::Extent;
use super::manifest::{MANIFEST, Manifest, Stream, VERSION};
use super::pack::{Pack, joined};
use super::reach::Files;
use super::repository::failed;
use super::writer::part_path;
use crate::error::{Error, Result};

pub struct Content {
    repository: Box<rustic_core::Repository<IndexedFullStatus>>,
    files: Files,
    root: Node,
}

impl Content {
    pub(super) fn new(repository: Box<rustic_core::Repository<IndexedFullStatus>>, files: Files, tree: TreeId) -> Self {
        let root = Node { subtree: Some(tree), node_type: rustic_core::repofile::NodeType::Dir, ..Node::default() };
        Content { repository, files, root }
    }

    /// # Errors
    /// `Failed`: it is damaged. `Unusable`: another version of xtask has written it.
    pub fn manifest(&self) -> Result<Manifest> {
        let bytes = self.file(MANIFEST)?;
        let unusable =
            |why: String| Error::unusable("read the manifest of the backup").why(why).help("use the version of xtask that made it");
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
        if manifest.version == VERSION { Ok(manifest) } else { Err(unusable(format!("its version is {}", manifest.version))) }
    }

    /// A whole file, for what is small.
    pub fn file(&self, path: &str) -> Result<Vec<u8>> {
        let node = self.node(path)?;
        let mut bytes = Vec::new();
        self.repository.dump(&node, &mut bytes).map_err(|error| failed(&format!("read {path} of the backup"), &error))?;
        Ok(bytes)
    }

    /// A stream, put together again.
    pub fn stream<'c>(&'c self, folder: &str, stream: &Stream) -> Box<dyn Read + 'c> {
        Box::new(Joined { content: self, folder: folder.to_string(), parts: stream.parts, next: 1, part: std::io::Cursor::default() })
    }

    /// The files that hold pieces, by their names, with their sizes.
    pub fn packs(&self) -> Result<Packs> {
        let listed = self.files.list_with_size(FileType::Pack).map_err(|error| failed("list the files of the repository", &error))?;
        Ok(Packs(listed.into_iter().collect()))
    }

    /// What is stored below a folder: the contents of files by their pieces, not by what was promised. Every piece is in
    /// the index, and in a file that is there and long enough; those of each file are together as long as it was.
    ///
    /// # Errors
    /// `Failed`: it is not so.
    pub fn extent(&self, folder: &str, packs: &Packs) -> Result<Extent> {
        let damaged = |error: &rustic_core::RusticError| failed(&format!("read {folder} of the backup"), error);
        let node = self.node(folder)?;
        let mut extent = Extent::default();
        for entry in self.repository.ls(&node, &LsOptions::default()).map_err(|error| damaged(&error))? {
            let (path, node) = entry.map_err(|error| damaged(&error))?;
            let mut bytes = 0;
            for id in node.content.iter().flatten() {
                let piece = self.repository.get_index_entry(id).map_err(|error| damaged(&error))?;
                packs.hold(&piece.pack, piece.location.offset, piece.location.length)?;
                bytes += u64::from(piece.data_length());
            }
            if node.is_file() && bytes != node.meta.size {
                let said = format!("{} has {} bytes, of which {bytes} are stored", path.display(), node.meta.size);
                return Err(Error::failed(format!("read {folder} of the backup")).why(said));
            }
            extent.entries += 1;
            extent.bytes += bytes;
        }
        Ok(extent)
    }

    /// The paths of all that is in it, with the sizes of files.
    pub fn paths(&self) -> Result<Vec<(PathBuf, Option<u64>)>> {
        let damaged = |error: &rustic_core::RusticError| failed("list what is in the backup", error);
        let entries = self.repository.ls(&self.root, &LsOptions::default()).map_err(|error| damaged(&error))?;
        let told = |(path, node): (PathBuf, Node)| (Path::new("/").join(path), node.is_file().then_some(node.meta.size));
        entries.map(|entry| entry.map(told).map_err(|error| damaged(&error))).collect()
    }

    /// Writes the content of a file.
    ///
    /// # Errors
    /// `Unusable`: the path is none of a file.
    pub fn write_file(&self, path: &str, mut into: &mut dyn Write) -> Result<()> {
        let node = self.node(path).map_err(|error| Error::unusable(error.what).help("`restore --list` shows what is in it"))?;
        if !node.is_file() {
            return Err(Error::unusable(format!("write {path} of the backup")).why("it is no file"));
        }
        self.repository.dump(&node, &mut into).map_err(|error| failed(&format!("read {path} of the backup"), &error))
    }

    /// Writes what is below a folder as a tar archive, the folder itself as `root`.
    ///
    /// # Errors
    /// `Failed`: something of it is damaged, or `into` takes no more.
    pub fn pack(&self, folder: &str, root: &str, into: &mut dyn Write) -> Result<()> {
        let mut pack = Pack::new(into);
        self.pack_node(root.as_bytes(), &self.node(folder)?, &mut pack)?;
        pack.finish().map_err(unwritten)
    }

    fn pack_node<W: Write>(&self, path: &[u8], node: &Node, pack: &mut Pack<W>) -> Result<()> {
        let damaged = |error: &rustic_core::RusticError| failed(&format!("read {} of the backup", String::from_utf8_lossy(path)), error);
        if pack.entry(path, node).map_err(unwritten)? {
            self.repository.dump(node, &mut pack.content()).map_err(|error| damaged(&error))?;
            pack.pad(node.meta.size).map_err(unwritten)?;
        }
        let Some(tree) = &node.subtree else { return Ok(()) };
        let tree = self.repository.get_tree(tree).map_err(|error| damaged(&error))?;
        tree.nodes.iter().try_for_each(|node| self.pack_node(&joined(path, &node.name()), node, pack))
    }

    fn node(&self, path: &str) -> Result<Node> {
        let tree = self.root.subtree.unwrap_or_default();
        let damaged = |error: &rustic_core::RusticError| failed(&format!("find {path} in the backup"), error);
        let mut node = self.root.clone();
        let mut tree = tree;
        for part in Path::new(path).iter().skip(1) {
            let found = self.repository.get_tree(&tree).map_err(|error| damaged(&error))?;
            let missing = || Error::failed(format!("find {path} in the backup"));
            node = found.nodes.into_iter().find(|node| node.name() == part).ok_or_else(missing)?;
            tree = node.subtree.unwrap_or_default();
        }
        Ok(node)
    }
}

/// The files of a repository that hold pieces, as they are now.
pub struct Packs(HashMap<Id, u32>);

impl Packs {
    fn hold(&self, pack: &Id, offset: u32, length: u32) -> Result<()> {
        if self.0.get(pack).is_some_and(|size| u64::from(offset) + u64::from(length) <= u64::from(*size)) {
            return Ok(());
        }
        // What it held is not stored again as long as the index says that it is there.
        Err(Error::failed("go by what the repository has")
            .why(format!("its file {} is gone or cut off, though its index says what is in it", pack.to_hex().as_str()))
            .help("put it back, or run `restic -r DIR --password-file KEY rebuild-index`, and back up again: what is missing is then stored anew"))
    }
}

fn unwritten(error: std::io::Error) -> Error {
    Error::failed("write an archive of the backup").why(error.to_string())
}

struct Joined<'c> {
    content: &'c Content,
    folder: String,
    parts: u64,
    next: u64,
    part: std::io::Cursor<Vec<u8>>,
}

impl Read for Joined<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.part.read(into)?;
            if read > 0 || into.is_empty() || self.next > self.parts {
                return Ok(read);
            }
            let path = part_path(&self.folder, self.next);
            self.part = std::io::Cursor::new(self.content.file(&path).map_err(std::io::Error::other)?);
            self.next += 1;
        }
    }
}
