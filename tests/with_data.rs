//! Data goes with releases: back with one that is brought back, and into the rehearsal of one that is to come.

mod engine_support;
#[path = "with_data/several.rs"]
mod several;
#[allow(dead_code)] // what other tests need of it
#[path = "prod_up/mod.rs"]
mod support;

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{CANARY, Prod, id_of};
use xtask::engine::{Engine, Health};

/// A database, and a service with a volume that is well unless there is a file `bad`.
const SHOP: &str = "name: PROJECT
services:
  db:
    image: DBIMAGE
    stop_grace_period: 5s
    environment: {POSTGRES_PASSWORD: CANARY, POSTGRES_DB: shop}
    volumes: ['pg:/var/lib/postgresql/data']
    healthcheck: {test: [CMD-SHELL, 'pg_isready -h 127.0.0.1 -U postgres'], interval: 500ms, timeout: 5s, retries: 60}
  app:
    image: redis:7
    entrypoint: [sh, -c]
    command: ['sleep 100000']
    stop_grace_period: 1s
    depends_on: {db: {condition: service_healthy}}
    environment: {RELEASE: NUMBER}
    volumes: ['files:/data']
    healthcheck: {test: [CMD-SHELL, '! test -e /data/bad'], interval: 500ms, timeout: 5s, retries: 2}
volumes: {pg: , files: }
";
const SETTINGS: &str = "deploy: {settle: 0, rehearse: false}\n";

/// Asks the database for what a new release wants of it.
const MIGRATING: &str = "name: PROJECT
services:
  db:
    image: postgres:15
    stop_grace_period: 5s
    environment: {POSTGRES_PASSWORD: CANARY, POSTGRES_DB: shop}
    volumes: ['pg:/var/lib/postgresql/data']
    healthcheck: {test: [CMD-SHELL, 'pg_isready -h 127.0.0.1 -U postgres'], interval: 500ms, timeout: 5s, retries: 60}
  migrate:
    image: postgres:15
    entrypoint: [psql, -X, -v, ON_ERROR_STOP=1, -h, db, -U, postgres, -d, shop, -c, 'SQL']
    depends_on: {db: {condition: service_healthy}}
    environment: {PGPASSWORD: CANARY}
volumes: {pg: }
";

struct Shop {
    prod: Prod,
    /// An image that says it is another major version.
    later: Option<String>,
}

impl Shop {
    fn of(test: &str, stack: &str, settings: &str) -> Option<Shop> {
        let prod = Prod::of(test, stack, settings)?;
        Some(Shop { prod, later: None })
    }

    fn docker(&self, args: &[&str]) -> String {
        let said = Command::new("docker").args(args).stdin(Stdio::null()).output().unwrap();
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim().to_string()
    }

    fn sql(&self, sql: &str) -> String {
        let db = self.prod.sandbox.container("db").id;
        self.docker(&["exec", &db, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "shop", "-c", sql])
    }

    fn inside(&self, script: &str) -> String {
        self.docker(&["exec", &self.prod.sandbox.container("app").id, "sh", "-ec", script])
    }

    /// `postgres:15` under a name that says 16, as its own environment does.
    fn make_later(&mut self) -> String {
        let image = format!("xtask-test-{}/postgres:16", self.prod.sandbox.project);
        let made = self.docker(&["create", "postgres:15"]);
        self.docker(&["commit", "--change", "ENV PG_MAJOR=16", &made, &image]);
        self.docker(&["rm", "-v", &made]);
        self.later = Some(image.clone());
        image
    }

    fn release(&self, number: &str, image: &str) {
        self.prod.write("compose.prod.yaml", &SHOP.replace("DBIMAGE", image).replace("NUMBER", number));
    }

    fn backups(&self) -> Vec<Value> {
        let said = self.prod.run(&["--format", "json", "backup", "list"]);
        let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.text));
        document["result"].as_array().unwrap().clone()
    }

    fn newest(&self) -> String {
        self.backups().last().unwrap()["name"].as_str().unwrap().to_string()
    }

    /// Where the engine has the content of a volume.
    fn folder(&self, volume: &str) -> String {
        self.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", &format!("{}_{volume}", self.prod.sandbox.project)])
    }

    /// All that a failed way back must leave as it is: who runs, with which data.
    fn now(&self) -> (Vec<support::Who>, String, String, Vec<u64>) {
        let inodes = ["pg", "files"].map(|volume| std::fs::metadata(self.folder(volume)).unwrap().ino());
        (self.prod.serving(), self.sql("select count(*), max(note) from orders"), self.inside("cat /data/mark"), inodes.to_vec())
    }

    fn at_peace(&self) {
        self.prod.nothing_left_over();
        let prefix = format!("{}_", self.prod.sandbox.project);
        let volumes = self.prod.sandbox.docker.volumes(&[]).unwrap().into_iter().map(|one| one.name);
        let left: Vec<String> = volumes.filter(|name| name.starts_with(&prefix) && name.contains("-xtask-")).collect();
        assert!(left.is_empty(), "{left:?}");
        self.prod.run(&["recover"]).expect(0, &[]);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(image) = &self.later {
            for container in self.prod.containers() {
                let _ = self.prod.sandbox.docker.remove_container(&container.id);
            }
            let _ = Command::new("docker").args(["rmi", "-f", image]).output();
        }
    }
}

