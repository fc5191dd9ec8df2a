//! What a tar archive or a folder holds, so that two can be compared: contents by their hashes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

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
            let mut hash = Sha256::new();
            hash.update(told(&header.kind, header.mode, (header.uid, header.gid), header.mtime.0, header.size));
            if header.kind == Kind::File {
                add(&mut tar, &mut hash).map_err(failed)?;
            }
            listing.0.insert(path, hash.finalize().into());
        }
        Ok(listing)
    }

    /// What an archive of this folder, whose first entry is the folder itself, would hold.
    ///
    /// # Errors
    /// Something of it cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Listing> {
        let mut listing = Listing::default();
        listing.take(folder, Vec::new())?;
        Ok(listing)
    }

    fn take(&mut self, from: &Path, path: Vec<u8>) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("read", from, error);
        let meta = fs::symlink_metadata(from).map_err(failed)?;
        let kind = match meta.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_symlink() => Kind::Symlink(fs::read_link(from).map_err(failed)?.into_os_string().into_vec()),
            kind if kind.is_char_device() => Kind::CharDevice(meta.rdev()),
            kind if kind.is_block_device() => Kind::BlockDevice(meta.rdev()),
            kind if kind.is_fifo() => Kind::Fifo,
            _ => return Ok(()),
        };
        // Archives count a piece of a second before 1970 back from its end, file systems on from its beginning.
        let seconds = meta.mtime() + i64::from(meta.mtime() < 0 && meta.mtime_nsec() > 0);
        let size = if kind == Kind::File { meta.len() } else { 0 };
        let mut hash = Sha256::new();
        hash.update(told(&kind, meta.mode() & 0o7777, (meta.uid(), meta.gid()), seconds, size));
        if kind == Kind::File {
            File::open(from).and_then(|mut file| add(&mut file, &mut hash)).map_err(failed)?;
        }
        self.0.insert(path.clone(), hash.finalize().into());
        if kind == Kind::Folder {
            for entry in fs::read_dir(from).map_err(failed)? {
                let name = entry.map_err(failed)?.file_name();
                self.take(&from.join(&name), [&path, &b"/"[..], name.as_bytes()].concat())?;
            }
        }
        Ok(())
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

/// All but the content. The time of a folder is when something was last put into it.
fn told(kind: &Kind, mode: u32, (uid, gid): (u32, u32), seconds: i64, size: u64) -> String {
    let time = if *kind == Kind::Folder { 0 } else { seconds };
    format!("{kind:?} {mode:o} {uid} {gid} {time} {size}\n")
}

fn add(from: &mut impl Read, hash: &mut Sha256) -> std::io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            read => hash.update(&piece[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn a_folder_holds_what_its_archive_does() {
        let folder = tempfile::tempdir().unwrap();
        let (at, archive) = (folder.path().join("data"), folder.path().join("archive"));
        fs::create_dir_all(at.join("sub/deep")).unwrap();
        fs::write(at.join("sub/one"), vec![7; 200_000]).unwrap();
        fs::set_permissions(at.join("sub/one"), fs::Permissions::from_mode(0o4751)).unwrap();
        fs::hard_link(at.join("sub/one"), at.join("other")).unwrap();
        symlink("sub/one", at.join("link")).unwrap();
        nix::unistd::mkfifo(&at.join("sub/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let packed = |format: &str| {
            let mut tar = Command::new("tar");
            tar.args(["--format", format, "-C"]).arg(folder.path()).arg("-cf").arg(&archive).arg("data");
            assert!(tar.status().unwrap().success());
            Listing::read(File::open(&archive).unwrap()).unwrap()
        };
        let found = Listing::of_folder(&at).unwrap();
        assert_eq!(found.entries(), 7);
        for format in ["pax", "gnu"] {
            assert_eq!(found.differences(&packed(format)), [""; 0]);
        }
        fs::write(at.join("sub/deep/new"), "").unwrap();
        fs::write(at.join("sub/one"), vec![8; 200_000]).unwrap();
        let mut differ = Listing::of_folder(&at).unwrap().differences(&found);
        differ.sort();
        assert_eq!(differ, ["./other", "./sub/deep/new", "./sub/one"]);
    }
}
