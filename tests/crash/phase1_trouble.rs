//! Phase 1 in an unkind world: signals, company, full and read-only disks, an output that takes nothing.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::crash::mount::Mount;
use super::crash::snapshot::{Snapshot, difference, files_and_git, whole};
use super::crash::{copy_of, folder, quiet, run, runner};
use super::phase1::{MIGRATE, carrier, committed, ending, everything, git, journals, killed, migrate, migrate_all, recover, rollback};
use super::phase1::{start_and_wait_in_hook, told, xtask};

pub const TESTS: &[runner::Test] = &[
    ("the_scenario_is_what_it_says", the_scenario_is_what_it_says),
    ("a_signal_at_any_moment_puts_everything_back", a_signal_at_any_moment_puts_everything_back),
    ("a_second_signal_only_says_what_is_happening", a_second_signal_only_says_what_is_happening),
    ("a_hook_that_hangs_can_be_interrupted", a_hook_that_hangs_can_be_interrupted),
    ("a_second_run_is_refused", a_second_run_is_refused),
    ("an_open_run_stops_every_changing_command", an_open_run_stops_every_changing_command),
    ("git_at_work_is_met_before_anything_is_touched", git_at_work_is_met_before_anything_is_touched),
    ("a_full_disk_ends_before_or_after", a_full_disk_ends_before_or_after),
    ("a_recovery_on_a_full_disk_can_be_repeated", a_recovery_on_a_full_disk_can_be_repeated),
    ("what_is_read_only_is_refused", what_is_read_only_is_refused),
    ("what_belongs_to_others_is_refused", what_belongs_to_others_is_refused),
    ("an_output_that_takes_nothing_stops_nothing", an_output_that_takes_nothing_stops_nothing),
];

fn tree_of(prepare: fn(&Path)) -> (tempfile::TempDir, Snapshot) {
    let tree = folder();
    prepare(tree.path());
    let before = files_and_git(tree.path());
    (tree, before)
}

#[track_caller]
fn assert_same(before: &Snapshot, root: &Path) {
    let now = files_and_git(root);
    assert!(now == *before, "{}", difference(before, &now));
}

