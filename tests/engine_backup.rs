//! Backups of a real database and real volumes: what is stored is what was there; what fails is not listed; what is
//! killed leaves nothing behind.

#[allow(dead_code)] // shared with the tests of restores
mod backup;
mod engine_support;

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use backup::{CANARY, Said, Stack, holds};
use serde_json::Value;
use xtask::backup::{Location, Place, Repository, Summary};
use xtask::engine::{Engine, Status};

/// Names, kinds, modes, owners, sizes, times and contents of all that is in a folder.
fn listing(folder: &Path) -> String {
    let find = "find . ! -type d -printf '%p %y %m %U:%G %s %T@ %l\\n' | sort; find . -type d -printf '%p %m %U:%G\\n' | sort; \
                find . -type f -exec sha256sum {} + | sort";
    let said = Command::new("sh").args(["-ec", find]).current_dir(folder).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[test]
fn a_database_that_is_written_to_and_a_volume_are_stored_as_they_are() {
    let Some(stack) = Stack::up("whole", "") else { return };
    stack.sql("shop", "create table orders(id serial primary key, note text); create schema odd; create table odd.\"A b\"(n int)");
    stack.sql("shop", "insert into orders(note) select repeat('x', 200) from generate_series(1, 5000); create role clerk login");
    let writer = "while true; do psql -XAtq -U postgres -d shop -c \"insert into orders(note) values ('late')\" || exit; done";
    stack.docker(&["compose", "exec", "-d", "db", "sh", "-c", writer]);
    let volume = format!("{}_still", stack.sandbox.project);
    let script = "mkdir -p /v/sub && printf hello > /v/plain && ln /v/plain /v/second && ln -s plain /v/link && chmod 4750 /v/plain
        head -c 6000000 /dev/urandom > /v/sub/large && chown 999:998 /v/sub && chmod 1770 /v/sub && touch \"/v/$(printf 'bad\\377name')\" && chmod 700 /v";
    stack.docker(&["run", "--rm", "-v", &format!("{volume}:/v"), "redis:7", "sh", "-ec", script]);

    let said = stack.ok(&["backup"]);
    assert!(said.text.contains("app-1 paused meanwhile") && said.text.contains("--key-saved"), "{}", said.text);
    stack.must_be_at_peace();
    let listed = stack.json(&["backup", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let manifest = stack.json(&["backup", "show"])["manifest"].clone();
    let dumps: Vec<&str> = manifest["dumps"].as_array().unwrap().iter().map(|dump| dump["what"].as_str().unwrap()).collect();
    assert_eq!(dumps, ["databases/postgres", "databases/shop", "roles", "settings"]);
    let counts = &manifest["dumps"][1]["counts"];
    assert!(counts["public.orders"].as_u64().unwrap() >= 5000 && counts["odd.A b"] == 0, "{counts}");
    assert_eq!(manifest["volumes"][0]["quiet"], "paused");
    assert_eq!(manifest["volumes"][1]["quiet"], "nobody");

    // The dump restores to exactly the rows that were counted in its own transaction.
    let dump = stack.ok(&["backup", "show", "--dump", "db/shop"]);
    assert!(dump.out.starts_with(b"PGDMP"));
    stack.sql("postgres", "create database again");
    let mut restore = Command::new("docker")
        .args(["compose", "exec", "-T", "db", "pg_restore", "-U", "postgres", "--exit-on-error", "-d", "again"])
        .current_dir(stack.root())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    restore.stdin.take().unwrap().write_all(&dump.out).unwrap();
    assert!(restore.wait().unwrap().success());
    assert_eq!(stack.sql("again", "select count(*) from orders"), counts["public.orders"].to_string());
    let roles = String::from_utf8(stack.ok(&["backup", "show", "--dump", "db/roles"]).out).unwrap();
    assert!(roles.contains("CREATE ROLE clerk"), "{roles}");

    // Nobody is told the password: neither who looks on, nor who reads journals, nor who has the repository alone.
    assert!(!said.text.contains(CANARY));
    for folder in [stack.root().join(".xtask"), stack.state.path().to_path_buf()] {
        assert_eq!(holds(&folder, CANARY.as_bytes()), None);
    }
    with_restic(&stack, &volume);
}

fn with_restic(stack: &Stack, volume: &str) {
    if stack.restic(&["check", "--read-data"]).is_none() {
        return engine_support::skipped("restic", "it is not installed");
    }
    let target = tempfile::tempdir().unwrap();
    stack.restic(&["restore", "latest", "--target", target.path().to_str().unwrap()]);
    let mountpoint = stack.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", volume]);
    let mountpoint = Path::new(mountpoint.trim());
    if mountpoint.exists() {
        assert_eq!(listing(&target.path().join("volumes").join(volume).join("data")), listing(mountpoint));
    }
    let files = std::fs::read_to_string(target.path().join("files/compose.yaml")).unwrap();
    assert_eq!(files, std::fs::read_to_string(stack.root().join("compose.yaml")).unwrap());
}

/// An engine elsewhere gives its volumes as archives: what comes of them must be the same files.
#[test]
fn the_engine_s_archive_is_stored_as_the_files_are() {
    let Some(sandbox) = engine_support::sandbox("archive") else { return };
    let volume = format!("{}_v", sandbox.project);
    let docker = |args: &[&str]| {
        let said = Command::new("docker").args(args).output().unwrap();
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim().to_string()
    };
    let label = format!("com.docker.compose.project={}", sandbox.project);
    docker(&["volume", "create", "--label", &label, &volume]);
    let script = "cd /v && mkdir -p sub/deep 'a b' && printf hello > plain && ln plain second && ln -s plain link && mkfifo pipe
        head -c 9000000 /dev/urandom > sub/large && ln sub/large other && touch a-file 'a b/x' \"$(printf 'bad\\377name')\" && chmod 4750 plain
        chown 999:998 sub/deep && chmod 1770 sub && chmod 700 . && find . -exec touch -h -d '2024-01-02 03:04:05' {} +";
    let id =
        docker(&["run", "-d", "--label", &label, "-v", &format!("{volume}:/v"), "redis:7", "sh", "-ec", &format!("{script}; sleep 600")]);
    let engine = &sandbox.docker;
    let folder = tempfile::tempdir().unwrap();
    let place = Place::at(Location::Folder(folder.path().join("repository")), None, folder.path()).unwrap();
    Repository::create(&place, "run").unwrap();
    let repository = Repository::open(&place).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while docker(&["exec", &id, "sh", "-c", "test -e /v/other && stat -c %Y /v/other"]) != "1704164645" {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    engine.pause(&id).unwrap();
    let mut again = |below: &Path| engine.read_archive(&id, Path::new("/v").join(below).to_str().unwrap());
    let stored = repository
        .backup(&summary(), false, |writer| writer.tar("/volumes/v/data", engine.read_archive(&id, "/v")?, &mut again).map(|_| ()));
    engine.unpause(&id).unwrap();
    stored.unwrap();
    repository.publish(&summary()).unwrap();
    let mut command = Command::new("restic");
    command.args(["--no-cache", "-r"]).arg(place.location.to_string()).arg("--password-file").arg(&place.key);
    let target = tempfile::tempdir().unwrap();
    match command.args(["restore", "latest", "--target"]).arg(target.path()).output() {
        Err(_) => return engine_support::skipped("restic", "it is not installed"),
        Ok(said) => assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr)),
    }
    let restored = target.path().join("volumes/v/data");
    let mountpoint = docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", &volume]);
    if Path::new(&mountpoint).exists() {
        assert_eq!(listing(&restored), listing(Path::new(&mountpoint)));
    }
    let inode = |name: &str| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(restored.join(name)).unwrap());
    assert_eq!((inode("plain"), inode("sub/large")), (inode("second"), inode("other")));
}

fn summary() -> Summary {
    Summary {
        name: "one".into(),
        stack: "v".into(),
        project: "v".into(),
        engine: "e".into(),
        run: "run".into(),
        who: "me@here".into(),
        at_ms: 1_704_164_645_000,
        ..Summary::default()
    }
}

/// Puts a program in the place of the client, in the container.
fn client(stack: &Stack, name: &str, script: &str) {
    let path = format!("/usr/local/bin/{name}");
    stack.inside("db", &format!("cat > {path} <<'END'\n#!/bin/sh\n{script}\nEND\nchmod 755 {path}"));
}

fn must_fail(stack: &Stack, why: &str) -> Said {
    let said = stack.run(&["backup"]);
    assert_eq!(said.code, Some(6), "{why}: {}", said.text);
    assert!(said.text.contains(why), "{why}: {}", said.text);
    assert_eq!(stack.json(&["backup", "list"]), Value::Array(vec![]), "{why}");
    stack.must_be_at_peace();
    said
}

#[test]
fn a_dump_that_is_not_whole_fails_and_is_not_listed() {
    let Some(stack) = Stack::up("broken", "") else { return };
    stack.sql("shop", "create table orders(id serial primary key, note text)");
    stack.sql("shop", "insert into orders(note) select md5(i::text) from generate_series(1, 20000) i");
    let real = "$(ls -d /usr/lib/postgresql/*/bin | head -1)";
    client(
        &stack,
        "pg_dump",
        &format!("[ \"$1\" = --version ] && exec {real}/pg_dump --version\necho PGDMP; echo it is broken >&2; exit 3"),
    );
    must_fail(&stack, "ended with 3");
    client(&stack, "pg_dump", "exit 0");
    must_fail(&stack, "it has only 0 bytes");
    // Cut off, and its client none the wiser: only who reads it back notices.
    client(&stack, "pg_dump", &format!("{real}/pg_dump \"$@\" | head -c 100000; exit 0"));
    must_fail(&stack, "what reads it ended with");
    let asked = format!("[ \"$1\" = --version ] && exec {real}/pg_dump --version");
    client(&stack, "pg_dump", &format!("{asked}\n{real}/pg_dump \"$@\" | head -c 4000; kill -9 $PPID"));
    must_fail(&stack, "databases/");
    stack.inside("db", "rm /usr/local/bin/pg_dump");
    // A service that goes away meanwhile.
    client(&stack, "pg_dumpall", "kill -9 1; sleep 5");
    let said = stack.run(&["backup"]);
    assert_eq!(said.code, Some(6), "{}", said.text);
    stack.docker(&["compose", "up", "-d", "--wait"]);
    stack.inside("db", "rm -f /usr/local/bin/pg_dumpall");
    stack.ok(&["backup"]);
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_backup_that_is_killed_leaves_nobody_paused_and_nothing_listed() {
    for labels in ["", "xtask.backup: stop"] {
        let Some(stack) = Stack::up("killed", labels) else { return };
        let quiet = if labels.is_empty() { Status::Paused } else { Status::Exited };
        stack.inside("app", "head -c 100000000 /dev/urandom > /data/large");
        // While the dump is under way, and while the service is quiet.
        for moment in ["dump", "copy"] {
            let mut child = stack.command(&["backup"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            stack.wait(moment, || match moment {
                "dump" => stack.inside("db", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").contains("pg_dump"),
                _ => stack.sandbox.container("app").state.status == quiet,
            });
            child.kill().unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(9), "{moment}");
            let said = stack.run(&["backup"]);
            assert_eq!(said.code, Some(3), "an open run refuses: {}", said.text);
            let key = std::fs::read_to_string(stack.key()).unwrap();
            let lost = moment == "copy" && quiet == Status::Exited;
            if lost {
                std::fs::write(stack.key(), "another key\n").unwrap();
            }
            let said = stack.ok(&["recover"]);
            assert_eq!(said.text.contains("stays in"), lost, "what cannot be reached keeps nobody quiet: {}", said.text);
            std::fs::write(stack.key(), key).unwrap();
            stack.must_be_at_peace();
            assert_eq!(stack.json(&["backup", "list"]), Value::Array(vec![]), "{moment}");
            assert!(stack.restic(&["snapshots", "--json"]).is_none_or(|said| said.text.trim() == "[]"), "a pending one is left");
        }
        stack.ok(&["backup"]);
        stack.must_be_at_peace();
        stack.restic(&["check", "--read-data"]);
    }
}

#[test]
fn what_is_damaged_or_opened_with_another_key_is_told() {
    let Some(stack) = Stack::up("damaged", "xtask.backup: archive-hot") else { return };
    let said = stack.ok(&["backup"]);
    assert!(said.text.contains("so files may not fit each other") && said.text.contains("Not proven"), "{}", said.text);
    stack.ok(&["backup", "--key-saved"]);
    let said = stack.ok(&["backup"]);
    assert!(!said.text.contains("--key-saved"), "{}", said.text);
    stack.ok(&["backup", "check", "--read-data"]);
    let packs = stack.repository().join("data");
    let pack = walk(&packs).into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let said = stack.run(&["backup", "check", "--read-data"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("Damaged"), "{}", said.text);
    std::fs::write(stack.key(), "another key\n").unwrap();
    let said = stack.run(&["backup", "list"]);
    assert_eq!(said.code, Some(2), "{}", said.text);
    assert!(said.text.contains("is not its key") && !said.text.contains("another key"), "{}", said.text);
    let untouched = |wanted: i32, why: &str| {
        for command in [&["backup"][..], &["backup", "list"], &["backup", "verify"]] {
            let said = stack.run(command);
            assert_eq!(said.code, Some(wanted), "{command:?}: {}", said.text);
            assert!(said.text.contains(why), "{command:?}: {}", said.text);
        }
        // A run that had begun would have to delete what it cannot open.
        assert!(stack.run(&["recover"]).text.contains("Nothing"), "a run is open");
    };
    untouched(2, "is not its key");
    let away = stack.repository().with_extension("away");
    std::fs::rename(stack.repository(), &away).unwrap();
    untouched(3, "is its disk mounted?");
    assert!(!stack.repository().exists(), "a new one in the place of the one that is gone");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
