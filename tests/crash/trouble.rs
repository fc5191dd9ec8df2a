//! A small run in an unkind world: torn journals, full and read-only disks, company, signals.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::crash::mount::Mount;
use super::crash::{copy_of, folder, run, snapshot};
use super::saga_bin;
use super::saga_tests::{saga, start_and_wait_in_proof};

pub const TESTS: &[(&str, fn())] = &[
    ("a_torn_journal_is_recovered", a_torn_journal_is_recovered),
    ("a_signal_puts_everything_back", a_signal_puts_everything_back),
    ("a_second_signal_only_says_what_is_happening", a_second_signal_only_says_what_is_happening),
    ("a_second_run_is_refused", a_second_run_is_refused),
    ("an_open_run_is_refused_until_recovered", an_open_run_is_refused_until_recovered),
    ("a_full_disk_ends_before_or_after", a_full_disk_ends_before_or_after),
    ("a_read_only_folder_is_put_back", a_read_only_folder_is_put_back),
];

fn tree() -> tempfile::TempDir {
    let tree = folder();
    saga_bin::prepare(tree.path());
    tree
}

/// A tree whose run was killed in its proof: all its steps are taken.
fn open_run() -> tempfile::TempDir {
    let tree = tree();
    let mut child = start_and_wait_in_proof(tree.path(), "slow");
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(tree.path().join("ready")).unwrap();
    tree
}

fn journal(root: &Path) -> PathBuf {
    let run = std::fs::read_dir(root.join(".xtask/runs")).unwrap().next().unwrap().unwrap();
    run.path().join("journal.jsonl")
}

fn a_torn_journal_is_recovered() {
    let (before, open) = (snapshot::files(tree().path()), open_run());
    let whole = std::fs::read(journal(open.path())).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    // The last record says that the last step was applied; without it, it is undone all the same.
    for cut in last..=whole.len() {
        for garbage in [&b""[..], b"\0\0\0"] {
            let tree = copy_of(open.path());
            std::fs::write(journal(tree.path()), [&whole[..cut], garbage].concat()).unwrap();
            assert!(run(&saga(&["recover"]), tree.path()).success(), "cut at {cut} of {}", whole.len());
            assert_eq!(snapshot::files(tree.path()), before, "cut at {cut} of {}", whole.len());
            assert!(std::fs::read(journal(tree.path())).unwrap().starts_with(&whole[..last]));
        }
    }
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

fn a_signal_puts_everything_back() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let tree = tree();
        let before = snapshot::files(tree.path());
        let mut child = start_and_wait_in_proof(tree.path(), "slow");
        assert_ne!(snapshot::files(tree.path()), before);
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(snapshot::files(tree.path()), before);
    }
}

fn a_second_signal_only_says_what_is_happening() {
    let tree = tree();
    let before = snapshot::files(tree.path());
    let mut child = start_and_wait_in_proof(tree.path(), "stubborn");
    send(&child, Signal::SIGINT);
    // Two at once are one for the kernel.
    std::thread::sleep(std::time::Duration::from_millis(200));
    send(&child, Signal::SIGINT);
    let (status, mut said) = (child.wait().unwrap(), String::new());
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(130), "still proving the result\n"));
    assert_eq!(snapshot::files(tree.path()), before);
}

fn a_second_run_is_refused() {
    let tree = tree();
    let mut first = start_and_wait_in_proof(tree.path(), "slow");
    let during = snapshot::files(tree.path());
    assert_eq!(run(&saga(&["run", "files"]), tree.path()).code(), Some(3));
    assert_eq!(snapshot::files(tree.path()), during);
    send(&first, Signal::SIGTERM);
    assert_eq!(first.wait().unwrap().code(), Some(130));
    assert!(run(&saga(&["run", "files"]), tree.path()).success());
}

fn an_open_run_is_refused_until_recovered() {
    let (open, before) = (open_run(), snapshot::files(tree().path()));
    let during = snapshot::files(open.path());
    assert_eq!(run(&saga(&["run", "files"]), open.path()).code(), Some(3));
    assert_eq!(snapshot::files(open.path()), during);
    assert!(run(&saga(&["recover"]), open.path()).success());
    assert_eq!(snapshot::files(open.path()), before);
    assert!(run(&saga(&["run", "files"]), open.path()).success());
}

fn a_full_disk_ends_before_or_after() {
    // In steps of what a small file takes.
    let place = folder();
    let (mut points, mut codes) = (0, std::collections::BTreeMap::new());
    for free_kib in (0..=200).step_by(4) {
        let Some(disk) = Mount::new(place.path(), "size=1024k") else {
            println!("    skipped: only root may mount a small disk");
            return;
        };
        saga_bin::prepare(disk.path());
        let before = snapshot::files(disk.path());
        let used = Command::new("df").args(["--output=used", "-k"]).arg(disk.path()).output().unwrap();
        let used: usize = String::from_utf8(used.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
        let filler = disk.path().join(".xtask-filler");
        std::fs::write(&filler, vec![0u8; (1024 - used - free_kib) * 1024]).unwrap();
        let status = run(&saga(&["run", "files"]), disk.path());
        std::fs::remove_file(&filler).unwrap();
        match status.code() {
            Some(0) => assert_ne!(snapshot::files(disk.path()), before),
            // Also one that could not even begin has touched nothing.
            Some(4 | 6) => assert_eq!(snapshot::files(disk.path()), before, "{free_kib} kB free"),
            _ => panic!("{free_kib} kB free: {status}"),
        }
        *codes.entry(status.code()).or_insert(0) += 1;
        assert!(run(&saga(&["recover"]), disk.path()).success());
        if status.code() != Some(0) {
            assert_eq!(snapshot::files(disk.path()), before, "{free_kib} kB free, recovered");
        }
        points += 1;
    }
    println!("    full disk: {points} sizes; how often each exit code: {codes:?}");
    assert!(codes.contains_key(&Some(0)) && codes.contains_key(&Some(4)) && codes.contains_key(&Some(6)), "{codes:?}");
}

fn a_read_only_folder_is_put_back() {
    use std::os::unix::fs::PermissionsExt;
    let tree = tree();
    let sub = tree.path().join("sub");
    let mounted = Mount::new(&sub, "size=1024k");
    std::fs::write(sub.join("other.txt"), "short").unwrap();
    // Root writes through permissions, but not into a read-only file system.
    let closed = mounted.as_ref().is_some_and(Mount::close);
    if !closed {
        std::fs::set_permissions(&sub, std::fs::Permissions::from_mode(0o555)).unwrap();
    }
    let before = snapshot::files(tree.path());
    assert_eq!(run(&saga(&["run", "files"]), tree.path()).code(), Some(4));
    assert_eq!(snapshot::files(tree.path()), before);
    if !closed {
        std::fs::set_permissions(&sub, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