fn the_scenario_is_what_it_says() {
    let (tree, _) = tree_of(committed);
    let link = tree.path().join("tools/compose/.env");
    assert_eq!(fs::read_link(link).unwrap(), Path::new("../../.env"));
    assert_eq!(fs::metadata(tree.path().join(".env")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(git(tree.path(), &["ls-files", ".env"]), "");
    assert_eq!(git(tree.path(), &["rev-list", "--count", "HEAD"]), "2\n");
    assert_eq!(git(tree.path(), &["diff", "--cached", "--name-only"]), "staged.txt\n");
    let (tree, _) = tree_of(carrier);
    assert!(run(&migrate(&[]), tree.path()).success());
    assert!(fs::symlink_metadata(tree.path().join("tools/compose/.env")).unwrap().is_file());
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

fn a_signal_at_any_moment_puts_everything_back() {
    let (template, before) = tree_of(everything);
    let (after, _) = tree_of(committed);
    let after = files_and_git(after.path());
    let mut codes = std::collections::BTreeMap::new();
    for number in 0..24 {
        let tree = copy_of(template.path());
        let mut child = quiet(&migrate_all(), tree.path()).spawn().unwrap();
        // Deterministic, and spread over what a run takes.
        std::thread::sleep(Duration::from_millis(number * 37 % 240));
        send(&child, if number % 2 == 0 { Signal::SIGINT } else { Signal::SIGTERM });
        let code = child.wait().unwrap().code();
        match code {
            Some(0) => assert_same(&after, tree.path()),
            // None: before it listens for signals, and so before it does anything.
            Some(130) | None => assert_same(&before, tree.path()),
            other => panic!("number {number}: {other:?}"),
        }
        *codes.entry(code).or_insert(0) += 1;
        assert_eq!(told(&recover(), tree.path()).0, 0);
    }
    println!("    signals: how often each exit code: {codes:?}");
}

fn a_second_signal_only_says_what_is_happening() {
    let (tree, before) = tree_of(everything);
    let child = start_and_wait_in_hook(tree.path(), true);
    for _ in 0..3 {
        send(&child, Signal::SIGINT);
        // Two at once are one for the kernel.
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::write(tree.path().join(".git/go"), "").unwrap();
    let (code, said) = ending(&child.wait_with_output().unwrap());
    assert_eq!(code, 130, "{said}");
    assert_eq!(said.matches("being finished: commit").count(), 2, "{said}");
    assert_same(&before, tree.path());
}

fn a_hook_that_hangs_can_be_interrupted() {
    let (tree, before) = tree_of(everything);
    let child = start_and_wait_in_hook(tree.path(), false);
    send(&child, Signal::SIGTERM);
    let (code, said) = ending(&child.wait_with_output().unwrap());
    assert_eq!(code, 130, "{said}");
    assert_same(&before, tree.path());
    assert_eq!(told(&recover(), tree.path()).0, 0);
}

fn a_second_run_is_refused() {
    let (tree, _) = tree_of(everything);
    let first = start_and_wait_in_hook(tree.path(), false);
    let during = files_and_git(tree.path());
    for command in [migrate_all(), xtask(&["security-fix", "--yes"]), rollback()] {
        let (code, said) = told(&command, tree.path());
        let holder = format!("(process {}) holds it since", first.id());
        assert!(code == 3 && said.contains(&holder) && said.contains("security-fix"), "{code}: {said}");
    }
    // A recovery waits for the living run, says so, and can be told to stop.
    let mut waiting = quiet(&recover(), tree.path()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(waiting.try_wait().unwrap(), None);
    send(&waiting, Signal::SIGINT);
    let (code, said) = ending(&waiting.wait_with_output().unwrap());
    assert!(code == 130 && said.contains("waiting: root@") | said.contains("holds it since"), "{code}: {said}");
    assert_same(&during, tree.path());
    fs::write(tree.path().join(".git/go"), "").unwrap();
    assert!(first.wait_with_output().unwrap().status.success());
}

fn an_open_run_stops_every_changing_command() {
    let (tree, _) = tree_of(killed);
    let before = whole(tree.path());
    let run = journals(tree.path())[0].parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    let dry = xtask(&[&MIGRATE[..], &["--dry-run"]].concat());
    for command in [migrate_all(), xtask(&["security-fix", "--yes"]), rollback(), dry] {
        let (code, said) = told(&command, tree.path());
        assert!(code == 3 && said.contains(&run) && said.contains("cargo xtask recover"), "{command:?}: {code}: {said}");
        let now = whole(tree.path());
        assert!(now == before, "{command:?}: {}", difference(&before, &now));
    }
    let (_, said) = told(&xtask(&["history"]), tree.path());
    assert!(said.contains(&run) && said.contains("open"), "{said}");
    let (_, original) = tree_of(everything);
    assert_eq!(told(&recover(), tree.path()).0, 0);
    assert_same(&original, tree.path());
}

fn git_at_work_is_met_before_anything_is_touched() {
    let obstacles: [(&str, &str); 4] = [
        (".git/index.lock", "index.lock exists"),
        (".git/refs/heads/main.lock", "main.lock exists"),
        (".git/MERGE_HEAD", "a merge is under way"),
        (".git/HEAD.lock", "HEAD.lock exists"),
    ];
    for (file, why) in obstacles {
        for (prepare, command) in [(everything as fn(&Path), migrate_all()), (committed, rollback())] {
            let (tree, before) = tree_of(prepare);
            fs::write(tree.path().join(file), git(tree.path(), &["rev-parse", "HEAD"])).unwrap();
            let (code, said) = told(&command, tree.path());
            assert!(code == 3 && said.contains(why) && said.contains("git-is-ready"), "{file}: {code}: {said}");
            fs::remove_file(tree.path().join(file)).expect("somebody else's lock is left alone");
            assert_same(&before, tree.path());
            assert!(run(&command, tree.path()).success());
        }
    }
    // Nobody to commit as: known before the files are touched, too.
    let (tree, before) = tree_of(everything);
    git(tree.path(), &["config", "--unset", "user.email"]);
    git(tree.path(), &["config", "user.useConfigOnly", "true"]);
    let (code, said) = told(&migrate_all(), tree.path());
    assert!(code == 3 && said.contains("git does not know who you are"), "{code}: {said}");
    assert_same(&before, tree.path());
}

/// Fills the disk up to `free_kib`; returns what takes the room.
fn fill(disk: &Mount, free_kib: u64) -> std::path::PathBuf {
    let filler = disk.path().join(".git/filler");
    let file = File::create(&filler).unwrap();
    file.set_len(0).unwrap();
    let free = nix::sys::statvfs::statvfs(disk.path()).map(|stat| stat.blocks_available() * stat.fragment_size()).unwrap();
    fs::write(&filler, vec![0; free.saturating_sub(free_kib * 1024) as usize]).unwrap();
    filler
}

/// The content of a tree on a small disk of its own.
fn on_small_disk(template: &Path, at: &Path) -> Option<Mount> {
    let disk = Mount::new(at, "size=4m")?;
    assert!(run(&["cp", "-a", "--", &format!("{}/.", template.display()), "."].map(String::from), disk.path()).success());
    Some(disk)
}

fn a_full_disk_ends_before_or_after() {
    let (template, before) = tree_of(everything);
    let (after, _) = tree_of(committed);
    let (after, place) = (files_and_git(after.path()), folder());
    let (mut points, mut codes) = (0, std::collections::BTreeMap::new());
    for free_kib in (0..=320).step_by(8) {
        let Some(disk) = on_small_disk(template.path(), place.path()) else {
            println!("    skipped: only root may mount a small disk");
            return;
        };
        let filler = fill(&disk, free_kib);
        let (code, said) = told(&migrate_all(), disk.path());
        fs::remove_file(&filler).unwrap();
        match code {
            0 => assert_same(&after, disk.path()),
            3 | 4 | 6 => assert_same(&before, disk.path()),
            // The room for an undo was kept: on a full disk, too, nobody is needed.
            _ => panic!("{free_kib} kB free: {code}: {said}"),
        }
        *codes.entry(code).or_insert(0) += 1;
        assert_eq!(told(&recover(), disk.path()).0, 0, "{free_kib} kB free");
        assert_same(if code == 0 { &after } else { &before }, disk.path());
        points += 1;
    }
    println!("    full disk: {points} sizes; how often each exit code: {codes:?}");
    assert!(codes.contains_key(&0) && codes.contains_key(&4) && codes.contains_key(&6), "{codes:?}");
}

fn a_recovery_on_a_full_disk_can_be_repeated() {
    let (template, _) = tree_of(killed);
    let (_, before) = tree_of(everything);
    let place = folder();
    let mut codes = std::collections::BTreeMap::new();
    for free_kib in (0..=96).step_by(8) {
        let Some(disk) = on_small_disk(template.path(), place.path()) else { return };
        let filler = fill(&disk, free_kib);
        let (code, said) = told(&recover(), disk.path());
        assert!(matches!(code, 0 | 5), "{free_kib} kB free: {code}: {said}");
        if code == 5 {
            assert_eq!(told(&migrate_all(), disk.path()).0, 3);
        }
        fs::remove_file(&filler).unwrap();
        assert_eq!(told(&recover(), disk.path()).0, 0);
        assert_same(&before, disk.path());
        *codes.entry(code).or_insert(0) += 1;
    }
    println!("    recovery on a full disk: how often each exit code: {codes:?}");
}

fn what_is_read_only_is_refused() {
    let file = "tools/compose/docker-compose.database.yml";
    let (tree, _) = tree_of(everything);
    fs::set_permissions(tree.path().join(file), Permissions::from_mode(0o444)).unwrap();
    let before = files_and_git(tree.path());
    let (code, said) = told(&migrate_all(), tree.path());
    assert!(code == 3 && said.contains("writable-files") && said.contains(&format!("{file} is read-only")), "{code}: {said}");
    assert_same(&before, tree.path());

    // A file system that takes nothing, below the project and at its root.
    for below in ["tools", ""] {
        let (template, _) = tree_of(everything);
        let place = folder();
        let at = place.path().join(below);
        let Some(disk) = on_small_disk(&template.path().join(below), &{
            if !below.is_empty() {
                run(&["cp", "-a", "--", &format!("{}/.", template.path().display()), "."].map(String::from), place.path());
            }
            at
        }) else {
            return;
        };
        assert!(disk.close());
        let before = files_and_git(place.path());
        let (code, said) = told(&migrate_all(), place.path());
        assert!(matches!(code, 3 | 6) && said.to_lowercase().contains("read-only"), "{below}: {code}: {said}");
        assert_same(&before, place.path());
    }
}

/// As a user who may write to the folder, but may not give files away.
fn what_belongs_to_others_is_refused() {
    let place = folder();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let (program, root) = (place.path().join("xtask"), place.path().join("project"));
    fs::copy(env!("CARGO_BIN_EXE_xtask"), &program).unwrap();
    fs::create_dir(&root).unwrap();
    carrier(&root);
    let words = |text: String| text.split(' ').map(String::from).collect::<Vec<_>>();
    let home = format!("env HOME={} XDG_CONFIG_HOME=/nowhere", root.display());
    let command = words(format!("setpriv --reuid=1234 --regid=4321 --clear-groups {home} {} migrate --phase 1 --yes", program.display()));
    if !run(&words("setpriv --reuid=1234 --regid=4321 --clear-groups true".into()), &root).success() {
        println!("    skipped: only root may become somebody else");
        return;
    }
    let chown = |who: &str, what: &str| assert!(run(&words(format!("chown -R {who} {what}")), &root).success());
    for (who, file) in [("1235:4321", "tools/compose/docker-compose.cache.yml"), ("1234:4322", ".env")] {
        chown("1234:4321", ".");
        chown(who, file);
        fs::set_permissions(root.join(file), Permissions::from_mode(0o666)).unwrap();
        let before = super::crash::snapshot::files(&root);
        let (code, said) = told(&command, &root);
        assert!(code == 3 && said.contains(&format!("{file} belongs to another user or group")), "{file}: {code}: {said}");
        assert_eq!(super::crash::snapshot::files(&root), before);
    }
    chown("1234:4321", ".");
    let (code, said) = told(&command, &root);
    assert_eq!(code, 0, "{said}");
}

fn an_output_that_takes_nothing_stops_nothing() {
    let (template, _) = tree_of(everything);
    let (after, _) = tree_of(committed);
    let after = files_and_git(after.path());
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let tree = copy_of(template.path());
    assert!(quiet(&migrate_all(), tree.path()).stdout(full()).stderr(full()).status().unwrap().success());
    assert_same(&after, tree.path());
    let tree = copy_of(template.path());
    assert!(quiet(&migrate_all(), tree.path()).stdout(closed()).stderr(closed()).status().unwrap().success());
    assert_same(&after, tree.path());
}
