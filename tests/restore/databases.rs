//! Databases are put back from their dumps: in place while others go on, or not at all; and beside the live one.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use xtask::engine::{Container, Engine, Status};

use crate::backup::{CANARY, Stack};
use crate::{engine_support, in_place, nothing_is_left, of_runs, traced};

const SHOP: &str = "name: PROJECT
services:
  db:
    image: IMAGE
    stop_grace_period: 5s
    command: [postgres, -c, max_connections=37]
    environment: {POSTGRES_USER: keeper, POSTGRES_PASSWORD: CANARY, POSTGRES_DB: shop}
    volumes: ['pg:/var/lib/postgresql/data', './init.sql:/docker-entrypoint-initdb.d/init.sql']
    healthcheck: {test: [CMD-SHELL, 'psql -XAtw -h 127.0.0.1 -U keeper -d shop -c \"select 1\"'], interval: 1s, timeout: 5s, retries: 60}
  other:
    image: redis:7
    entrypoint: [sh, -c]
    command: ['while true; do date > /data/now; sleep 1; done']
    stop_grace_period: 1s
    volumes: ['files:/data']
volumes: {pg: , files: }
";

const INIT: &str = "create table orders(id serial primary key, note text);";

fn shop(test: &str) -> Option<Stack> {
    let sandbox = engine_support::sandbox(test)?;
    let stack = Stack { state: tempfile::tempdir().unwrap(), sandbox };
    write(&stack, "postgres:15");
    stack.sandbox.file("init.sql", INIT);
    stack.docker(&["compose", "up", "-d", "--wait"]);
    if !stack.may_change(&volume(&stack)) {
        return None;
    }
    ask(&stack, "insert into orders(note) select md5(i::text) from generate_series(1, 3000) i; create role clerk login password 'x'");
    ask(&stack, "create schema odd authorization clerk; create table odd.\"A b\" as select 1.5::float8 as n, now() as t");
    ask(&stack, "alter system set work_mem = '7MB'");
    ask(&stack, "select pg_reload_conf()");
    Some(stack)
}

fn write(stack: &Stack, image: &str) {
    let text = SHOP.replace("PROJECT", &stack.sandbox.project).replace("CANARY", CANARY).replace("IMAGE", image);
    stack.sandbox.file("compose.yaml", &text);
    stack.sandbox.file("xtask.yaml", "deploy: {settle: 1}\n");
}

fn volume(stack: &Stack) -> String {
    format!("{}_pg", stack.sandbox.project)
}

fn ask(stack: &Stack, sql: &str) -> String {
    let psql = ["compose", "exec", "-T", "db", "psql", "-XAtqw", "-U", "keeper", "-d", "shop", "-v", "ON_ERROR_STOP=1", "-c", sql];
    stack.docker(&psql).trim().to_string()
}

/// What is in the database, its users, and what was set.
fn content(stack: &Stack) -> String {
    let rows = "select string_agg(o::text, ' ' order by id), count(*) from orders o";
    let more = "select o::text from odd.\"A b\" o; select rolname, rolpassword from pg_authid where rolname !~ '^pg_' order by 1; show work_mem; show max_connections";
    let mode = stack.inside("db", "stat -c '%a %U' /var/lib/postgresql/data");
    [ask(stack, rows), ask(stack, more), mode].join("\n")
}

fn db(stack: &Stack) -> Container {
    stack.sandbox.container("db")
}

#[test]
fn a_wrecked_database_is_put_back_while_others_go_on() {
    let Some(stack) = shop("dbwreck") else { return };
    let made = stack.ok(&["backup", "--deep", "--verify"]);
    assert!(made.text.contains("is what it says, to the contents of its tables"), "{}", made.text);
    let listed = stack.json(&["backup", "list"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["verified"]["deep"]), (1, &true.into()), "{listed}");
    let name = listed[0]["name"].as_str().unwrap().to_string();
    let (before, id, other) = (content(&stack), db(&stack).id, stack.sandbox.container("other").state.started_at);
    assert!(before.contains("7MB") && before.contains("37"), "{before}");

    ask(&stack, "drop table orders; drop table odd.\"A b\"; drop schema odd; drop role clerk");
    ask(&stack, "alter system reset all");
    let said = stack.run(&in_place(&stack, &["--service", "db"]));
    assert_eq!(said.code, Some(3), "{}", said.text);
    let said = stack.ok(&in_place(&stack, &["--service", "db", "--stop", &name]));
    assert!(said.text.contains("3001 rows in 2 tables, as in") && !said.text.contains(CANARY), "{}", said.text);
    assert_eq!(content(&stack), before);
    assert_eq!((db(&stack).id, stack.sandbox.container("other").state.started_at), (id, other.clone()));
    nothing_is_left(&stack);

    // Its files are gone, it does not run, and nobody could dump it.
    stack.docker(&["compose", "stop", "-t", "5", "db"]);
    stack.docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &format!("{}:/v", volume(&stack)),
        "redis:7",
        "sh",
        "-ec",
        "rm -rf /v/base /v/global",
    ]);
    stack.ok(&in_place(&stack, &["--service", "db", "--no-backup", &name]));
    assert_eq!(content(&stack), before);
    assert_eq!(stack.sandbox.container("other").state.started_at, other);

    // A server that ends with what is restored is taken back. That one is not well is tried with other services.
    ask(&stack, "alter system set shared_preload_libraries = 'not_there'");
    stack.ok(&["backup"]);
    ask(&stack, "alter system reset shared_preload_libraries");
    ask(&stack, "insert into orders(note) values ('later')");
    let before = content(&stack);
    let said = stack.run(&in_place(&stack, &["--service", "db", "--stop", "--no-backup"]));
    assert_eq!(said.code, Some(4), "{}", said.text);
    stack.docker(&["compose", "up", "-d", "--wait"]);
    assert_eq!(content(&stack), before);
    assert!(!said.text.contains(CANARY), "{}", said.text);
    nothing_is_left(&stack);
    assert_eq!(crate::backup::holds(stack.state.path(), CANARY.as_bytes()), None);
}

