//! The journal of one run: one JSON record a line, synced before anything goes on.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::now_ms;
use super::plan::Sha;
use super::state::State;
use crate::error::{Error, Result};

/// Who does what, and with which plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Its place among the project's runs, counted from 1: a clock may jump back. 0: not told.
    #[serde(default)]
    pub number: u64,
    pub run: String,
    pub task: String,
    pub args: Vec<String>,
    pub stacks: Vec<String>,
    /// The run that this one rolls back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `user@host`.
    pub who: String,
    pub pid: u32,
    pub version: String,
    pub plan: Sha,
    /// How many steps come before the proof, and how many after it.
    pub steps: usize,
    pub finish: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    Begun(Begun),
    Prepared {
        n: usize,
        step: Value,
        receipt: Value,
    },
    Applied {
        n: usize,
    },
    Proven {
        proven: Vec<String>,
        not_proven: Vec<String>,
    },
    /// The steps that are to be taken now; they stand here, because they are never prepared.
    Committed {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        after: Vec<Value>,
    },
    /// Those steps are done; what each found, in their order.
    Settled {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        receipts: Vec<Value>,
    },
    RollingBack {
        why: String,
    },
    Undone {
        n: usize,
    },
    RolledBack,
    Stuck {
        n: usize,
        why: String,
    },
}

impl Record {
    pub fn name(&self) -> &'static str {
        match self {
            Record::Begun(_) => "begun",
            Record::Prepared { .. } => "prepared",
            Record::Applied { .. } => "applied",
            Record::Proven { .. } => "proven",
            Record::Committed { .. } => "committed",
            Record::Settled { .. } => "settled",
            Record::RollingBack { .. } => "rolling-back",
            Record::Undone { .. } => "undone",
            Record::RolledBack => "rolled-back",
            Record::Stuck { .. } => "stuck",
        }
    }

    /// Records for which room was kept: they must be possible on a full disk.
    fn ends_the_run(&self) -> bool {
        use Record::{RolledBack, RollingBack, Settled, Stuck, Undone};
        matches!(self, Settled { .. } | RollingBack { .. } | Undone { .. } | RolledBack | Stuck { .. })
    }
}

/// A record and when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at_ms: u64,
    #[serde(flatten)]
    pub record: Record,
}

/// What a journal says when it is read from its beginning.
#[derive(Debug)]
pub struct Replay {
    pub entries: Vec<Entry>,
    pub state: State,
    /// The bytes that count; what follows them is a torn last line.
    pub len: u64,
}

impl Replay {
    pub fn begun(&self) -> Option<&Begun> {
        match &self.entries.first()?.record {
            Record::Begun(begun) => Some(begun),
            _ => None,
        }
    }
}

/// Reads a journal without changing it. A last line that is cut off or no record at all was never
/// acted upon and does not count; anything else that is wrong is an error with its line.
pub fn replay(path: &Path) -> Result<Replay> {
    let meta = std::fs::symlink_metadata(path).map_err(|error| Error::io("look at", path, error))?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(corrupt(path, 1, "it is not a plain file, or far too large for a journal"));
    }
    let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
    let mut told = Replay { entries: Vec::new(), state: State::new(), len: 0 };
    let mut rest = &bytes[..];
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = told.entries.len() + 1;
        let entry: Entry = match serde_json::from_slice(&rest[..end]) {
            Ok(entry) => entry,
            Err(_) if is_record(&rest[..end]) => return Err(of_another_version(path, line)),
            Err(_) if end + 1 == rest.len() => break,
            Err(error) => return Err(corrupt(path, line, &format!("not a record (column {})", error.column()))),
        };
        told.state = told.state.next(&entry.record).map_err(|why| corrupt(path, line, &why))?;
        told.entries.push(entry);
        told.len += end as u64 + 1;
        rest = &rest[end + 1..];
    }
    Ok(told)
}

/// Whole, and with a kind: no torn line, but a record that this version does not know or knows otherwise.
fn is_record(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|value| value.get("record").is_some_and(Value::is_string))
}

