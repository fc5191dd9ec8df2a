//! Backups, and the repository that they are in: the only door to it. A repository has restic's format, so
//! restic reads it too.
//!
//! A backup is one snapshot. While it is made it carries the tag `pending`; it counts, and is listed, once it was
//! read back, which is when it is saved again without that tag.

#[cfg(not(feature = "backup"))]
mod absent;
pub mod adapters;
mod choose;
#[cfg(feature = "backup")]
mod content;
#[cfg(feature = "backup")]
mod feed;
#[cfg(feature = "backup")]
mod key;
#[cfg(feature = "backup")]
mod listing;
mod location;
mod manifest;
#[cfg(feature = "backup")]
mod pack;
#[cfg(feature = "backup-remote")]
mod rclone;
#[cfg(feature = "backup")]
mod reach;
#[cfg(feature = "backup")]
mod repository;
pub mod tar;
#[cfg(feature = "backup")]
mod unchanged;
#[cfg(feature = "backup")]
mod unlock;
mod wish;
#[cfg(feature = "backup")]
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::saga::{Sha, utc};

#[cfg(not(feature = "backup"))]
pub use absent::{Content, Listing, Packs, Parts, Repository, Writer};
pub use choose::{Choice, Given, Pause, WantedCopy, WantedDump, Writer as VolumeWriter, choose};
#[cfg(feature = "backup")]
pub use content::{Content, Packs};
#[cfg(feature = "backup")]
pub use listing::Listing;
pub use location::{Location, REST_PASSWORD, REST_USER};
pub use manifest::{Copied, Dump, File, MANIFEST, Manifest, Quiet, StoredImage, Stream, User, VERSION, Way};
#[cfg(feature = "backup")]
pub use repository::Repository;
pub use wish::{LABEL, Wish};
#[cfg(feature = "backup")]
pub use writer::{Parts, Writer};

/// What a snapshot carries until it counts.
pub const PENDING: &str = "pending";

/// Whether this build has repositories at all.
pub const BUILT: bool = cfg!(feature = "backup");

/// What is younger at a backup is read again at the next one. Times move in steps, up to two seconds long; and who
/// changes a file through memory gives it the time of the first change alone, until Linux has written that, within 35
/// seconds.
pub const SETTLED: Duration = Duration::from_secs(60);

/// The length of a part of a stream, in bytes.
pub const PART: usize = 4 << 20;

/// Where a repository is, and what opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub location: Location,
    pub key: PathBuf,
}

impl Place {
    /// There. Its key is `key`, or has a place of its own below the state folder: never in the repository.
    ///
    /// # Errors
    /// `Unusable`: the key would be in the repository's folder.
    pub fn at(location: Location, key: Option<PathBuf>, state: &std::path::Path) -> Result<Place> {
        let own = || state.join("backups/keys").join(format!("{}.key", &Place::mark_of(&location)));
        let key = key.unwrap_or_else(own);
        if location.folder().is_some_and(|folder| key.starts_with(folder)) {
            return Err(Error::unusable(format!("keep the key {} in the repository that it opens", key.display()))
                .why("who copies the repository would copy the key with it")
                .help("put the key elsewhere, with `backup: {key: PATH}` in xtask.yaml"));
        }
        Ok(Place { location, key })
    }

    /// The repository for whoever names none.
    pub fn usual(state: &std::path::Path) -> Location {
        Location::Folder(state.join("backups/repository"))
    }

    /// A piece of a hash, for what is to be called after a location.
    pub fn mark_of(location: &Location) -> String {
        let named =
            location.folder().map_or_else(|| location.to_string().into_bytes(), |folder| folder.as_os_str().as_encoded_bytes().to_vec());
        Sha::of(&named).as_str()[..12].to_string()
    }

    /// Whether somebody has said that a copy of the key is elsewhere.
    pub fn key_is_saved(&self) -> bool {
        self.saved_mark().exists()
    }

    /// # Errors
    /// `Failed`: the mark cannot be written. `Unusable`: there is no key.
    pub fn mark_key_saved(&self) -> Result<()> {
        if !self.key.exists() {
            return Err(Error::unusable(format!("there is no key {}", self.key.display())).help("the first backup makes one"));
        }
        let mark = self.saved_mark();
        std::fs::write(&mark, b"").map_err(|error| Error::io("write", &mark, error))
    }

    fn saved_mark(&self) -> PathBuf {
        let mut name = self.key.as_os_str().to_os_string();
        name.push(".saved");
        name.into()
    }
}

/// What a snapshot is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A backup of a stack.
    #[default]
    Backup,
    /// What a cleanup has removed, for its rollback: no backup of anything, and not listed as one.
    Removed,
}

impl Purpose {
    fn is_backup(&self) -> bool {
        *self == Purpose::Backup
    }
}

/// What is known of a backup without opening it: stands beside its snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// `20261122T081500-3f9a1b2c`: the time, and a piece of a hash; it outlives changes of what is known.
    pub name: String,
    #[serde(default, skip_serializing_if = "Purpose::is_backup")]
    pub purpose: Purpose,
    pub stack: String,
    pub project: String,
    /// A piece of the hash of the engine's id.
    pub engine: String,
    /// Of the machine whose own files all volumes were read from: their numbers and times can be gone by. None where one was
    /// not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    pub run: String,
    /// `user@host`.
    pub who: String,
    pub at_ms: u64,
    pub took_ms: u64,
    pub release: Option<String>,
    /// `db/shop`, and names of volumes.
    pub dumps: Vec<String>,
    pub volumes: Vec<String>,
    /// Of all that is in it, before it is packed.
    pub bytes: u64,
    /// A volume of it was copied while somebody wrote.
    pub hot: bool,
    /// Complete sentences.
    pub left_out: Vec<String>,
    pub verified: Option<Verified>,
}

/// It was restored, and was what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub at_ms: u64,
    pub took_ms: u64,
    pub deep: bool,
}

impl Summary {
    /// The name of the backup that this run makes of this stack.
    pub fn name_of(run: &str, stack: &str, at_ms: u64) -> String {
        format!("{}-{}", utc(at_ms), &Sha::of(format!("{run} {stack}").as_bytes()).as_str()[..8])
    }
}

/// A backup that is in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored {
    #[serde(flatten)]
    pub summary: Summary,
    /// Of the snapshot, as restic names it; another one after a verification.
    pub snapshot: String,
    /// What it has added to the repository, packed.
    pub added_bytes: u64,
}

/// What was written below a path; the path itself does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    pub entries: u64,
    /// Of the contents of files.
    pub bytes: u64,
}

/// Something that is not right in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A backup may not be whole.
    pub severe: bool,
    pub what: String,
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as one step of a path: whatever else it holds is written as `%41`.
pub fn segment(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => out.push(byte as char),
            b'.' if !out.is_empty() => out.push('.'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_key_is_never_in_the_repository() {
        let folder = |path: &str| Location::Folder(path.into());
        let place = Place::at(folder("/srv/backups"), None, Path::new("/state")).unwrap();
        assert!(place.key.starts_with("/state/backups/keys"));
        assert!(Place::at(folder("/srv/backups"), Some("/srv/backups/key".into()), Path::new("/state")).is_err());
        assert!(Place::at(folder("/"), None, Path::new("/state")).is_err());
    }

    #[test]
    fn a_segment_is_one_and_its_own() {
        assert_eq!(segment("shop_2.main"), "shop_2.main");
        assert_eq!((segment("a/b"), segment(".."), segment("%")), ("a%2Fb".into(), "%2E.".into(), "%25".into()));
    }
}
