//! Backups are restored: beside everything else to verify them, and in place, where what does not hold, or is killed,
//! leaves the old data as it was.

mod backup;
#[path = "restore/databases.rs"]
mod databases;
mod engine_support;
#[path = "restore/killed.rs"]
mod killed;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backup::{CANARY, Stack, holds};
use serde_json::Value;
use xtask::engine::{Container, Engine};

const SMALL: &str = "name: PROJECT
services:
  app:
    image: redis:7
    entrypoint: [sh, -c]
    command: ['sleep 100000']
    stop_grace_period: 1s
    environment: {TOKEN: CANARY}
    volumes: ['files:/data']
    healthcheck: {test: [CMD-SHELL, '! test -e /data/bad'], interval: 1s, timeout: 2s, retries: 2}
volumes: {files: }
";

/// One service with a volume.
fn small(test: &str) -> Option<Stack> {
    let sandbox = engine_support::sandbox(test)?;
    let stack = Stack { state: tempfile::tempdir().unwrap(), sandbox };
    stack.sandbox.file("compose.yaml", &SMALL.replace("PROJECT", &stack.sandbox.project).replace("CANARY", CANARY));
    stack.docker(&["compose", "up", "-d", "--wait"]);
    let script = "cd /data && mkdir -p sub 'a b' && printf hello > plain && ln plain second && ln -s plain link && mkfifo pipe
        head -c 9000000 /dev/urandom > sub/large && touch \"$(printf 'bad\\377name')\" && chmod 4750 plain
        chown 999:998 sub && chmod 1770 sub && chown 999 . && chmod 700 . && find . -exec touch -h -d '2024-01-02 03:04:05' {} +";
    stack.inside("app", script);
    Some(stack)
}

fn volume(stack: &Stack) -> String {
    format!("{}_files", stack.sandbox.project)
}

