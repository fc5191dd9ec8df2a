//! Restores beside the live data, and backups that are let go, killed in the midst of it: whatever is listed is whole,
//! and `recover` leaves nothing behind.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xtask::engine::{Engine, Status};

use crate::backup::{Said, Stack};
use crate::{engine_support, injected, listing, nothing_is_left, of_runs, packs, small, under_strace};

/// Dies when its `when`-th call of a thread begins: of this file, where one is named.
fn dies_at(stack: &Stack, args: &[&str], path: Option<&Path>, calls: &str, when: usize) {
    let mut command = under_strace(stack.command(args), path, calls, when);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.signal() == Some(9) || status.code() == Some(137), "{path:?} {calls} {when}: {status}");
}

/// The volumes that were made beside those of the stack.
fn beside(stack: &Stack) -> Vec<String> {
    let all = stack.sandbox.docker.volumes(&[]).unwrap().into_iter().map(|volume| volume.name);
    all.filter(|name| name.starts_with(&stack.sandbox.project) && name.contains("-restored-")).collect()
}

/// Nothing of a killed one stays, and nothing live was touched; `is_reached` says when it is killed.
pub fn beside_is_killed(stack: &Stack, args: &[&str], what: &str, is_reached: impl Fn() -> bool) {
    let mut child = stack.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let id = child.id();
    stack.wait(what, || is_reached() || ended(id));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "{what}");
    recovered(stack, what);
}

fn ended(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

fn recovered(stack: &Stack, what: &str) {
    assert_eq!(stack.run(&["restore", "--to-scratch"]).code, Some(3), "{what}: an open run refuses");
    stack.ok(&["recover"]);
    nothing_is_left(stack);
    assert_eq!(beside(stack), Vec::<String>::new(), "{what}");
}

#[test]
fn a_restore_beside_the_live_data_that_is_killed_leaves_nothing() {
    let Some(stack) = small("tskilled") else { return };
    stack.ok(&["backup"]);
    let (before, started) = (listing(&stack), stack.sandbox.container("app").state.started_at);
    let args = ["restore", "--to-scratch"];
    beside_is_killed(&stack, &args, "a volume", || !beside(&stack).is_empty());
    beside_is_killed(&stack, &args, "a holder", || !of_runs(&stack).is_empty());
    if which::which("strace").is_ok() {
        // All of it is there; that it counts is not written yet.
        dies_at(&stack, &args, None, "fdatasync", 3);
        recovered(&stack, "before it counts");
    } else {
        engine_support::skipped("killed at a call", "this needs strace");
    }
    assert_eq!((listing(&stack), stack.sandbox.container("app").state.started_at), (before, started));
    stack.ok(&args);
    let made = beside(&stack);
    assert_eq!(made.len(), 1);
    made.iter().for_each(|volume| stack.sandbox.docker.remove_volume(volume).unwrap());
    nothing_is_left(&stack);
}

/// The disk is full once something of a backup is to be written: it fails, and nothing of it counts or stays.
fn no_room_is_told(stack: &Stack, all: &[String]) {
    let mut command = injected(stack.command(&["backup"]), None, "ftruncate,fallocate", "error=ENOSPC:when=1+");
    let said = Said::of(command.output().unwrap());
    assert_eq!(said.code, Some(6), "{}", said.text);
    assert!(said.text.contains("No space left"), "{}", said.text);
    assert_eq!(names(stack), all);
    assert_eq!(stack.sandbox.container("app").state.status, Status::Running);
    stack.ok(&["backup", "check", "--read-data"]);
    nothing_is_left(stack);
}

fn names(stack: &Stack) -> Vec<String> {
    stack.json(&["backup", "list"]).as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_string()).collect()
}

/// The stack's state as it was when it was copied.
fn put_state(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap_or_default();
    let said = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(said.success());
}

/// Killed before any goes, when some are gone, and while room is made; at more points with `XTASK_FULL`.
#[test]
fn backups_that_are_let_go_are_gone_or_whole_when_that_is_killed() {
    let Some(stack) = small("fkilled") else { return };
    if which::which("strace").is_err() {
        return engine_support::skipped("killed at a call", "this needs strace");
    }
    for number in 0..3 {
        stack.inside("app", &format!("head -c 3000000 /dev/urandom > /data/sub/large; echo {number} > /data/number"));
        stack.ok(&["backup"]);
    }
    let all = names(&stack);
    no_room_is_told(&stack, &all);
    let (backups, kept) = (stack.state.path().join("backups"), stack.state.path().join("kept"));
    put_state(&backups, &kept);
    let files = |of: &str| -> Vec<PathBuf> { packs(&stack.repository().join(of)) };
    let (snapshots, indexes) = (files("snapshots"), files("index"));
    let newest = stack.json(&["backup", "list"])[2]["snapshot"].as_str().unwrap().to_string();
    let mut old = snapshots.iter().filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with(&newest));
    let (first, second): (&PathBuf, &PathBuf) = (old.next().unwrap(), old.next().unwrap());
    let unlink = "unlink,unlinkat";
    let mut points: Vec<(Option<&Path>, &str, usize)> = vec![
        (None, "fdatasync", 2),
        (Some(second), unlink, 1),
        // What is still needed is written anew, and then what it is found by.
        (None, "rename,renameat,renameat2", 1),
        (Some(&indexes[0]), unlink, 1),
    ];
    if std::env::var_os("XTASK_FULL").is_some() {
        points.extend([(Some(first.as_path()), unlink, 1), (None, "fdatasync", 4)]);
    }
    let forget = ["--yes", "backup", "forget", "--keep-last", "1", "--prune"];
    for (path, calls, when) in points {
        let at = format!("{path:?} {calls} {when}");
        put_state(&kept, &backups);
        dies_at(&stack, &forget, path, calls, when);
        // What is listed is whole at once, and nobody needs to recover to read it.
        assert!(names(&stack).contains(&all[2]), "{at}");
        stack.ok(&["backup", "check", "--read-data"]);
        stack.ok(&["recover"]);
        let left = names(&stack);
        assert!(left == all || left == all[2..], "{at}: {left:?}");
        stack.ok(&["backup", "check", "--read-data"]);
        stack.ok(&forget);
        assert_eq!(names(&stack), all[2..], "{at}");
        nothing_is_left(&stack);
    }
    stack.ok(&["backup", "verify"]);
    stack.restic(&["check", "--read-data"]);
}
