//! Several stacks at once: what one deploys is tried on copies of the data of all that it leans on.

use std::path::PathBuf;
use std::process::Command;

use xtask::engine::Engine;

use crate::support::{CANARY, Prod};

/// A folder of files that both stacks have, and a network.
const DATA: &str = "name: PROJECT-data
services:
  db:
    image: mariadb:10.11
    stop_grace_period: 5s
    environment: {MARIADB_ROOT_PASSWORD: CANARY, MARIADB_DATABASE: shop}
    networks: [back]
    volumes: ['maria:/var/lib/mysql']
    healthcheck: {test: [CMD, healthcheck.sh, --connect, --innodb_initialized], interval: 1s, timeout: 5s, retries: 60}
  cache:
    image: redis:7
    stop_grace_period: 1s
    command: [redis-server, --repl-diskless-sync-delay, '0']
    networks: [back]
    volumes: ['keys:/data', 'shared:/shared']
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, timeout: 3s, retries: 10}
networks: {back: {name: PROJECT-back}}
volumes: {maria: , keys: , shared: {name: PROJECT-shared}}
";

/// Asks both servers, and reads the file, when it starts.
const APP: &str = "name: PROJECT
services:
  migrate:
    image: mariadb:10.11
    entrypoint: [sh, -ec]
    command: ['export MYSQL_PWD=\"$$ROOT_PASSWORD\"; until mariadb -h db -u root -e \"select 1\" shop; do sleep 0.3; done; mariadb -h db -u root -e \"CHANGE\" shop']
    environment: {ROOT_PASSWORD: CANARY}
    networks: [back]
  app:
    image: redis:7
    entrypoint: [sh, -ec]
    command: ['test -s /shared/mark; test -s /own/mark; until redis-cli -h cache ping; do sleep 0.3; done; test \"$$(redis-cli -h cache get greeting)\" = hello; sleep 100000']
    stop_grace_period: 0s
    networks: [back]
    volumes: ['shared:/shared', 'own:/own']
networks: {back: {external: true, name: PROJECT-back}}
volumes: {own: , shared: {external: true, name: PROJECT-shared}}
";
const SETTINGS: &str = "stacks:
  data: {files: [compose.data.yaml], role: prod}
  app: {files: [compose.prod.yaml], role: prod, after: [data]}
deploy: {settle: 1, rehearse: with-data}
";

struct Data(PathBuf);

impl Drop for Data {
    fn drop(&mut self) {
        for file in ["compose.prod.yaml", "compose.data.yaml"] {
            let _ = Command::new("docker").args(["compose", "-f", file, "down", "-v", "-t", "1"]).current_dir(&self.0).output();
        }
    }
}

fn docker(args: &[&str]) -> String {
    let said = Command::new("docker").args(args).output().unwrap();
    assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).trim().to_string()
}

fn compose(prod: &Prod, args: &[&str]) -> String {
    let file = prod.root().join("compose.data.yaml");
    docker(&[&["compose", "-f", file.to_str().unwrap()], args].concat())
}

fn sql(prod: &Prod, sql: &str) -> String {
    compose(prod, &["exec", "-T", "-e", &format!("MYSQL_PWD={CANARY}"), "db", "mariadb", "-N", "-u", "root", "shop", "-e", sql])
}

fn nothing_is_left(prod: &Prod) {
    assert_eq!(prod.rehearsed(), Vec::<String>::new());
    let volumes = prod.sandbox.docker.volumes(&[]).unwrap().into_iter().map(|one| one.name);
    let left: Vec<String> = volumes.filter(|name| name.starts_with("xtask-") && name.contains(&prod.sandbox.project)).collect();
    assert!(left.is_empty(), "{left:?}");
    prod.run(&["recover"]).expect(0, &[]);
}

#[test]
fn a_release_is_tried_on_the_data_of_every_stack_that_it_leans_on() {
    let Some(prod) = Prod::of("wd-several", "services: {}\n", SETTINGS) else { return };
    let _data = Data(prod.root().to_path_buf());
    prod.write("compose.data.yaml", DATA);
    let release = |change: &str| prod.write("compose.prod.yaml", &APP.replace("CHANGE", change));
    release("alter table orders add unique told(note)");
    prod.run(&["--yes", "prod-up", "data"]).expect(0, &["start"]);
    sql(
        &prod,
        "create table orders(id int primary key auto_increment, note varchar(9)); insert into orders(note) values ('a'), ('a'), ('b')",
    );
    compose(&prod, &["exec", "-T", "cache", "sh", "-ec", "redis-cli set greeting hello; echo x > /shared/mark"]);
    // A volume that was there before the stack.
    let (own, project) = (format!("{}_own", prod.sandbox.project), format!("com.docker.compose.project={}", prod.sandbox.project));
    docker(&["volume", "create", "--label", &project, "--label", "com.docker.compose.volume=own", &own]);
    docker(&["run", "--rm", "--network", "none", "-v", &format!("{own}:/own"), "redis:7", "sh", "-c", "echo x > /own/mark"]);
    prod.run(&["--yes", "prod-up", "app"]).expect(3, &["guard rehearsal-data", "data keeps data", "app keeps data", "--verify"]);
    prod.run(&["backup", "--verify"]).expect(0, &[]);

    // What is wrong with the release shows on the rows alone.
    let said = prod.run(&["--yes", "prod-up", "app"]);
    said.expect(3, &["rehearse data on a copy", "rehearse app on a copy", "migrate", "Duplicate entry", "nothing was touched"]);
    assert!(!said.text.contains(CANARY), "{}", said.text);
    assert_eq!(sql(&prod, "select count(*), count(distinct note) from orders; show index from orders where key_name = 'told'"), "3\t2");
    nothing_is_left(&prod);

    // It starts on nothing but what is in the cache and in both volumes.
    release("alter table orders add told int");
    prod.run(&["--yes", "prod-up", "app"]).expect(0, &["rehearse data on a copy", "rehearse app on a copy"]);
    nothing_is_left(&prod);
}
