//! Every kind of server that is dumped by its own client, with its real server: written to meanwhile, dumped, restored
//! into a server of its own and compared; and nothing is listed where the client, or its dump, is not whole.

#[allow(dead_code)]
mod backup;
mod engine_support;
#[path = "backup_adapters/in_place.rs"]
mod in_place;

use std::process::{Command, Stdio};

use backup::{CANARY, Said, Stack, holds};
use serde_json::Value;
use xtask::engine::Engine;

const SERVERS: &str = "name: PROJECT
services:
  db:
    image: mariadb:10.11
    environment: {MARIADB_ROOT_PASSWORD_FILE: /run/secrets/root, MARIADB_DATABASE: shop}
    secrets: [root]
    volumes: ['maria:/var/lib/mysql']
    healthcheck: {test: [CMD, healthcheck.sh, --connect, --innodb_initialized], interval: 1s, timeout: 5s, retries: 60}
  cache:
    image: redis:7
    command: [redis-server, --requirepass, CANARY, --repl-diskless-sync-delay, '0']
    volumes: ['keys:/data']
  app:
    image: python:3.11-slim-bookworm
    command: [sleep, '100000']
    stop_grace_period: 0s
    volumes: ['files:/data']
    labels: {xtask.backup.sqlite: '/data/app.db /data/other.db'}
    healthcheck: {test: [CMD-SHELL, '! test -e /data/ill || test -e /tmp/fine'], interval: 1s, timeout: 2s, retries: 2}
  notes:
    image: redis:7
    entrypoint: [sh, -c, 'while :; do sleep 1; done']
    stop_grace_period: 1s
    volumes: ['notes:/data']
    labels: {xtask.backup.command: 'cat /data/notes | sort', xtask.backup.restore: 'cat > /data/notes && test -s /data/notes'}
secrets: {root: {file: ./root.txt}}
volumes: {maria: , keys: , files: , notes: }
";

const BROKER: &str = "name: PROJECT
services:
  queue:
    image: rabbitmq:3.10
    environment: {RABBITMQ_DEFAULT_USER: boss, RABBITMQ_DEFAULT_PASS: CANARY}
    volumes: ['mq:/var/lib/rabbitmq']
    healthcheck: {test: [CMD, rabbitmqctl, -q, await_startup, --timeout, '60'], interval: 1s, timeout: 70s, retries: 3}
volumes: {mq: }
";

fn up(test: &str, text: &str) -> Option<Stack> {
    let sandbox = engine_support::sandbox(test)?;
    let stack = Stack { state: tempfile::tempdir().unwrap(), sandbox };
    stack.sandbox.file("root.txt", CANARY);
    stack.sandbox.file("xtask.yaml", "stacks: {prod: {files: [compose.yaml]}}\n");
    stack.sandbox.file("compose.yaml", &text.replace("PROJECT", &stack.sandbox.project).replace("CANARY", CANARY));
    stack.docker(&["compose", "up", "-d", "--wait"]);
    Some(stack)
}

fn counts(stack: &Stack, service: &str, what: &str) -> Value {
    let manifest = stack.json(&["backup", "show"])["manifest"].clone();
    let dumps = manifest["dumps"].as_array().unwrap();
    let found = dumps.iter().find(|dump| dump["service"] == service && dump["what"] == what);
    found.unwrap_or_else(|| panic!("{service} {what}: {dumps:?}"))["counts"].clone()
}

/// To open the repository takes its time: so once for many runs that failed.
fn nothing_is_listed(stack: &Stack) {
    assert_eq!(stack.json(&["backup", "list"]), Value::Array(vec![]));
    nothing_is_left(stack);
}

