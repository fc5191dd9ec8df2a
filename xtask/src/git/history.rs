//! Which values git has kept: a search through every blob that any branch, tag or stash reaches, at
//! the speed at which git reads them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use super::Git;
use super::call::{LATE, within};
use super::deadline::{Deadline, start};
use super::needles::Needles;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Larger blobs are dumps and images; they are counted, not read.
const BLOB_LIMIT: u64 = 32 << 20;

/// Blobs are traced to their commits in one walk, whose arguments must fit a command line.
const TRACED_BLOBS: usize = 500;

/// A value to look for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub value: Secret,
    /// The keys that it stands under. A value of less than eight characters counts only behind one of
    /// them on the same line: `admin` stands everywhere.
    pub keys: Vec<String>,
}

/// Where a value was seen; the value itself is the caller's, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub value: usize,
    /// Shortened name and day of the oldest commit that has it; none if only a merge brought it.
    pub commit: Option<(String, String)>,
    /// The files it was in, as git names them from the top of the repository.
    pub paths: Vec<String>,
}

/// What was looked at and what was seen, in the order of the wanted values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub seen: Vec<Seen>,
    pub blobs: usize,
    /// Not looked at: above 32 MiB.
    pub large: usize,
    /// Not looked at: a zero byte near the beginning.
    pub binary: usize,
    /// Not looked at: not in this clone. They are never fetched.
    pub missing: usize,
    /// The clone ends before the project's beginning: what is older was not looked at.
    pub shallow: bool,
}

struct Blob {
    name: String,
    path: String,
}

impl Git {
    /// Searches all reachable blobs for the values.
    pub fn search_history(&self, wanted: &[Wanted]) -> Result<History> {
        let shallow = self.read(["rev-parse", "--is-shallow-repository"])?.trim() == "true";
        let mut history = History { shallow, ..History::default() };
        let needles = Needles::new(wanted)?;
        let blobs = self.reachable_blobs(&mut history)?;
        let hits = self.search_blobs(&blobs, &needles, &mut history)?;
        history.seen = self.trace(&blobs, &hits)?;
        Ok(history)
    }