/// Names, kinds, modes, owners, sizes, times, contents and links of all that is in the volume; where it is, if it is here.
fn listing(stack: &Stack) -> String {
    let find = "find . ! -type d -printf '%p %y %m %U:%G %s %T@ %n %l\\n' | sort; find . -type d -printf '%p %m %U:%G\\n' | sort; \
                find . -type f -exec sha256sum {} + | sort";
    let folder = stack.folder(&volume(stack));
    if !folder.is_dir() {
        let (volume, find) = (format!("{}:/v:ro", volume(stack)), format!("cd /v; {find}"));
        return stack.docker(&["run", "--rm", "--network", "none", "-v", &volume, "redis:7", "sh", "-ec", &find]);
    }
    let said = Command::new("sh").args(["-ec", find]).current_dir(folder).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

fn nothing_is_left(stack: &Stack) {
    for run in stack.json(&["history"]).as_array().unwrap() {
        let id = run["run"].as_str().unwrap();
        assert!(stack.sandbox.docker.containers(&[("xtask.run", id)]).unwrap().is_empty(), "{id}");
        assert!(stack.sandbox.docker.networks(&[("xtask.run", id)]).unwrap().is_empty(), "{id}");
        assert!(stack.sandbox.docker.volumes(&[("xtask.run", id)]).unwrap().is_empty(), "{id}");
        assert!(stack.sandbox.docker.volumes(&[("xtask.restore", id)]).unwrap().is_empty(), "{id}");
    }
    assert_eq!(stack.json(&["recover"])["recovered"], Value::Null);
}

/// The containers that runs of this stack have put beside it; of other stacks on the engine there may be some too.
fn of_runs(stack: &Stack) -> Vec<Container> {
    let docker = &stack.sandbox.docker;
    let runs = std::fs::read_dir(stack.root().join(".xtask/runs")).into_iter().flatten();
    let ids = runs.map(|run| run.unwrap().file_name().into_string().unwrap());
    let listed = ids.flat_map(|id| docker.containers(&[("xtask.run", &id)]).unwrap());
    listed.filter_map(|one| docker.container(&one.id).unwrap()).collect()
}

fn in_place<'a>(stack: &'a Stack, more: &[&'a str]) -> Vec<&'a str> {
    [&["restore", "--in-place", "--confirm", stack.sandbox.project.as_str()], more].concat()
}

#[test]
fn a_backup_is_verified_by_restoring_it() {
    let Some(stack) = Stack::up("verify", "") else { return };
    stack
        .sql("shop", "create role clerk login; create schema odd; create table odd.\"A b\"(n int); alter table odd.\"A b\" owner to clerk");
    stack.sql("shop", "create table orders(id serial primary key, note text); insert into orders(note) select md5(i::text) from generate_series(1, 5000) i");
    stack.ok(&["backup"]);
    assert_eq!(stack.json(&["backup", "list"])[0]["verified"], Value::Null);
    let said = stack.ok(&["backup", "verify"]);
    assert!(said.text.contains("5000 rows in 2 tables") && said.text.contains("Verified"), "{}", said.text);
    assert!(!said.text.contains(CANARY));
    let listed = stack.json(&["backup", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert!(listed[0]["verified"]["took_ms"].as_u64().unwrap() > 0, "{listed}");
    assert_eq!(listed[0]["verified"]["deep"], false);
    nothing_is_left(&stack);
    stack.must_be_at_peace();
    stack.restic(&["check", "--read-data"]);
    for folder in [stack.root().join(".xtask"), stack.state.path().to_path_buf()] {
        assert_eq!(holds(&folder, CANARY.as_bytes()), None);
    }

    // Killed while its server is there.
    let mut child = stack.command(&["backup", "verify"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    stack.wait("a scratch server", || of_runs(&stack).iter().any(|one| one.is_up()));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    stack.ok(&["recover"]);
    nothing_is_left(&stack);
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_damaged_backup_is_not_verified() {
    let Some(stack) = small("vdamaged") else { return };
    stack.ok(&["backup"]);
    let pack = packs(&stack.repository().join("data")).into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let said = stack.run(&["backup", "verify"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("Not verified"), "{}", said.text);
    assert_eq!(stack.json(&["backup", "list"])[0]["verified"], Value::Null);
    nothing_is_left(&stack);
    if stack.may_change(&volume(&stack)) {
        let before = listing(&stack);
        let said = stack.run(&in_place(&stack, &["--stop", "--no-backup"]));
        assert_eq!(said.code, Some(4), "{}", said.text);
        assert_eq!(listing(&stack), before);
        nothing_is_left(&stack);
    }
    std::fs::write(stack.key(), "another key\n").unwrap();
    assert_eq!(stack.run(&["backup", "verify"]).code, Some(2));
}

fn packs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { packs(&path) } else { vec![path] }).collect()
}

#[test]
fn a_wrecked_volume_is_put_back_as_it_was() {
    let Some(stack) = small("inplace") else { return };
    let before = listing(&stack);
    stack.ok(&["backup"]);
    stack.ok(&["backup", "verify"]);
    a_place_is_looked_at_first(&stack);
    let list = stack.ok(&["restore", "--list"]).text;
    let path = format!("/volumes/{}/data/plain", volume(&stack));
    assert!(list.lines().any(|line| line == path), "{list}");
    assert_eq!(stack.ok(&["restore", "--file", &path]).out, b"hello");
    assert_eq!(stack.run(&["restore", "--file", "/volumes/none"]).code, Some(2));
    if !stack.may_change(&volume(&stack)) {
        assert_eq!(stack.run(&in_place(&stack, &["--stop"])).code, Some(3));
        return;
    }
    stack.inside("app", "cd /data && rm -rf sub plain && printf wrecked > second && touch stale && chmod 755 .");
    let wrecked = listing(&stack);
    let id = stack.sandbox.container("app").id;
    // Refused while it runs, and without the name.
    let said = stack.run(&in_place(&stack, &[]));
    assert_eq!(said.code, Some(3), "{}", said.text);
    assert!(said.text.contains("--stop"), "{}", said.text);
    let said = stack.run(&["--yes", "restore", "--in-place", "--stop"]);
    assert_eq!(said.code, Some(3), "{}", said.text);
    assert_eq!(listing(&stack), wrecked);

    let name = stack.json(&["backup", "list"])[0]["name"].as_str().unwrap().to_string();
    let said = stack.ok(&in_place(&stack, &["--stop", &name]));
    assert!(!said.text.contains(CANARY), "{}", said.text);
    assert_eq!(listing(&stack), before);
    assert_eq!(stack.sandbox.container("app").id, id);
    assert_eq!(stack.inside("app", "cat /data/plain"), "hello");
    nothing_is_left(&stack);
    // What was there is backed up, and can be put back in its turn.
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 2);
    let said = stack.ok(&in_place(&stack, &["--stop", "latest"]));
    assert!(said.text.contains("is what a restore or rollback has found"), "{}", said.text);
    assert_eq!(listing(&stack), wrecked);
    nothing_is_left(&stack);
    stack.restic(&["check", "--read-data"]);
}

/// No repository is made where none can be, nor in what it would be a backup of.
fn a_place_is_looked_at_first(stack: &Stack) {
    let (file, volume) = (stack.root().join("compose.yaml"), stack.folder(&volume(stack)));
    let inside = volume.join("backups");
    let mut places = vec![(file.clone(), "compose.yaml is no folder"), (file.join("below"), "compose.yaml is no folder")];
    places.push((stack.root().to_path_buf(), "something else than a repository"));
    if volume.is_dir() {
        places.push((inside.clone(), "is in the volume"));
    }
    let runs = || std::fs::read_dir(stack.root().join(".xtask/runs")).unwrap().count();
    let before = runs();
    for (place, why) in places {
        let said = stack.run(&["backup", "--to", place.to_str().unwrap()]);
        assert_eq!(said.code, Some(3), "{}: {}", place.display(), said.text);
        assert!(said.text.contains(why) && said.text.contains("nothing was touched"), "{}: {}", place.display(), said.text);
    }
    assert!(runs() == before && !inside.exists());
    let said = stack.ok(&["backup", "--dry-run", "--to", stack.root().join("kept").to_str().unwrap()]);
    assert!(said.text.contains("the repository kept is in the project"), "{}", said.text);
    assert!(!stack.root().join("kept").exists());
}

#[test]
fn a_restore_that_does_not_hold_puts_the_old_data_back() {
    let Some(stack) = small("nothold") else { return };
    if !stack.may_change(&volume(&stack)) {
        return;
    }
    stack.inside("app", "touch /data/bad");
    stack.ok(&["backup"]);
    stack.inside("app", "rm /data/bad && printf newer > /data/plain");
    // It was ill meanwhile, and Compose does not wait for one that is.
    stack.wait("health", || stack.docker(&["compose", "ps", "app"]).contains("(healthy)"));
    let before = listing(&stack);
    let said = stack.run(&in_place(&stack, &["--stop"]));
    assert_eq!(said.code, Some(4), "{}", said.text);
    assert_eq!(listing(&stack), before);
    assert_eq!(stack.inside("app", "cat /data/plain"), "newer");
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 1);
    nothing_is_left(&stack);
}

/// Killed while the new data is written, at the renames, and when the data was just replaced.
#[test]
fn a_restore_that_is_killed_is_put_back() {
    let Some(stack) = small("rkilled") else { return };
    if !stack.may_change(&volume(&stack)) || which::which("strace").is_err() {
        return engine_support::skipped("killed restores", "this needs the engine's volumes and strace");
    }
    stack.ok(&["backup"]);
    stack.inside("app", "cd /data && rm -rf sub && printf newer > plain");
    let before = listing(&stack);
    let folder = stack.folder(&volume(&stack)).to_str().unwrap().to_string();
    let inode = || std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&folder).unwrap());
    let old = inode();
    let mut killed = 0;
    for moment in ["before", "first", "second", "third", "after"] {
        let args = in_place(&stack, &["--stop", "--no-backup"]);
        let mut command = match moment {
            "before" | "after" => stack.command(&args),
            _ => traced(&stack, &args, &folder, moment),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        match moment {
            "before" => stack.wait("a holder", || !of_runs(&stack).is_empty()),
            "after" => stack.wait("the change", || std::fs::metadata(&folder).is_ok_and(|_| inode() != old)),
            _ => {}
        }
        if matches!(moment, "before" | "after") {
            child.kill().unwrap();
        }
        let ended = child.wait().unwrap();
        assert!(ended.signal() == Some(9) || ended.code() == Some(137), "{moment}: {ended}");
        killed += 1;
        assert_eq!(stack.run(&["backup"]).code, Some(3), "{moment}: an open run refuses");
        stack.ok(&["recover"]);
        assert_eq!((listing(&stack), inode()), (before.clone(), old), "{moment}");
        assert_eq!(stack.inside("app", "cat /data/plain"), "newer", "{moment}");
        nothing_is_left(&stack);
    }
    assert_eq!(killed, 5);
    stack.ok(&in_place(&stack, &["--stop", "--no-backup"]));
    assert_ne!(listing(&stack), before);
    nothing_is_left(&stack);
}

/// Killed at the rename that takes the old content out of its place, when that is done, or when the new one is there.
fn traced(stack: &Stack, args: &[&str], folder: &str, moment: &str) -> Command {
    let plain = stack.command(args);
    let parent = Path::new(folder).parent().unwrap().to_str().unwrap();
    let (path, calls, when) = match moment {
        "first" => (folder, "rename,renameat,renameat2", 1),
        "second" => (parent, "fsync,fdatasync", 1),
        _ => (parent, "fsync,fdatasync", 2),
    };
    under_strace(plain, Some(Path::new(path)), calls, when)
}

/// Dies when its `when`-th of these calls begins, counted by thread; of this file, where one is named.
fn under_strace(plain: Command, path: Option<&Path>, calls: &str, when: usize) -> Command {
    injected(plain, path, calls, &format!("signal=SIGKILL:when={when}"))
}

/// Something happens to these calls, as strace names it.
fn injected(plain: Command, path: Option<&Path>, calls: &str, what: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    path.iter().for_each(|path| _ = command.arg("-P").arg(path));
    command.args(["-e", &format!("inject={calls}:{what}")]);
    command.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}