fn nothing_is_left(stack: &Stack) {
    for run in stack.json(&["history"]).as_array().unwrap() {
        let left = stack.sandbox.docker.containers(&[("xtask.run", run["run"].as_str().unwrap())]).unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
    assert_eq!(stack.json(&["recover"])["recovered"], Value::Null);
}

fn nobody_is_told(stack: &Stack, said: &Said) {
    assert!(!said.text.contains(CANARY), "{}", said.text);
    for folder in [stack.root().join(".xtask"), stack.state.path().to_path_buf()] {
        assert_eq!(holds(&folder, CANARY.as_bytes()), None);
    }
}

/// Puts a program in the place of a client; the client itself is `$real`.
fn client(stack: &Stack, service: &str, name: &str, script: &str) {
    let put = format!(
        "path=$(command -v {name}); [ -e \"$path.real\" ] || mv \"$path\" \"$path.real\"\n\
         cat > \"$path\" <<END\n#!/bin/bash\nreal=$path.real\nEND\ncat >> \"$path\" <<'END'\n{script}\nEND\nchmod 755 \"$path\""
    );
    stack.inside(service, &put);
}

fn put_back(stack: &Stack, service: &str, name: &str) {
    stack.inside(service, &format!("path=$(command -v {name}); mv \"$path.real\" \"$path\""));
}

fn must_fail(stack: &Stack, service: &str, why: &str) {
    let said = stack.run(&["backup", "prod", "--service", service]);
    assert_eq!(said.code, Some(6), "{service}: {why}: {}", said.text);
    assert!(said.text.contains(why), "{service}: {why}: {}", said.text);
    nobody_is_told(stack, &said);
}

/// What says nothing, is killed, or is cut off after so many bytes.
fn failing_ways(stack: &Stack, service: &str, name: &str, (is_dump, cut): (&str, u64), why_cut: &str) {
    let dumps = |script: &str| format!("{is_dump} || exec $real \"$@\"\n{script}");
    client(stack, service, name, &dumps("exit 0"));
    must_fail(stack, service, "it has only 0 bytes");
    client(stack, service, name, &dumps(&format!("$real \"$@\" | head -c {cut}; kill -9 $$")));
    must_fail(stack, service, "ended with 137");
    client(stack, service, name, &dumps(&format!("$real \"$@\" | head -c {cut}; exit 0")));
    must_fail(stack, service, why_cut);
    put_back(stack, service, name);
}

fn missing(stack: &Stack, service: &str, name: &str) {
    let path = stack.inside(service, &format!("command -v {name}")).trim().to_string();
    stack.inside(service, &format!("mv {path} {path}.gone"));
    must_fail(stack, service, "the container has n");
    stack.inside(service, &format!("mv {path}.gone {path}"));
}

#[test]
fn servers_that_are_written_to_are_dumped_and_restored_as_they_were() {
    let Some(stack) = up("adapters", SERVERS) else { return };
    let sql = "create table shop.orders(id int primary key auto_increment, note text, raw blob);
        insert into shop.orders(note, raw) select concat('x(),\\'\\n);\\nINSERT INTO `q` VALUES (1)', seq), unhex('00ff0a') from seq_1_to_3000;
        create table shop.empty(n int); create table shop.`odd ``name`(n int) engine=aria; insert into shop.`odd ``name` values (1), (2);
        create view shop.all_orders as select * from shop.orders;
        create procedure shop.more() insert into orders(note) values ('made');
        create database other; create user clerk@'%' identified by 'c'; grant select on shop.* to clerk@'%'";
    stack.inside("db", &format!("MYSQL_PWD=$(cat /run/secrets/root) mariadb -u root shop <<'END'\n{sql}\nEND"));
    let writer = "export MYSQL_PWD=$(cat /run/secrets/root); while [ ! -e /tmp/stop ]; do mariadb -u root -e \"insert into shop.orders(note) values ('late')\"; done";
    stack.docker(&["compose", "exec", "-d", "db", "sh", "-c", writer]);
    let keys = format!(
        "export REDISCLI_AUTH={CANARY}; r() {{ redis-cli --no-auth-warning \"$@\" >/dev/null; }}
        r set a 1; r set number 1234567; r set long \"$(head -c 30000 /dev/zero | tr '\\0' x)\"; r set session 1 ex 10000; r lpush list a b c
        r sadd set a b; r sadd numbers 1 2 3; r hset hash f v; r zadd zset 1.5 a 2 b; r eval \"for i = 1, 1000 do redis.call('zadd', 'big', i / 3, i); redis.call('hset', 'map', i, 'v' .. i); redis.call('rpush', 'long list', 'value ' .. i); redis.call('sadd', 'members', 'm' .. i) end\" 0
        r xadd stream '*' f v; r xgroup create stream g 0; r xreadgroup group g c1 count 1 streams stream '>'; r -n 3 set b 2; r -n 7 set gone 1 ex 10000"
    );
    stack.inside("cache", &keys);
    let python = "import sqlite3\nfor name in ('app', 'other'):\n  f = sqlite3.connect('/data/' + name + '.db')\n  f.execute('PRAGMA journal_mode=WAL')\n  f.execute('create table t(n int)')\n  f.execute('create table \"A b\"(n int)')\n  f.executemany('insert into t values (?)', [(i,) for i in range(5000)])\n  f.commit()";
    stack.inside("app", &format!("python3 - <<'END'\n{python}\nEND"));
    stack.inside("notes", "printf 'b\\na\\n' > /data/notes");

    nothing_but_whole_dumps(&stack);
    stack.inside("app", in_place::ILL);

    let said = stack.ok(&["backup"]);
    assert!(said.text.contains("1 of its tables, which are not InnoDB"), "{}", said.text);
    nobody_is_told(&stack, &said);
    let orders = counts(&stack, "db", "databases/shop");
    assert!(orders["orders"].as_u64().unwrap() >= 3000 && orders["empty"] == 0 && orders["odd `name"] == 2, "{orders}");
    assert!(counts(&stack, "db", "users")["global_priv"].as_u64().unwrap() >= 2);
    assert_eq!(counts(&stack, "cache", "rdb"), serde_json::json!({"db0": 13, "db3": 1}));
    assert_eq!(counts(&stack, "app", "sqlite//data/app.db"), serde_json::json!({"A b": 0, "t": 5000}));
    let volumes = stack.json(&["backup", "list"])[0]["volumes"].clone();
    assert_eq!(volumes.as_array().unwrap().len(), 1, "those of the databases are dumped instead: {volumes}");

    let said = stack.ok(&["backup", "verify"]);
    assert!(said.text.contains("14 keys in 2 databases, as when it was dumped") && said.text.contains("Verified"), "{}", said.text);
    assert!(stack.json(&["backup", "list"])[0]["verified"].is_object(), "{}", said.text);
    nobody_is_told(&stack, &said);
    nothing_is_left(&stack);

    let dump = String::from_utf8(stack.ok(&["backup", "show", "--dump", "db/shop"]).out).unwrap();
    assert!(dump.contains("CREATE DATABASE") && dump.contains("PROCEDURE `more`") && dump.contains("-- Dump completed"));
    assert!(stack.ok(&["backup", "show", "--dump", "cache"]).out.starts_with(b"REDIS0"));
    assert!(stack.ok(&["backup", "show", "--dump", "app//data/other.db"]).out.starts_with(b"SQLite format 3\0"));
    assert_eq!(stack.ok(&["backup", "show", "--dump", "notes"]).out, b"a\nb\n");
    in_place::everything_is_put_back(&stack);
}

fn nothing_but_whole_dumps(stack: &Stack) {
    failing_ways(stack, "db", "mariadb-dump", ("[ \"$1\" = -u ]", 2000), "the line that ends a dump is missing");
    missing(stack, "db", "mariadb-dump");
    failing_ways(stack, "cache", "redis-cli", ("[ \"$2\" = --rdb ]", 9000), "it is cut off");
    missing(stack, "cache", "redis-cli");
    // The copy is made first, with both paths as arguments, and looked at then.
    client(stack, "app", "python3", "[ $# = 4 ] || exec $real \"$@\"\n$real \"$@\"; head -c 9000 \"$4\" > \"$4.x\"; mv \"$4.x\" \"$4\"");
    must_fail(stack, "app", "sqlite//data/app.db");
    client(stack, "app", "python3", "[ $# = 4 ] || exec $real \"$@\"\n: > \"$4\"");
    must_fail(stack, "app", "it has only 0 bytes");
    client(stack, "app", "python3", "[ $# = 4 ] || exec $real \"$@\"\nkill -9 $$");
    must_fail(stack, "app", "ended with 137");
    put_back(stack, "app", "python3");
    // The last part of a pipe succeeds, an earlier one does not.
    stack.inside("notes", "mv /data/notes /data/away");
    must_fail(stack, "notes", "ended with 1");
    stack.inside("notes", ": > /data/notes");
    must_fail(stack, "notes", "it has only 0 bytes");
    stack.inside("notes", "mv /data/away /data/notes");
    nothing_is_listed(stack);
}

#[test]
fn definitions_of_a_broker_are_dumped_and_restored() {
    let Some(stack) = up("broker", BROKER) else { return };
    let definitions = r#"{"vhosts": [{"name": "shop"}], "users": [{"name": "clerk", "password_hash": "NtWR0QJgUiKgJ2jUI7rWO7pQJsySM/D7gApU4ShW1fe9ADPO",
        "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}], "permissions": [{"user": "clerk", "vhost": "shop", "configure": ".*",
        "write": ".*", "read": ".*"}], "queues": [{"name": "orders", "vhost": "shop", "durable": true, "auto_delete": false, "arguments": {}}],
        "exchanges": [{"name": "events", "vhost": "shop", "type": "topic", "durable": true, "auto_delete": false, "internal": false, "arguments": {}}],
        "bindings": [{"source": "events", "vhost": "shop", "destination": "orders", "destination_type": "queue", "routing_key": "o.*", "arguments": {}}]}"#;
    stack.inside(
        "queue",
        &format!("cat > /tmp/d.json <<'END'\n{definitions}\nEND\nchmod 644 /tmp/d.json; rabbitmqctl -q import_definitions /tmp/d.json"),
    );
    let path = stack.inside("queue", "command -v rabbitmqctl").trim().to_string();
    let instead = |script: &str| {
        let put = format!(
            "[ -e {path}.real ] || mv {path} {path}.real; cat > {path} <<'END'\n#!/bin/sh\n[ \"$2\" = version ] && exec echo 1\n{script}\nEND\nchmod 755 {path}"
        );
        stack.inside("queue", &put);
    };
    for (script, why) in [
        ("exit 0", "it has only 0 bytes"),
        ("kill -9 $$", "ended with 137"),
        ("printf '{\"users\": [%0100d' 7", "it is not the JSON of definitions"),
        ("printf '{\"users\": [%0100d}' 7", "it is no JSON"),
    ] {
        instead(script);
        must_fail(&stack, "queue", why);
    }
    stack.inside("queue", &format!("rm {path}; ! [ -e /usr/sbin/rabbitmqctl ] || mv /usr/sbin/rabbitmqctl /usr/sbin/away"));
    must_fail(&stack, "queue", "the container has no rabbitmqctl");
    stack.inside("queue", &format!("mv {path}.real {path}; ! [ -e /usr/sbin/away ] || mv /usr/sbin/away /usr/sbin/rabbitmqctl"));
    nothing_is_listed(&stack);

    let said = stack.ok(&["backup"]);
    assert!(said.text.contains("the messages in its queues"), "{}", said.text);
    nobody_is_told(&stack, &said);
    let left = stack.json(&["backup", "show"])["manifest"]["left_out"].to_string();
    assert!(left.contains("messages in its queues"), "{left}");
    let found = counts(&stack, "queue", "definitions");
    for (name, count) in [("users", 2), ("queues", 1), ("exchanges", 1), ("bindings", 1), ("vhosts", 1), ("permissions", 2)] {
        assert_eq!(found[name], count, "{name}: {found}");
    }
    let said = stack.ok(&["backup", "verify"]);
    assert!(said.text.contains("8 definitions of 9 kinds, as when it was dumped"), "{}", said.text);
    nobody_is_told(&stack, &said);
    nothing_is_left(&stack);
    let dump: Value = serde_json::from_slice(&stack.ok(&["backup", "show", "--dump", "queue"]).out).unwrap();
    assert_eq!(dump["queues"][0]["name"], "orders");
    in_place::a_broker_is_put_back(&stack);
}

/// A secret in a command would be written down with the backup.
#[test]
fn a_command_that_holds_a_secret_is_refused() {
    let text = "name: PROJECT
services:
  app:
    image: redis:7
    entrypoint: [sleep, '100000']
    stop_grace_period: 0s
    environment: {DB_PASSWORD: CANARY}
    labels: {xtask.backup.command: 'dump --password CANARY'}
";
    let Some(stack) = up("secret", text) else { return };
    let said = stack.run(&["backup"]);
    assert_eq!(said.code, Some(2), "{}", said.text);
    assert!(said.text.contains("holds the value of a secret"), "{}", said.text);
    nobody_is_told(&stack, &said);
    let files = Command::new("grep").args(["-rlF", CANARY]).arg(stack.state.path()).stdout(Stdio::piped()).output().unwrap();
    assert!(files.stdout.is_empty());
}
