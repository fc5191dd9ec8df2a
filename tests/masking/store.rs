//! What a run leaves behind: journals and plans hold hashes and places, blobs are private.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::Canaries;
use crate::support::Project;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn state(project: &Project) -> Vec<PathBuf> {
    let mut files = Vec::new();
    files_below(&project.path(".xtask"), &mut files);
    files
}

/// How many blobs there are; everything else holds no canary.
fn assert_private(project: &Project) -> usize {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&project.path(".xtask")), 0o700);
    let mut blobs = 0;
    for file in state(project) {
        if file.parent().unwrap().ends_with("blobs") {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
            blobs += 1;
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for canary in Canaries::forms() {
            assert!(!text.contains(canary), "{} holds {canary}", file.display());
        }
    }
    blobs
}

#[test]
fn only_blobs_and_env_files_hold_secrets() {
    let project = Canaries::project();
    project.migrated(&["--commit"]);
    assert!(assert_private(&project) > 0, "originals are kept");
    assert_eq!(project.git(&["status", "--porcelain"]), "", "git sees nothing of .xtask");
    let values = project.env(".env");
    for canary in Canaries::ALL {
        let kept = values.values().any(|value| value == canary);
        assert!(kept, "{canary} has been lost: it is in no env file");
    }
    for name in project.git(&["ls-files"]).lines() {
        let text = project.read(name);
        for canary in Canaries::forms() {
            assert!(!text.contains(canary), "{name} still holds {canary}");
        }
    }
    let message = project.git(&["log", "-1", "--format=%B"]);
    assert!(Canaries::forms().iter().all(|canary| !message.contains(canary)));
}

#[test]
fn phase_2_leaves_them_where_they_are() {
    let project = Canaries::project();
    project.migrated(&["--commit"]);
    let migrate = |args: &[&str]| project.xtask(&[&["migrate", "--phase", "2", "--yes", "-v"], args].concat()).run();
    migrate(&["--dry-run", "--format", "json"]).exits(0);
    migrate(&["--commit", "--format", "json"]).exits(0);
    assert!(project.read("compose.yaml").contains("env_file: .env"));
    assert_private(&project);
    for name in project.git(&["ls-files"]).lines() {
        let text = project.read(name);
        assert!(Canaries::forms().iter().all(|canary| !text.contains(canary)), "{name} holds a canary");
    }
    for args in [&["env", "check"][..], &["env", "diff"], &["env", "template", "--check"], &["history", "-v"], &["rollback", "--yes", "-v"]]
    {
        project.xtask(args).run();
    }
    assert_private(&project);
}

/// A run that is undone: its journal says why, without what.
#[test]
fn a_run_that_fails_leaves_no_secret_in_its_journal() {
    let project = Canaries::project();
    // Git refuses the commit after every step was applied.
    let hook = project.path(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ncat compose.yaml .env >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let before = project.read("compose.yaml");
    let outcome = project.migrate(&["--commit", "-v"]);
    assert!(matches!(outcome.code, 0 | 4), "{outcome}");
    if outcome.code == 4 {
        assert_eq!(project.read("compose.yaml"), before);
    }
    assert_private(&project);
    project.xtask(&["history", "--format", "json"]).run().exits(0);
}
