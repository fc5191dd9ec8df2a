//! One run at a time. The kernel holds the lock, so a crash frees it; the file only says who holds
//! it.
//!
//! The descriptor stays open in children on purpose: a `docker compose` that outlives its killed
//! parent keeps the lock, and recovery waits for it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::clock::now_ms;
use crate::error::{Error, Result};

/// Who holds a lock, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `user@host`.
    pub who: String,
    pub pid: u32,
    pub since_ms: u64,
    /// The task and its run.
    pub doing: String,
}

impl Holder {
    pub fn me(doing: impl Into<String>) -> Self {
        Holder { who: super::store::who(), pid: std::process::id(), since_ms: now_ms(), doing: doing.into() }
    }

    /// Whether it was a process of this machine and user, and is no more: what keeps the lock then
    /// is a program that it started.
    fn has_ended(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().filter(|pid| *pid > 0);
        let gone = |pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH);
        self.who == super::store::who() && pid.is_some_and(gone)
    }
}

/// A lock that is held until it is dropped and every child that inherited it has ended.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Somebody else holds the lock; `holder` is missing when they have just taken it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub path: PathBuf,
    pub holder: Option<Holder>,
}

impl Held {
    pub fn into_error(self) -> Error {
        let error = Error::refused("take the lock");
        let Some(holder) = self.holder else {
            return error.why(format!("somebody has just taken {}", self.path.display())).help("Wait until that run has ended");
        };
        let Holder { who, pid, doing, .. } = &holder;
        let since = super::utc(holder.since_ms);
        if holder.has_ended() {
            return error
                .why(format!("{doing} has ended (process {pid} of {who}, since {since} UTC), but a program that it started still runs"))
                .help("`cargo xtask recover` waits for that program, then settles the run");
        }
        error.why(format!("{who} (process {pid}) holds it since {since} UTC: {doing}")).help("Wait until that run has ended")
    }
}

/// Takes the lock at `path`, whose folder exists, without waiting.
pub fn try_lock(path: &Path, holder: &Holder) -> Result<Result<Lock, Held>> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::io("open the lock", path, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Err(Held { path: path.to_path_buf(), holder: read_holder(&mut file) })),
        Err(TryLockError::Error(error)) => return Err(Error::io("lock", path, error)),
    }
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).map_err(|error| Error::io("share the lock", path, error.into()))?;
    // What it says is for people; on a full disk it is held all the same.
    let _ = write_holder(&mut file, holder);
    Ok(Ok(Lock { _file: file, path: path.to_path_buf() }))
}

/// Who holds the lock at `path`, if anybody does; changes nothing.
pub fn held(path: &Path) -> Result<Option<Held>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| Error::io("open the lock", path, error))?,
    };
    // Shared and given back at once: whoever comes to take it waits, or is told that it was just taken.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(Held { path: path.to_path_buf(), holder: read_holder(&mut file) })),
        Err(TryLockError::Error(error)) => Err(Error::io("look at the lock", path, error)),
    }
}

/// Takes the lock as soon as it is free, for recovery: what a killed run has started must have ended.
/// `go_on` is asked again and again who is in the way; when it says no, or at the deadline, it is given up.
pub fn wait_lock(path: &Path, holder: &Holder, deadline: Duration, go_on: &dyn Fn(&Held) -> bool) -> Result<Result<Lock, Held>> {
    let until = Instant::now() + deadline;
    loop {
        let tried = try_lock(path, holder)?;
        let Err(held) = &tried else { return Ok(tried) };
        if !go_on(held) || Instant::now() >= until {
            return Ok(tried);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(holder)?)
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = Vec::new();
    file.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn says_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (first, second) = (Holder::me("first"), Holder::me("second, whose name is longer"));
        assert_eq!(held(&path).unwrap(), None, "nobody does, and no file is made for the question");
        assert!(!path.exists());
        let lock = try_lock(&path, &first).unwrap().unwrap();
        assert_eq!(held(&path).unwrap().unwrap().holder.as_ref(), Some(&first));
        let held = try_lock(&path, &second).unwrap().unwrap_err();
        assert_eq!(held.holder, Some(first));
        assert!(held.into_error().to_string().contains(": first"));
        drop(lock);
        // Not at once: a program that another test has just started may have inherited it.
        let lock = wait_lock(&path, &second, Duration::from_secs(10), &|_| true).unwrap().unwrap();
        let _ = try_lock(&path, &Holder::me("third")).unwrap().unwrap_err();
        assert_eq!(std::fs::read(lock.path()).unwrap(), serde_json::to_vec(&second).unwrap());
    }

    #[test]
    fn a_holder_that_has_ended_is_told_from_one_that_works() {
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let path = PathBuf::from("lock");
        let told = |holder| Held { path: path.clone(), holder: Some(holder) }.into_error();
        let error = told(Holder { pid: ended.id(), ..Holder::me("preflight") });
        assert!(error.to_string().contains("preflight has ended"), "{error}");
        assert!(error.help.iter().any(|help| help.contains("cargo xtask recover")), "{error}");
        let elsewhere = Holder { pid: ended.id(), who: "ann@elsewhere".into(), ..Holder::me("preflight") };
        assert!(told(elsewhere).to_string().contains("holds it since"), "another machine's processes are not to be seen");
    }

    #[test]
    fn a_child_keeps_it_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = try_lock(&path, &Holder::me("parent")).unwrap().unwrap();
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        drop(lock);
        let held = wait_lock(&path, &Holder::me("recover"), Duration::from_millis(150), &|_| true).unwrap().unwrap_err();
        assert!(held.into_error().to_string().contains("holds it since"), "this process still runs");
        assert!(wait_lock(&path, &Holder::me("recover"), Duration::from_secs(60), &|held| held.path != path).unwrap().is_err());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(wait_lock(&path, &Holder::me("recover"), Duration::from_secs(10), &|_| true).unwrap().is_ok());
    }
}