#[test]
fn a_backup_is_laid_beside_the_live_data_and_other_versions_are_refused() {
    let Some(stack) = shop("dbbeside") else { return };
    stack.ok(&["backup"]);
    let said = stack.json(&["backup", "verify", "--deep"]);
    assert_eq!(said["backup"]["verified"]["deep"], false, "{said}");
    ask(&stack, "delete from orders where id > 10");
    let (before, started) = (content(&stack), db(&stack).state.started_at);
    let laid = stack.json(&["restore", "--to-scratch"]);
    assert_eq!((content(&stack), db(&stack).state.started_at), (before, started));
    nothing_is_left(&stack);
    let volumes: Vec<String> = laid["volumes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_string()).collect();
    let of_db = volumes.iter().find(|name| name.contains("_db-dump-restored-")).unwrap_or_else(|| panic!("{volumes:?}"));
    assert_eq!(volumes.len(), 2, "{volumes:?}");
    let look = format!("{}-look", stack.sandbox.project);
    stack.docker(&["run", "-d", "--name", &look, "--network", "none", "-v", &format!("{of_db}:/var/lib/postgresql/data"), "postgres:15"]);
    stack.wait("the restored server", || {
        let args = ["exec", &look, "psql", "-XAtq", "-U", "keeper", "-d", "shop", "-c", "select count(*) from orders"];
        std::process::Command::new("docker").args(args).output().unwrap().stdout == b"3000\n"
    });
    stack.docker(&["rm", "-fv", &look]);
    let said = stack.run(&["--yes", "restore", "--to-scratch"]);
    assert_eq!(said.code, Some(3), "{}", said.text);

    // An image that says it is another version, as after an upgrade.
    let image = format!("xtask-test-{}/postgres:14", stack.sandbox.project);
    stack.docker(&["commit", "--change", "ENV PG_MAJOR=14", &db(&stack).id, &image]);
    write(&stack, &image);
    stack.docker(&["compose", "up", "-d", "--wait"]);
    let said = stack.run(&in_place(&stack, &["--service", "db", "--stop"]));
    assert_eq!(said.code, Some(3), "{}", said.text);
    assert!(said.text.contains("version 15") && said.text.contains("postgres:15"), "{}", said.text);
    // The dumps bring their own image along.
    let args: Vec<&str> = ["volume", "rm"].into_iter().chain(volumes.iter().map(String::as_str)).collect();
    stack.docker(&args);
    stack.ok(&["restore", "--to-scratch", "--service", "db"]);
    stack.docker(&["volume", "rm", of_db]);
    nothing_is_left(&stack);
    stack.docker(&["rm", "-f", &db(&stack).id]);
    stack.docker(&["rmi", "-f", &image]);
}

/// Killed while its server is loaded, at a rename, and when the data was just replaced; all three renames with `XTASK_FULL`.
#[test]
fn a_restore_of_a_database_that_is_killed_is_put_back() {
    let Some(stack) = shop("dbkilled") else { return };
    stack.ok(&["backup"]);
    ask(&stack, "delete from orders; insert into orders(note) values ('newer')");
    let before = content(&stack);
    let folder = stack.folder(&volume(&stack)).to_str().unwrap().to_string();
    let inode = || std::fs::metadata(&folder).map(|meta| std::os::unix::fs::MetadataExt::ino(&meta)).ok();
    let old = inode();
    let full = std::env::var_os("XTASK_FULL").is_some();
    let moments = if full { vec!["server", "first", "second", "third", "after"] } else { vec!["server", "second", "after"] };
    for moment in moments.iter().filter(|moment| matches!(**moment, "server" | "after") || which::which("strace").is_ok()) {
        let args = in_place(&stack, &["--service", "db", "--stop", "--no-backup"]);
        let mut command = match *moment {
            "server" | "after" => stack.command(&args),
            _ => traced(&stack, &args, &folder, moment),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        match *moment {
            "server" => stack.wait("a server", || of_runs(&stack).iter().any(|one| one.is_up())),
            "after" => stack.wait("the change", || inode().is_some_and(|now| Some(now) != old)),
            _ => {}
        }
        if matches!(*moment, "server" | "after") {
            child.kill().unwrap();
        }
        let ended = child.wait().unwrap();
        assert!(ended.signal() == Some(9) || ended.code() == Some(137), "{moment}: {ended}");
        stack.ok(&["recover"]);
        assert_eq!(inode(), old, "{moment}");
        stack.docker(&["compose", "up", "-d", "--wait"]);
        assert_eq!(db(&stack).state.status, Status::Running);
        assert_eq!(content(&stack), before, "{moment}");
        nothing_is_left(&stack);
    }
    let args = ["restore", "--to-scratch", "--service", "db"];
    crate::killed::beside_is_killed(&stack, &args, "a server", || of_runs(&stack).iter().any(|one| one.is_up()));
    assert_eq!(content(&stack), before);
    assert!(stack.sandbox.docker.volumes(&[]).unwrap().iter().all(|one| !one.name.starts_with(&format!("{}-xtask-", volume(&stack)))));
}