    fn reachable_blobs(&self, history: &mut History) -> Result<Vec<Blob>> {
        let mut list = self.offline();
        list.args(["rev-list", "--objects", "--all", "--missing=print"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut list = Running::start(&mut list, "rev-list")?;
        let mut check = self.offline();
        check.args(["cat-file", "--buffer", "--batch-check=%(objecttype) %(objectsize) %(objectname) %(rest)"]);
        check.stdin(list.child.stdout.take().map_or(Stdio::null(), Stdio::from)).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut check = Running::start(&mut check, "cat-file")?;
        let mut blobs = Vec::new();
        let output = check.child.stdout.take().ok_or_else(|| broken("cat-file"))?;
        for line in BufReader::with_capacity(1 << 20, output).split(b'\n') {
            let line = line.map_err(|error| broken("cat-file").why(error.to_string()))?;
            let line = String::from_utf8_lossy(&line);
            if line.ends_with(" missing") {
                history.missing += 1;
            }
            let Some((size, rest)) = line.strip_prefix("blob ").and_then(|rest| rest.split_once(' ')) else { continue };
            if size.parse::<u64>().is_ok_and(|size| size > BLOB_LIMIT) {
                history.large += 1;
                continue;
            }
            let (name, path) = rest.split_once(' ').unwrap_or((rest, ""));
            blobs.push(Blob { name: name.to_string(), path: path.to_string() });
        }
        list.end("rev-list")?;
        check.end("cat-file")?;
        Ok(blobs)
    }

    /// The number of the blob and of the value, for each that is in one.
    fn search_blobs(&self, blobs: &[Blob], needles: &Needles, history: &mut History) -> Result<Vec<(usize, usize)>> {
        let mut command = self.offline();
        command.args(["cat-file", "--buffer", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut git = Running::start(&mut command, "cat-file")?;
        let (Some(mut input), Some(output)) = (git.child.stdin.take(), git.child.stdout.take()) else { return Err(broken("cat-file")) };
        let mut hits = Vec::new();
        std::thread::scope(|scope| -> Result<()> {
            // Git answers while it is asked: one thread for both would wait for itself.
            scope.spawn(move || {
                let names = blobs.iter().flat_map(|blob| [blob.name.as_bytes(), b"\n"]);
                let asked: std::io::Result<()> = names.into_iter().try_for_each(|part| input.write_all(part));
                drop(asked);
            });
            let mut output = BufReader::with_capacity(1 << 20, output);
            let mut content = Vec::new();
            for n in 0..blobs.len() {
                if !next_object(&mut output, &mut content).map_err(|error| broken("cat-file").why(error.to_string()))? {
                    history.missing += 1;
                    continue;
                }
                history.blobs += 1;
                if content[..content.len().min(8000)].contains(&0) {
                    history.binary += 1;
                    continue;
                }
                hits.extend(needles.values_in(&content).into_iter().map(|value| (n, value)));
            }
            Ok(())
        })?;
        git.end("cat-file")?;
        Ok(hits)
    }

    fn trace(&self, blobs: &[Blob], hits: &[(usize, usize)]) -> Result<Vec<Seen>> {
        if hits.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: Vec<&str> = hits.iter().map(|(blob, _)| blobs[*blob].name.as_str()).collect();
        found.sort_unstable();
        found.dedup();
        // Git lists the newest first; the oldest commits are in the last blobs.
        let mut command = self.offline();
        command.args(["log", "--all", "--raw", "--no-abbrev", "--no-renames", "--root", "--date=short", "--format=commit %h %cd"]);
        command.args(found.iter().rev().take(TRACED_BLOBS).map(|name| format!("--find-object={name}")));
        let log = within(LATE, &mut command, b"", "log")?;
        let oldest = oldest_commits(&log);
        let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
        let mut age = BTreeMap::new();
        for (blob, value) in hits {
            let blob = &blobs[*blob];
            let seen = seen.entry(*value).or_insert_with(|| Seen { value: *value, commit: None, paths: Vec::new() });
            if let Some(commit) = oldest.get(blob.name.as_str()).filter(|commit| age.get(value).is_none_or(|age| commit.age > *age)) {
                age.insert(*value, commit.age);
                seen.commit = Some((commit.name.to_string(), commit.day.to_string()));
            }
            if !seen.paths.contains(&blob.path) {
                seen.paths.push(blob.path.clone());
            }
        }
        seen.values_mut().for_each(|seen| seen.paths.sort());
        Ok(seen.into_values().collect())
    }

    /// A call that reads what is here and fetches nothing.
    pub(super) fn offline(&self) -> std::process::Command {
        let mut command = self.command();
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_OPTIONAL_LOCKS", "0");
        command
    }
}

struct Commit<'a> {
    /// Counted from the newest.
    age: usize,
    name: &'a str,
    day: &'a str,
}

/// The oldest commit that brings or takes each blob: the last one in a log, which is newest first.
fn oldest_commits(log: &str) -> BTreeMap<&str, Commit<'_>> {
    let mut oldest = BTreeMap::new();
    let (mut age, mut name, mut day) = (0, "", "");
    for line in log.lines() {
        if let Some((commit, date)) = line.strip_prefix("commit ").and_then(|rest| rest.split_once(' ')) {
            (age, name, day) = (age + 1, commit, date);
        } else if let Some(blob) = line.split(' ').nth(3).filter(|_| line.starts_with(':')) {
            oldest.insert(blob, Commit { age, name, day });
        }
    }
    oldest
}

/// Reads the next answer of `cat-file --batch`; `false` for an object that is not here.
pub(super) fn next_object(output: &mut impl BufRead, content: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut header = String::new();
    output.read_line(&mut header)?;
    let Some(size) = header.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok()) else {
        let ended = header.is_empty();
        return if ended { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(false) };
    };
    content.resize(size + 1, 0);
    output.read_exact(content)?;
    content.pop();
    Ok(true)
}

/// A child that is ended when it is let go of.
pub(super) struct Running {
    pub(super) child: Child,
    deadline: Deadline,
}

impl Running {
    pub(super) fn start(command: &mut std::process::Command, verb: &str) -> Result<Self> {
        let (child, deadline) = start(command, LATE).map_err(|error| broken(verb).why(error.to_string()))?;
        Ok(Running { child, deadline })
    }

    fn end(&mut self, verb: &str) -> Result<()> {
        let status = self.child.wait().map_err(|error| broken(verb).why(error.to_string()))?;
        self.deadline.met(verb)?;
        if status.success() {
            Ok(())
        } else {
            Err(broken(verb).why(format!("git could not read its history ({status})")).help("Run `git fsck`"))
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn broken(verb: &str) -> Error {
    Error::failed(format!("run git {verb}"))
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
