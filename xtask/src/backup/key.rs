//! The key of a repository: a file with one line, for this user alone. restic takes it as `--password-file`.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, Result};
use crate::saga::sync_dir;
use crate::secret::Secret;

const BYTES: usize = 32;
/// What is larger is no key.
const LARGEST: u64 = 64 << 10;

/// Makes a key where there is none, durably. One that is there stays as it is.
///
/// # Errors
/// `Failed`: it cannot be written.
pub fn make(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| Error::io("create", folder, error))?;
    let mut random = [0; BYTES];
    let filled = fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random));
    filled.map_err(|error| Error::failed("make a key").why(error.to_string()))?;
    let line: String = random.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_string()]).collect();
    let temporary = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| Error::io("write the key", path, error))?;
    sync_dir(folder)
}

/// The first line of the key's file.
///
/// # Errors
/// `Unusable`: it is not there, or empty. `Refused`: others may read it.
pub fn read(path: &Path) -> Result<Secret> {
    let lost = "put the copy of the key back there, or name its place with `backup: {key: PATH}` in xtask.yaml";
    let unusable = |why: String| Error::unusable(format!("read the key {}", path.display())).why(why).help(lost);
    let meta = fs::metadata(path).map_err(|error| unusable(error.to_string()))?;
    if meta.mode() & 0o077 != 0 {
        return Err(Error::refused(format!("use the key {}", path.display()))
            .why("others may read it")
            .help(format!("chmod 600 {}", path.display())));
    }
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(unusable("it is not a plain file, or far too large for a key".to_string()));
    }
    let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line)),
        None => Err(unusable("it is empty".to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/one.key");
        make(&path).unwrap();
        let first = read(&path).unwrap();
        assert_eq!(first.expose().len(), 2 * BYTES);
        make(&path).unwrap();
        assert!(read(&path).unwrap() == first);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&path).unwrap_err().kind, crate::error::Kind::Refused);
        assert_eq!(read(&folder.path().join("other")).unwrap_err().kind, crate::error::Kind::Unusable);
    }
}
