//! The command line as a stranger meets it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use xtask::release::{Kept, Release, Releases};
use xtask::saga::Blobs;

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
        "env-standardize",
        "env ",
        "rollback",
        "recover",
        "preflight",
        "history",
        "pull",
        "build",
        "render",
        "doctor",
        "metrics",
        "try",
        "completions",
        "man",
        "Exit codes",
    ] {
        assert!(help.contains(word), "the help does not name {word}");
    }
    let migrate = text(&run(Path::new(XTASK), folder.path(), &["migrate", "--help"]).stdout);
    for word in [
        "--phase",
        "--status",
        "--dry-run",
        "--commit",
        "--recreate",
        "--rehearse",
        "--strict",
        "--untrack",
        "--override",
        "--all",
        "--skip",
        "--on-conflict",
    ] {
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

#[test]
fn releases_are_listed_for_people_and_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("xtask.yaml"), "stacks: {web: {files: [compose.yaml]}}\n").unwrap();
    // What is missing to start it is not needed to list its releases.
    fs::write(folder.path().join("compose.yaml"), "name: shop\nservices: {web: {image: 'nginx:${TAG:?set it}'}}\n").unwrap();
    let state = folder.path().join("state");
    let list = |args: &[&str]| {
        let mut command = Command::new(XTASK);
        command.args(args).current_dir(folder.path()).env("NO_COLOR", "1").env("XTASK_STATE", &state).output().unwrap()
    };
    let none = list(&["history", "--releases"]);
    assert_eq!((text(&none.stdout), none.status.code()), ("no releases yet\n".to_string(), Some(0)));
    assert!(!state.exists(), "looking leaves nothing behind");

    let releases = Releases::open(&state, "an engine", "shop", "web").unwrap();
    for (id, previous) in [("r0001", None), ("r0002", Some("r0001"))] {
        let release = Release {
            roots: Vec::new(),
            id: id.into(),
            stack: "web".into(),
            project: "shop".into(),
            run: "a-run".into(),
            who: "me@here".into(),
            at_ms: 1_795_298_515_000,
            took_ms: 12_340,
            root: folder.path().into(),
            git_commit: None,
            tag: Some("1.2".into()),
            previous: previous.map(String::from),
            adopted: previous.is_none(),
            compose_version: "2.40.3".into(),
            services: Default::default(),
            model: None,
            kept: Kept::default(),
            accepted: Vec::new(),
            backup: None,
        };
        releases.save(&release, &Blobs::at(folder.path().to_path_buf())).unwrap();
    }
    releases.set_current(Some("r0002")).unwrap();
    let table = text(&list(&["history", "--releases"]).stdout);
    assert!(table.starts_with("web (compose project shop)\n") && table.contains("\n*  r0002 "), "{table}");
    let answer = list(&["history", "--releases", "web", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let listed = &document["result"];
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["adopted"], &listed[1]["current"]),
        (2, &true.into(), &true.into()),
        "{document}"
    );
    assert_eq!((&listed[1]["when"], &listed[1]["seconds"]), (&"2026-11-21T22:01:55Z".into(), &12.34.into()));

    fs::write(releases.dir().join("r0001/release.json"), "{\"id\": \"r00").unwrap();
    let torn = list(&["history", "--releases"]);
    assert_eq!(torn.status.code(), Some(2));
    assert!(text(&torn.stderr).contains("read a release, which is corrupt: not the record of a release"), "{}", text(&torn.stderr));
    let unknown = list(&["history", "--releases", "nowhere"]);
    assert!(unknown.status.code() == Some(2) && text(&unknown.stderr).contains("there is no stack `nowhere`"));
}

#[test]
fn colours_are_for_the_terminal_and_not_for_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("compose.yaml"), "services: {web: {image: nginx}}\n").unwrap();
    let terminal = nix::pty::openpty(None, None).unwrap();
    for args in [&["audit", "--fail-on", "never"][..], &["audit", "--fix"], &["explain", "schema"]] {
        let mut command = Command::new(XTASK);
        command.args(args).current_dir(folder.path()).env_remove("NO_COLOR").env("TERM", "xterm");
        let to_file = command.stderr(terminal.slave.try_clone().unwrap()).output().unwrap();
        assert_eq!(to_file.status.code(), Some(0), "{args:?}");
        assert!(!to_file.stdout.is_empty() && !text(&to_file.stdout).contains('\u{1b}'), "{args:?}: {}", text(&to_file.stdout));
    }
    let mut shown = Command::new(XTASK);
    shown.args(["explain", "schema"]).env_remove("NO_COLOR").env("TERM", "xterm");
    shown.stdout(terminal.slave.try_clone().unwrap()).stderr(terminal.slave.try_clone().unwrap());
    assert!(shown.status().unwrap().success());
    let mut said = [0; 64];
    let read = nix::unistd::read(&terminal.master, &mut said).unwrap();
    assert!(said[..read].starts_with(b"\x1b["), "{}", String::from_utf8_lossy(&said[..read]));
}

#[test]
fn a_fault_that_no_rule_finds_is_explained_too() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(Path::new(XTASK), folder.path(), &["explain", "dependency-cycle"]);
    assert_eq!(said.status.code(), Some(0));
    assert!(text(&said.stdout).contains("ends with exit 2"), "{}", text(&said.stdout));
    let json = run(Path::new(XTASK), folder.path(), &["explain", "dependency-cycle", "--format", "json"]);
    assert!(text(&json.stdout).contains("\"name\": \"dependency-cycle\""), "{}", text(&json.stdout));
}
