//! Small file systems in memory.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// A file system of its own, in memory, until it is dropped.
pub struct Mount(PathBuf);

impl Mount {
    /// `None`: this user may not mount.
    pub fn new(at: &Path, options: &str) -> Option<Self> {
        mount(&["-t", "tmpfs", "-o", options, "xtask-test"], at).success().then(|| Mount(at.to_path_buf()))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it read-only.
    pub fn close(&self) -> bool {
        mount(&["-o", "remount,ro"], &self.0).success()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(args: &[&str], at: &Path) -> ExitStatus {
    Command::new("mount").args(args).arg(at).stderr(Stdio::null()).status().unwrap()
}
