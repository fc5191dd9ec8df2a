//! Phase 1, its recovery and its rollback, at every call that changes something.

use std::path::Path;

use super::crash::snapshot::{self, Snapshot};
use super::crash::{Fault, Scenario, copy_of, enumerate, folder, order, runner, trace};
use super::phase1::{carrier, committed, everything, killed, migrate, migrate_all, recover, rollback, without_git};

pub const TESTS: &[runner::Test] = &[
    ("phase1_survives_every_kill", phase1_survives_every_kill),
    ("phase1_survives_every_failing_call", phase1_survives_every_failing_call),
    ("phase1_survives_the_death_of_every_git", phase1_survives_the_death_of_every_git),
    ("phase1_can_be_interrupted_anywhere", phase1_can_be_interrupted_anywhere),
    ("a_small_env_survives", a_small_env_survives),
    ("a_project_without_git_survives", a_project_without_git_survives),
    ("a_recovery_survives", a_recovery_survives),
    ("a_rollback_survives", a_rollback_survives),
    ("no_effect_before_its_record_is_synced", no_effect_before_its_record_is_synced),
];

type Prepare = fn(&Path);

/// Tries the command, with `recover` afterwards; fails when there are fewer than `floor` points.
fn survives(floor: usize, every: usize, name: &str, prepare: Prepare, command: &[String], faults: &[Fault]) {
    let scenario = Scenario {
        name,
        prepare: &prepare,
        command,
        recover: &recover(),
        snapshot: snapshot_of(prepare),
        undone: &[3, 4, 6],
        open: &[5],
        every,
    };
    let points = enumerate(&scenario, faults);
    assert!(points >= floor, "{name}: only {points} points, there were {floor}");
}

fn snapshot_of(prepare: Prepare) -> fn(&Path) -> Snapshot {
    if std::ptr::fn_addr_eq(prepare, without_git as Prepare) { snapshot::files } else { snapshot::files_and_git }
}

fn phase1_survives_every_kill() {
    survives(190, 1, "phase 1, killed", everything, &migrate_all(), &[Fault::KillAlone]);
    survives(47, 4, "phase 1, killed with its children", everything, &migrate_all(), &[Fault::KillAll]);
}

fn phase1_survives_every_failing_call() {
    survives(95, 4, "phase 1, full or bad disk", everything, &migrate_all(), &[Fault::Fails("ENOSPC"), Fault::Fails("EIO")]);
}

fn phase1_survives_the_death_of_every_git() {
    survives(34, 3, "phase 1, git killed", everything, &migrate_all(), &[Fault::KillChild]);
}

fn phase1_can_be_interrupted_anywhere() {
    survives(46, 8, "phase 1, interrupted", everything, &migrate_all(), &[Fault::Signal("SIGINT"), Fault::Signal("SIGTERM")]);
}

const EVERY_FAULT: [Fault; 4] = [Fault::KillAlone, Fault::Fails("ENOSPC"), Fault::Fails("EIO"), Fault::Signal("SIGTERM")];

fn a_small_env_survives() {
    survives(34, 11, "small .env", carrier, &migrate(&[]), &EVERY_FAULT);
}

fn a_project_without_git_survives() {
    survives(25, 11, "no git", without_git, &migrate(&[]), &EVERY_FAULT);
}

fn a_recovery_survives() {
    survives(66, 7, "recovery", killed, &recover(), &[Fault::KillAlone, Fault::KillAll, Fault::Fails("ENOSPC"), Fault::Fails("EIO")]);
}

fn a_rollback_survives() {
    survives(
        54,
        11,
        "rollback",
        committed,
        &rollback(),
        &[Fault::KillAlone, Fault::KillChild, Fault::Fails("ENOSPC"), Fault::Fails("EIO")],
    );
}

fn no_effect_before_its_record_is_synced() {
    trace::require_strace();
    let cases: [(&str, Prepare, Vec<String>, usize); 4] = [
        ("migrate", everything, migrate_all(), 98),
        ("migrate without git", without_git, migrate(&[]), 9),
        ("recover", killed, recover(), 78),
        ("rollback", committed, rollback(), 80),
    ];
    for (name, prepare, command, floor) in cases {
        let template = folder();
        prepare(template.path());
        let tree = copy_of(template.path());
        let (status, log) = trace::log(&command, tree.path());
        assert!(status.success(), "{name}: {status}");
        let seen = order::assert_synced_before_effects(&log, tree.path());
        println!("    {name}: {seen} effects after their records");
        assert!(seen >= floor, "{name}: only {seen} effects, there were {floor}");
    }
}
