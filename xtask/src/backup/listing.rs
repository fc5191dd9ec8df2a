//! What a tar archive holds, so that two can be compared: contents by their hashes.

use std::collections::BTreeMap;
use std::io::Read;

use sha2::{Digest, Sha256};

use super::tar::{Kind, Tar};
use crate::error::{Error, Result};

/// By their paths below the first entry: kind, mode, owner, time, size, and where it has one its content or target. What
/// another name of the same file says is what the file says. Sockets and attributes do not count: engines give neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing(BTreeMap<Vec<u8>, [u8; 32]>);

impl Listing {
    /// # Errors
    /// It is cut off, or none.
    pub fn read(from: impl Read) -> Result<Listing> {
        let failed = |error: std::io::Error| Error::failed("read the archive of a volume").why(error.to_string());
        let (mut tar, mut listing) = (Tar::new(from), Listing::default());
        let mut root: Option<usize> = None;
        while let Some(header) = tar.next_entry().map_err(failed)? {
            let cut = *root.get_or_insert(header.path.len());
            let path = header.path.get(cut..).unwrap_or_default().to_vec();
            if let Kind::HardLink(target) = &header.kind {
                let first = listing.0.get(target.get(cut..).unwrap_or_default()).copied().unwrap_or_default();
                listing.0.insert(path, first);
                continue;
            }
            // The time of a folder is when something was last put into it.
            let time = if header.kind == Kind::Folder { 0 } else { header.mtime.0 };
            let mut hash = Sha256::new();
            let kind = format!("{:?}", header.kind);
            hash.update(format!("{kind} {:o} {} {} {time} {}\n", header.mode, header.uid, header.gid, header.size));
            if header.kind == Kind::File {
                let mut piece = vec![0; 64 << 10];
                loop {
                    match tar.read(&mut piece).map_err(failed)? {
                        0 => break,
                        read => hash.update(&piece[..read]),
                    }
                }
            }
            listing.0.insert(path, hash.finalize().into());
        }
        Ok(listing)
    }

    pub fn entries(&self) -> usize {
        self.0.len()
    }

    /// Names all of it: equal contents have equal digests.
    pub fn digest(&self) -> String {
        let mut whole = Sha256::new();
        for (path, hash) in &self.0 {
            whole.update((path.len() as u64).to_be_bytes());
            whole.update(path);
            whole.update(hash);
        }
        super::hex(&whole.finalize())
    }

    /// Paths that only one has, or that are not the same in both; the first few.
    pub fn differences(&self, other: &Listing) -> Vec<String> {
        let mut paths: Vec<&Vec<u8>> =
            self.0.iter().filter(|(path, hash)| other.0.get(*path) != Some(hash)).map(|(path, _)| path).collect();
        paths.extend(other.0.keys().filter(|path| !self.0.contains_key(*path)));
        paths.into_iter().take(5).map(|path| format!(".{}", String::from_utf8_lossy(path))).collect()
    }
}
