//! An end for a call of git that does not come to its own: git opens whatever bears the name of an
//! ignore file, and would wait for ever at a named pipe.

use std::io::Result;
use std::process::{Child, Command};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::error::Error;

/// Git takes its locks away when it is asked to end; what does not end then is killed.
const GRACE: Duration = Duration::from_secs(5);

/// Watches over one child, beside the thread that reads what it says.
pub(super) struct Deadline {
    after: Duration,
    /// Dropped when the child has ended.
    running: Option<Sender<()>>,
    watch: Option<JoinHandle<bool>>,
}

/// Starts a command, which must lead a process group of its own, and ends the group after `after`.
pub(super) fn start(command: &mut Command, after: Duration) -> Result<(Child, Deadline)> {
    let mut child = command.spawn()?;
    let group = Pid::from_raw(child.id().cast_signed());
    let (running, ended) = channel::<()>();
    let watch = Builder::new().name("git's deadline".to_string()).spawn(move || {
        let late = |after| ended.recv_timeout(after) == Err(RecvTimeoutError::Timeout);
        let passed = late(after);
        // A group that is gone already needs no signal, so an error here says nothing.
        if passed && killpg(group, Signal::SIGTERM).is_ok() && late(GRACE) {
            let _ = killpg(group, Signal::SIGKILL);
        }
        passed
    });
    match watch {
        Ok(watch) => Ok((child, Deadline { after, running: Some(running), watch: Some(watch) })),
        Err(error) => {
            // Both fail when it has ended already.
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

impl Deadline {
    /// To be asked when the child has ended.
    ///
    /// # Errors
    /// It was ended: `Unusable`, because git could not look.
    pub(super) fn met(&mut self, verb: &str) -> std::result::Result<(), Error> {
        self.running = None;
        let passed = self.watch.take().is_some_and(|watch| watch.join().unwrap_or(false));
        if !passed {
            return Ok(());
        }
        Err(Error::unusable(format!("run git {verb}")).why(format!("not done after {} s", self.after.as_secs())).help(
            "See what it waits for: a named pipe where git reads a file (.gitignore, .gitattributes), or a disk that does not answer",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Instant;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::super::Git;
    use super::super::call::within;
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_named_pipe_as_ignore_file_does_not_hang_git() {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("git").args(["init", "--quiet"]).arg(folder.path()).status().unwrap();
        assert!(made.success());
        let git = Git::open(folder.path()).unwrap();
        mkfifo(&folder.path().join(".gitignore"), Mode::S_IRWXU).unwrap();
        let began = Instant::now();
        let mut list = git.command();
        list.args(["ls-files", "--others", "--exclude-standard"]);
        let error = within(Duration::from_millis(300), &mut list, b"", "ls-files").unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (Kind::Unusable, "run git ls-files: not done after 0 s"));
        assert!(error.help.unwrap().contains(".gitignore"));
        assert!((Duration::from_millis(300)..GRACE).contains(&began.elapsed()), "it ends when it is asked to");
    }

    #[test]
    fn the_whole_group_of_a_stubborn_child_is_killed() {
        use std::os::unix::process::CommandExt;
        let mut stubborn = Command::new("sh");
        stubborn.args(["-c", "trap '' TERM; sleep 60 & sleep 60"]).process_group(0).stdout(Stdio::piped());
        let began = Instant::now();
        let (child, mut deadline) = start(&mut stubborn, Duration::from_millis(50)).unwrap();
        // The pipe closes when the last of the group has ended.
        let output = child.wait_with_output().unwrap();
        assert!(!output.status.success());
        assert!(began.elapsed() < Duration::from_secs(30));
        assert!(deadline.met("x").is_err());
    }

    #[test]
    fn a_child_that_ends_in_time_was_not_late() {
        let (mut child, mut deadline) = start(&mut Command::new("true"), Duration::from_secs(60)).unwrap();
        child.wait().unwrap();
        assert!(deadline.met("x").is_ok());
    }
}