fn of_another_version(path: &Path, line: usize) -> Error {
    Error::unusable("read the journal")
        .at(path, line, 1)
        .why("this xtask does not know this record: another version has written it, or somebody has edited it")
        .help("Nothing was touched. Use the xtask that began the run; `version` in the first line of its journal names it")
}

fn corrupt(path: &Path, line: usize, why: &str) -> Error {
    Error::unusable("read the journal, which is corrupt").at(path, line, 1).why(why).help(
        "Nothing was touched. Move the folder of this run out of .xtask/runs to go on, and keep it: \
             its blobs hold the original files by their sha256",
    )
}

/// A journal that is open for appending. One that failed to append keeps its last good record.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    state: State,
    /// The bytes of all durable records.
    len: u64,
    /// The bytes that are allocated on disk.
    reserved: u64,
    /// Something may stand behind `len`.
    torn: bool,
}

/// Kept free behind every record, so that a full disk can always be told and undone.
const ROOM: u64 = 16 * 1024;
const CHUNK: u64 = 64 * 1024;

/// A journal holds places and hashes: what is larger was not written by us.
const LARGEST: u64 = 64 << 20;

impl Journal {
    /// A new journal that holds `begun`, durably.
    pub(super) fn create(path: &Path, begun: Begun) -> Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| Error::io("create the journal", path, error))?;
        let mut journal = Journal { path: path.to_path_buf(), file, state: State::new(), len: 0, reserved: 0, torn: false };
        journal.append(Record::Begun(begun))?;
        Ok(journal)
    }

    /// Opens the journal of an earlier run and cuts a torn last line.
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>)> {
        let told = replay(path)?;
        let file = OpenOptions::new().append(true).open(path).map_err(|error| Error::io("open the journal", path, error))?;
        let size = file.metadata().map_err(|error| Error::io("look at", path, error))?.len();
        let mut journal =
            Journal { path: path.to_path_buf(), file, state: told.state, len: told.len, reserved: told.len, torn: size > told.len };
        journal.cut()?;
        Ok((journal, told.entries))
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one record and returns when it is durable. On an error the record does not count, and
    /// what it would have allowed must not happen.
    pub fn append(&mut self, record: Record) -> Result<()> {
        let illegal = |why: String| Error::failed(format!("record that the run is {}", record.name())).why(why);
        let next = self.state.clone().next(&record).map_err(illegal)?;
        let closing = record.ends_the_run();
        let mut line = serde_json::to_vec(&Entry { at_ms: now_ms(), record })
            .map_err(|error| Error::failed(format!("write {}", self.path.display())).why(error.to_string()))?;
        line.push(b'\n');
        self.cut()?;
        if !closing {
            self.reserve(line.len() as u64)?;
        }
        self.torn = true;
        self.file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::io("write", &self.path, error).help("Nothing goes on without its record"))?;
        (self.torn, self.len, self.state) = (false, self.len + line.len() as u64, next);
        Ok(())
    }

    /// Takes away what a failed append, or a crash in the middle of one, left behind.
    fn cut(&mut self) -> Result<()> {
        if self.torn {
            let sync = |file: &File| file.set_len(self.len).and_then(|()| file.sync_data());
            sync(&self.file).map_err(|error| Error::io("cut the torn last line of", &self.path, error))?;
            (self.torn, self.reserved) = (false, self.len);
        }
        Ok(())
    }

    /// Room for this line, and for the records that end the run, while there still is some. Where a
    /// file system cannot reserve, a full disk is met by the append itself.
    fn reserve(&mut self, line: u64) -> Result<()> {
        if self.len + line + ROOM <= self.reserved {
            return Ok(());
        }
        let size = (line + ROOM).next_multiple_of(CHUNK);
        match fallocate(&self.file, FallocateFlags::FALLOC_FL_KEEP_SIZE, self.len as i64, size as i64) {
            Ok(()) => self.reserved = self.len + size,
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL) => self.reserved = u64::MAX,
            Err(error) => return Err(Error::io("reserve room for", &self.path, error.into()).help("Free some disk space")),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
