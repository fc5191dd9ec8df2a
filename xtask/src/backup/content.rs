//! What is in one backup, read back.

use std::io::Read;
use std::path::Path;

use rustic_core::repofile::Node;
use rustic_core::{IndexedFullStatus, LsOptions, TreeId};

use super::Extent;
use super::manifest::{MANIFEST, Manifest, Stream, VERSION};
use super::repository::failed;
use super::writer::part_path;
use crate::error::{Error, Result};

pub struct Content {
    repository: Box<rustic_core::Repository<IndexedFullStatus>>,
    root: Node,
}

impl Content {
    pub(super) fn new(repository: Box<rustic_core::Repository<IndexedFullStatus>>, tree: TreeId) -> Self {
        Content { repository, root: Node { subtree: Some(tree), node_type: rustic_core::repofile::NodeType::Dir, ..Node::default() } }
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

    /// What is stored below a folder: the contents of files by their pieces in the index, not by what was promised.
    ///
    /// # Errors
    /// `Failed`: a piece is not there.
    pub fn extent(&self, folder: &str) -> Result<Extent> {
        let damaged = |error: &rustic_core::RusticError| failed(&format!("read {folder} of the backup"), error);
        let node = self.node(folder)?;
        let mut extent = Extent::default();
        for entry in self.repository.ls(&node, &LsOptions::default()).map_err(|error| damaged(&error))? {
            let (_, node) = entry.map_err(|error| damaged(&error))?;
            extent.entries += 1;
            for id in node.content.iter().flatten() {
                extent.bytes += u64::from(self.repository.get_index_entry(id).map_err(|error| damaged(&error))?.data_length());
            }
        }
        Ok(extent)
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
