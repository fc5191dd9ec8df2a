//! Which files need not be read again, because they are what they were at the backup before: restic's rule, a file's
//! size, number and its two times, and stricter where those may say nothing.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::Metadata;

use super::{SETTLED, Stored, Summary};

/// ext2 to ext4, XFS, Btrfs, F2FS: the time of change is the kernel's of this machine, and a change through memory has
/// one. Others, network file systems and those in memory, are not gone by.
const KEEP_TIME: [u32; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010];

/// The backup whose contents are taken for those of files that are unchanged: the newest of the same stack that was
/// read from this machine's own files, if any.
pub fn parent<'s>(stored: &'s [Stored], of: &Summary) -> Option<&'s Stored> {
    let fits = |one: &&Stored| {
        let one = &one.summary;
        let same = (&one.stack, &one.project, &one.engine) == (&of.stack, &of.project, &of.engine);
        // What we make ourselves has the time of its backup: two of one moment could not be told apart.
        same && of.machine.is_some() && one.machine == of.machine && one.at_ms < of.at_ms
    };
    let all: Vec<&Stored> = stored.iter().filter(fits).collect();
    let holds_all = |one: &&&Stored| of.volumes.iter().all(|volume| one.summary.volumes.contains(volume));
    all.iter().rev().find(holds_all).or(all.last()).copied()
}

/// Of one folder: the file system that it is on, and when what is in it must have been settled.
pub struct Times {
    device: u64,
    before: Timestamp,
}

impl Times {
    /// None where times are not to be gone by.
    pub fn of(folder: &Path, at_ms: u64) -> Option<Times> {
        let kind = nix::sys::statfs::statfs(folder).ok()?.filesystem_type().0;
        if !KEEP_TIME.contains(&u32::try_from(kind).ok()?) {
            return None;
        }
        Some(Times { device: fs::symlink_metadata(folder).ok()?.dev(), before: moment(at_ms)?.checked_sub(SETTLED).ok()? })
    }

    /// Whether any change of the file from now on would give it another time. `device`: where it is.
    pub fn tell(&self, meta: &Metadata, device: u64) -> bool {
        device == self.device && meta.inode != 0 && meta.ctime.is_some_and(|changed| changed < self.before)
    }
}

/// Milliseconds since 1970.
pub fn moment(at_ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_backup_of_the_same_files_is_gone_by() {
        let summary = |at_ms: u64, machine: Option<&str>, volumes: &[&str]| Summary {
            name: at_ms.to_string(),
            at_ms,
            stack: "shop".into(),
            machine: machine.map(String::from),
            volumes: volumes.iter().map(|name| name.to_string()).collect(),
            ..Summary::default()
        };
        let of = |all: Vec<Summary>, summary: &Summary| {
            let stored: Vec<Stored> = all.into_iter().map(|summary| Stored { summary, snapshot: String::new(), added_bytes: 0 }).collect();
            parent(&stored, summary).map(|one| one.summary.at_ms)
        };
        let now = summary(9, Some("m"), &["a", "b"]);
        let all = || vec![summary(1, Some("m"), &["a", "b"]), summary(2, Some("m"), &["a"]), summary(3, Some("other"), &["a", "b"])];
        assert_eq!(of(all(), &now), Some(1), "the newest that has all");
        assert_eq!(of(all(), &summary(9, Some("m"), &["c"])), Some(2));
        assert_eq!(of(all(), &summary(1, Some("m"), &["a"])), None, "made at the same moment");
        assert_eq!(of(all(), &summary(9, None, &["a"])), None);
        assert_eq!(of(all(), &Summary { engine: "e".into(), ..now.clone() }), None);
        assert_eq!(of(all(), &Summary { stack: "s".into(), ..now.clone() }), None);
        // Such as were read through an engine say of no machine.
        assert_eq!(of(vec![summary(1, None, &["a"])], &now), None);
    }

    #[test]
    fn what_is_young_or_elsewhere_is_not_gone_by() {
        let times = Times { device: 7, before: moment(100_000).unwrap() };
        let meta = |inode, ctime: Option<u64>| Metadata { inode, ctime: ctime.and_then(moment), ..Metadata::default() };
        assert!(times.tell(&meta(1, Some(99_999)), 7));
        assert!(!times.tell(&meta(1, Some(100_000)), 7) && !times.tell(&meta(1, None), 7));
        assert!(!times.tell(&meta(0, Some(1)), 7) && !times.tell(&meta(1, Some(1)), 8));
        assert!(Times::of(Path::new("/proc"), 100_000).is_none());
    }
}
