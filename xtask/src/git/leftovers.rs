//! Locks on references that a killed git left behind.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Git;
use crate::error::{Error, Result};

/// How long git holds the lock of a reference at the very most.
const PATIENCE: Duration = Duration::from_secs(2);

impl Git {
    /// The locks that stand in the way of moving HEAD.
    pub(super) fn reference_locks(&self) -> Vec<PathBuf> {
        let mut locks = vec![self.dir.join("HEAD.lock")];
        if let Ok(branch) = self.read(["symbolic-ref", "--quiet", "HEAD"]) {
            locks.push(self.common_dir.join(format!("{}.lock", branch.trim_end_matches('\n'))));
        }
        locks.into_iter().filter(|lock| lock.exists()).collect()
    }

    /// Removes locks of references that nobody holds any more. The caller knows that there were none
    /// when its step was prepared, and that none of its own children is alive. A lock of somebody else
    /// goes away by itself; one that stays while no git works here is what ours left.
    pub fn clear_reference_locks(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let locks = self.reference_locks();
            if locks.is_empty() {
                return Ok(());
            }
            if self.nobody_works_here() {
                for lock in locks {
                    fs::remove_file(&lock).map_err(|error| Error::io("remove", &lock, error))?;
                }
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(Error::failed("move HEAD")
                    .why(format!("{} exists and git is at work here", locks[0].display()))
                    .help("Wait for the other git command, then run `cargo xtask recover`"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Whether no `git` process has its working folder in this repository.
    fn nobody_works_here(&self) -> bool {
        let Ok(processes) = fs::read_dir("/proc") else { return false };
        !processes.flatten().any(|process| is_git(&process.path()) && works_in(&process.path(), &self.top))
    }
}

fn is_git(process: &Path) -> bool {
    fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == "git" || name.starts_with("git-"))
}

/// A process whose folder may not be seen (another user's) is taken to work here. One that has no
/// folder has ended, and only waits for somebody to ask how.
fn works_in(process: &Path, top: &Path) -> bool {
    match fs::read_link(process.join("cwd")) {
        Ok(cwd) => cwd.starts_with(top),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_git_that_has_ended_works_nowhere() {
        let pipe = Stdio::piped;
        let mut child = Command::new("git").args(["cat-file", "--batch"]).stdin(pipe()).stdout(pipe()).spawn().unwrap();
        // It answers, so it has become git.
        child.stdin.as_mut().unwrap().write_all(b"nothing\n").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 1]).unwrap();
        let process = PathBuf::from(format!("/proc/{}", child.id()));
        // Git goes to the top of its working tree.
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        assert!(is_git(&process) && works_in(&process, here) && !works_in(&process, Path::new("/nowhere")));
        // Killed and not waited for, it stays in the list of processes.
        child.kill().unwrap();
        while works_in(&process, here) {
            assert!(Instant::now() < until);
        }
        assert!(is_git(&process));
        child.wait().unwrap();
    }
}
