//! What was measured before, so that growth and "since the last run" have something to start from: one small file a
//! project in the state folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::saga::{Blobs, Sha, check_own, make_dir, sync_dir};

const DAY_MS: u64 = 86_400_000;
/// A little more than the month by which growth is told.
const KEPT_MS: u64 = 40 * DAY_MS;
const MONTH_MS: u64 = 31 * DAY_MS;
const LARGEST_BYTES: u64 = 16 << 20;

/// One stack at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub at_ms: u64,
    /// The engine's own id.
    pub engine: String,
    /// Seconds since 1970 on the engine's clock: logs before it were looked at.
    pub logs_until: i64,
    /// By name; `None`: they were not measured.
    pub volumes: Option<BTreeMap<String, u64>>,
}

/// By stack, oldest first; at most one point a day beside the last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records(BTreeMap<String, Vec<Point>>);

impl Records {
    /// The last point of a stack on this engine.
    pub fn last(&self, stack: &str, engine: &str) -> Option<&Point> {
        self.of(stack, engine).next_back()
    }

    /// The oldest one of the last 31 days that has volumes, and at least a day ago.
    pub fn of_month(&self, stack: &str, engine: &str, now_ms: u64) -> Option<&Point> {
        let in_month = |point: &&Point| (DAY_MS..=MONTH_MS).contains(&now_ms.saturating_sub(point.at_ms));
        self.of(stack, engine).find(|point| in_month(point) && point.volumes.is_some())
    }

    fn of<'r>(&'r self, stack: &str, engine: &str) -> impl DoubleEndedIterator<Item = &'r Point> {
        self.0.get(stack).into_iter().flatten().filter(move |point| point.engine == engine)
    }

    /// Of the points of one day only the first stays, and the last of all.
    pub fn add(&mut self, stack: &str, point: Point) {
        let points = self.0.entry(stack.to_string()).or_default();
        let day = |point: &Point| (point.at_ms / DAY_MS, point.engine.clone());
        if let [.., before, last] = points.as_slice()
            && day(before) == day(last)
        {
            points.pop();
        }
        points.push(point);
        let newest = self.0.values().flatten().map(|point| point.at_ms).max().unwrap_or(0);
        for points in self.0.values_mut() {
            points.retain(|point| newest.saturating_sub(point.at_ms) <= KEPT_MS);
        }
        self.0.retain(|_, points| !points.is_empty());
    }

    /// Those of a project; none where nothing was measured, or where it is of another version.
    ///
    /// # Errors
    /// The folder is somebody else's (`Refused`), or the file cannot be read.
    pub fn read(state: &Path, root: &Path) -> Result<Records> {
        let path = place(state, root);
        if !check_own(&state.join(FOLDER))? {
            return Ok(Records::default());
        }
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Records::default()),
            Err(error) => return Err(Error::io("look at", &path, error)),
            Ok(meta) if !meta.is_file() || meta.len() > LARGEST_BYTES => {
                return Err(Error::unusable(format!("read {}", path.display())).why("it is no small plain file").help("move it away"));
            }
            Ok(_) => {}
        }
        let bytes = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
        let unreadable = || Error::unusable(format!("read {}", path.display())).why("these are no earlier figures").help("move it away");
        serde_json::from_slice(&bytes).map_err(|_| unreadable())
    }

    /// Replaces the file as a whole, durably.
    pub fn write(&self, state: &Path, root: &Path) -> Result<()> {
        let (folder, path) = (state.join(FOLDER), place(state, root));
        fs::create_dir_all(state)
            .map_err(|error| Error::io("create", state, error).help("set XTASK_STATE to a folder that you may write to"))?;
        make_dir(&folder)?;
        check_own(&folder)?;
        let bytes = serde_json::to_vec(self).map_err(|error| Error::failed("write the figures").why(error.to_string()))?;
        // Written beside it first: two that measure at once leave the figures of one of them.
        let content = Blobs::at(folder.clone()).put(&bytes)?;
        fs::rename(folder.join(content.as_str()), &path).map_err(|error| Error::io("write", &path, error))?;
        sync_dir(&folder)
    }
}

const FOLDER: &str = "metrics";

fn place(state: &Path, root: &Path) -> PathBuf {
    let name = Sha::of(root.as_os_str().as_encoded_bytes());
    state.join(FOLDER).join(format!("{}.json", &name.as_str()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: u64, bytes: u64) -> Point {
        let volumes = Some([("data".to_string(), bytes)].into());
        Point { at_ms, engine: "e".into(), logs_until: 0, volumes }
    }

    #[test]
    fn a_file_of_minutes_keeps_a_point_a_day() {
        let mut records = Records::default();
        for minute in 0..60 * 24 * 50 {
            if minute % 97 == 0 {
                records.add("shop", point(minute * 60_000, minute));
            }
        }
        let points = &records.0["shop"];
        assert!((40..=42).contains(&points.len()), "{}", points.len());
        let last = points.last().unwrap().at_ms;
        assert_eq!(records.last("shop", "e").map(|point| point.at_ms), Some(last));
        let month = records.of_month("shop", "e", last).unwrap();
        assert!((last - MONTH_MS..=last - MONTH_MS + DAY_MS).contains(&month.at_ms));
        assert!(points.windows(2).all(|two| two[0].at_ms < two[1].at_ms));
    }

    #[test]
    fn another_engine_and_the_same_day_are_no_month() {
        let mut records = Records::default();
        records.add("shop", point(0, 1));
        assert_eq!(records.last("shop", "other"), None);
        assert_eq!(records.of_month("shop", "e", DAY_MS - 1), None);
        assert!(records.of_month("shop", "e", DAY_MS).is_some());
        assert_eq!(records.of_month("shop", "e", DAY_MS * 35), None);
    }

    #[test]
    fn they_are_read_as_they_were_written_by_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        let (state, root) = (state.path().join("new"), Path::new("/srv/shop"));
        assert_eq!(Records::read(&state, root).unwrap(), Records::default());
        let mut records = Records::default();
        records.add("shop", point(7, 1));
        records.write(&state, root).unwrap();
        records.write(&state, root).unwrap();
        assert_eq!(Records::read(&state, root).unwrap(), records);
        let files: Vec<_> = fs::read_dir(state.join(FOLDER)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&files[0], "[]").unwrap();
        assert!(Records::read(&state, root).is_err());
    }
}
