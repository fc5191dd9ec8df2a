//! The command line as a stranger meets it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");

fn run(program: &Path, folder: &Path, args: &[&str]) -> Output {
    Command::new(program).args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn called_as_cargo_xtask_it_drops_cargo_s_own_word() {
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("cargo-xtask");
    symlink(XTASK, &named).unwrap();
    let with_word = run(&named, folder.path(), &["xtask", "history"]);
    let without = run(&named, folder.path(), &["history"]);
    assert_eq!((text(&with_word.stdout), with_word.status.code()), ("no runs yet\n".to_string(), Some(0)));
    assert_eq!(with_word.stdout, without.stdout);
    assert!(!folder.path().join(".xtask").exists(), "looking leaves nothing behind");
}

#[test]
fn help_names_every_task_and_the_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let help = text(&run(Path::new(XTASK), folder.path(), &["--help"]).stdout);
    for word in [
        "migrate",
        "security-fix",
        "rollback",
        "recover",
        "history",
        "pull",
        "build",
        "render",
        "doctor",
        "try",
        "completions",
        "man",
        "Exit codes",
    ] {
        assert!(help.contains(word), "the help does not name {word}");
    }
    let migrate = text(&run(Path::new(XTASK), folder.path(), &["migrate", "--help"]).stdout);
    for word in ["--phase", "--status", "--dry-run", "--commit", "--recreate", "--rehearse", "--strict", "--untrack", "--override"] {
        assert!(migrate.contains(word), "the help of migrate does not name {word}");
    }
}

#[test]
fn wrong_usage_is_2_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["migrate"][..], &["migrate", "--phase", "9"], &["nonsense"], &["migrate", "--phase", "1", "--override", "clean-files"]] {
        let output = run(Path::new(XTASK), folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn an_empty_folder_has_no_stacks_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(Path::new(XTASK), folder.path(), &["migrate", "--phase", "1", "--yes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("name one with -C DIR"));
}

/// A folder of programs for `PATH`, among them a Compose of before version 2.
fn old_compose() -> tempfile::TempDir {
    let programs = tempfile::tempdir().unwrap();
    let script = programs.path().join("docker-compose");
    fs::write(&script, "#!/bin/sh\necho 1.29.2\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    programs
}

#[test]
fn the_doctor_names_an_old_compose_and_its_remedy() {
    let (folder, programs) = (tempfile::tempdir().unwrap(), old_compose());
    fs::write(folder.path().join("compose.yaml"), "services: {a: {image: x}}\n").unwrap();
    let output = Command::new(XTASK)
        .arg("doctor")
        .current_dir(folder.path())
        .env("PATH", format!("{}:/bin:/usr/bin", programs.path().display()))
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .env("DOCKER_CONFIG", programs.path())
        .output()
        .unwrap();
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("/nowhere/docker.sock"), "{told}");
    if told.contains("1.29.2") {
        assert!(told.contains("docker-compose-plugin"), "{told}");
    } else {
        // A usable plugin of this machine wins over the old program.
        assert!(told.contains("Docker Compose 2"), "{told}");
    }
}

#[test]
fn json_is_one_document_also_for_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (args, exit) in [(&["history"][..], 0), (&["rollback", "nothing"], 2), (&["migrate", "--phase", "1"], 2)] {
        let output = run(Path::new(XTASK), folder.path(), &[&["--format", "json"], args].concat());
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((document["schema"].as_i64(), document["exit"].as_i64()), (Some(1), Some(exit)), "{args:?}");
        assert_eq!(document["error"].is_null(), exit == 0, "{args:?}");
        assert_eq!(output.status.code(), Some(exit as i32), "{args:?}");
    }
}

#[test]
fn completions_and_the_manual_are_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(Path::new(XTASK), folder.path(), &["completions", shell]);
        assert!(script.status.success() && text(&script.stdout).contains("security-fix"), "{shell}");
    }
    let manual = run(Path::new(XTASK), folder.path(), &["man"]);
    assert!(text(&manual.stdout).starts_with(".ie"));
}

#[test]
fn the_readme_shows_the_table_of_exit_codes() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    for exit in xtask::cli::Exit::ALL {
        let start = format!("| {} | {}", exit.code(), exit.meaning());
        assert!(readme.contains(&start), "README.md lacks the line: {start}");
    }
}
