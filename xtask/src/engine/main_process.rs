//! The end of a container's main process, as an accident would bring it: from outside of the container, and
//! not through the engine, for what the engine was told to kill it does not start again.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Container, Status};

/// Kills the main process of a running container. `false`, and nothing was done: it does not run on this
/// machine, or may not be killed by this user.
pub fn end(container: &Container) -> bool {
    let pid = container.state.pid;
    if container.state.status != Status::Running || pid <= 1 {
        return false;
    }
    // The engine of another machine counts its own processes: the kernel must say that this one is the container's.
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let is_its_own = container.id.len() >= 64 && groups.contains(&container.id);
    let Some(pid) = i32::try_from(pid).ok().filter(|_| is_its_own) else { return false };
    // One that has just ended by itself comes back in the same way.
    matches!(kill(Pid::from_raw(pid), Signal::SIGKILL), Ok(()) | Err(Errno::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::wait::tests::container;

    #[test]
    fn a_process_that_is_not_the_container_s_is_left_alone() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let mut other = container(Status::Running);
        other.id = "a".repeat(64);
        other.state.pid = i64::from(child.id());
        assert!(!end(&other));
        other.id = String::new();
        assert!(!end(&other));
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