/// Whether there is time for everything.
fn full() -> bool {
    std::env::var_os("XTASK_FULL").is_some()
}

fn killed(mut child: Child) {
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

fn wait(what: &str, child: &mut Child, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(90);
    while !is_so() {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn data_goes_back_with_a_release_or_nothing_does() {
    let Some(mut shop) = Shop::of("wd-back", "services: {}\n", SETTINGS) else { return };
    let project = shop.prod.sandbox.project.clone();
    shop.release("one", "postgres:15");
    shop.prod.up(&[]).expect(0, &["start"]);
    let folder = shop.folder("pg");
    let may = |parent: &Path| nix::unistd::access(parent, nix::unistd::AccessFlags::W_OK).is_ok();
    if !Path::new(&folder).parent().is_some_and(may) {
        return engine_support::skipped("rollback with data", "this user may not change the engine's volumes");
    }
    shop.sql("create table orders(id serial primary key, note text); insert into orders(note) select md5(i::text) from generate_series(1, 100) i");
    shop.inside("echo one > /data/mark; touch /data/bad");
    shop.prod.run(&["backup"]).expect(0, &[]);
    let bad = shop.newest();
    shop.inside("rm /data/bad");
    shop.prod.run(&["backup", "--verify"]).expect(0, &[]);
    let good = shop.newest();
    assert_ne!(good, bad);

    // The next release has another major version of the database, and changes the data.
    let later = shop.make_later();
    shop.release("two", &later);
    let said = shop.prod.up(&["--confirm", &project]);
    said.expect(0, &["swap"]);
    shop.sql("insert into orders(note) values ('zz later'); create table more as select 1 as n");
    shop.inside("echo two > /data/mark");
    let before = shop.now();
    let back = |more: &[&str]| {
        let args = [&["rollback", "--release", "--confirm", project.as_str()], more].concat();
        shop.prod.command(shop.prod.root(), &args)
    };
    let ended = |more: &[&str]| support::Said::of(&back(more).output().unwrap());

    // Refused: the name is not typed, there is no backup of that time, or it is of another stack's release.
    shop.prod.run(&["--yes", "rollback", "--release", "--with-data"]).expect(3, &["--confirm", "everything that was written", &good]);
    shop.prod.run(&["--dry-run", "rollback", "--release", "--with-data"]).expect(0, &["back up what is there now"]);
    ended(&["--to", "r0002", "--with-data"]).expect(3, &["no backup was made while r0002 ran", "backup list"]);
    ended(&["--with-data=nothing"]).expect(2, &["there is no backup"]);
    shop.prod.run(&["--yes", "restore", "--in-place", "--service", "db", "--stop", "--confirm", &project]).expect(3, &["version 15"]);
    assert_eq!(shop.now(), before);
    assert_eq!(shop.backups().len(), 2);

    // The old release does not become well on that data: today's release and data are back.
    ended(&[&format!("--with-data={bad}"), "--no-backup"]).expect(4, &["everything was put back", "app"]);
    assert_eq!(shop.now(), before);
    shop.at_peace();

    // Killed when the data was just exchanged, and when the old release starts; with `XTASK_FULL` also while a server
    // loads the dumps, which is as in a restore.
    let inode = || std::fs::metadata(&folder).map(|meta| meta.ino()).ok();
    let (old, db) = (inode(), id_of(&before.0, "db").to_string());
    let moments = if full() { vec!["server", "exchanged", "started"] } else { vec!["exchanged", "started"] };
    for moment in moments {
        let mut child = back(&["--with-data", "--no-backup"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let other_runs = || {
            let mut all = shop.prod.containers().into_iter();
            all.any(|one| one.service() == "db" && one.id != db && one.is_up())
        };
        match moment {
            "server" => wait(moment, &mut child, || !shop.prod.rehearsed().is_empty()),
            "exchanged" => wait(moment, &mut child, || inode().is_some_and(|now| Some(now) != old)),
            _ => wait(moment, &mut child, other_runs),
        }
        killed(child);
        shop.prod.run(&["recover"]).expect(0, &["as it was before"]);
        assert_eq!(shop.now(), before, "{moment}");
        shop.at_peace();
    }

    // And back it goes, by the image of then.
    let said = ended(&["--with-data"]);
    said.expect(0, &["100 rows in 1 tables, as in", "back up prod"]);
    let place = |what: &str| said.text.find(what).unwrap_or_else(|| panic!("{what}"));
    assert!(place("stop app") < place("stop db") && place("replace db") < place("replace app"), "{}", said.text);
    assert!(!said.text.contains(CANARY));
    let (who, rows, mark, _) = shop.now();
    assert_eq!(mark, "one");
    assert!(rows.starts_with("100|"), "{rows}");
    assert_eq!(shop.sql("select to_regclass('more') is null"), "t");
    let one = shop.docker(&["image", "inspect", "-f", "{{.Id}}", "postgres:15"]);
    assert_eq!(shop.prod.sandbox.container("db").image_id, one);
    assert_ne!(id_of(&who, "db"), db);
    let current = shop.prod.releases().into_iter().find(|release| release["current"] == true).unwrap();
    assert_eq!(current["id"], "r0001");
    shop.at_peace();
    // What was there until then is the last backup of the release that was left: forward again.
    assert_eq!(shop.backups().len(), 3);
    ended(&["--to", "r0002", "--with-data", "--no-backup"]).expect(0, &["102 rows in 2 tables"]);
    assert_eq!((shop.inside("cat /data/mark").as_str(), shop.sql("select count(*) from orders").as_str()), ("two", "101"));
    assert_eq!(shop.prod.sandbox.container("db").state.health, Some(Health::Healthy));
    shop.at_peace();
}

#[test]
fn a_migration_is_tried_on_a_copy_of_the_data_first() {
    let Some(shop) = Shop::of("wd-rehearse", "services: {}\n", "deploy: {settle: 0, rehearse: with-data}\n") else { return };
    let release = |sql: &str| shop.prod.write("compose.prod.yaml", &MIGRATING.replace("SQL", sql));
    release("create table orders(id serial primary key, note text)");
    // Where nothing is yet, there is nothing to copy.
    shop.prod.up(&[]).expect(0, &["rehearse"]);
    while shop.prod.sandbox.container("migrate").is_up() {
        std::thread::sleep(Duration::from_millis(50));
    }
    shop.sql("insert into orders(note) values ('a'), ('a'), ('b')");
    let db = shop.prod.sandbox.container("db").id;
    let untouched = || {
        assert_eq!(shop.prod.sandbox.container("db").id, db);
        assert_eq!(shop.sql("select count(*) from pg_constraint where conname = 'told'"), "0");
        shop.at_peace();
    };
    release("alter table orders add constraint told unique(note)");
    shop.prod.up(&[]).expect(3, &["guard rehearsal-data", "no backup of it was ever verified", "backup prod --verify"]);
    shop.prod.run(&["backup"]).expect(0, &[]);
    shop.prod.up(&[]).expect(3, &["guard rehearsal-data"]);
    shop.prod.run(&["backup", "verify"]).expect(0, &[]);
    let name = shop.newest();
    // It fails on what is in the table, and only there.
    let said = shop.prod.up(&[]);
    said.expect(3, &["on a copy of its data", &name, "migrate", "nothing was touched"]);
    assert!(!said.text.contains(CANARY));
    untouched();

    // Killed while the release is tried on the copy; with `XTASK_FULL` also while that is made.
    let moments = if full() { vec!["the copy", "the release"] } else { vec!["the release"] };
    for moment in moments {
        let command = &mut shop.prod.command(shop.prod.root(), &["--yes", "prod-up"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let tried = || shop.prod.rehearsed().iter().filter(|name| name.contains("migrate")).count() > 0;
        match moment {
            "the copy" => wait(moment, &mut child, || !shop.prod.rehearsed().is_empty()),
            _ => wait(moment, &mut child, tried),
        }
        killed(child);
        shop.prod.run(&["recover"]).expect(0, &[]);
        untouched();
    }

    // Right on what is there now, and tried on what this deploy backs up first: the older backup would refuse it.
    shop.sql("delete from orders where id = 1");
    shop.prod.write("xtask.yaml", "deploy: {settle: 0, rehearse: with-data}\nbackup: {before-deploy: required}\n");
    let said = shop.prod.up(&[]);
    said.expect(0, &[&format!("on a copy of its data from {}", shop.newest())]);
    assert_ne!(shop.newest(), name);
    assert_eq!(shop.backups().len(), 2);
    assert_eq!(shop.sql("select count(*) from pg_constraint where conname = 'told'"), "1");
    assert_eq!(shop.prod.sandbox.container("db").id, db);
    shop.at_peace();
}
