//! Phase 2 beside running stacks: proven, recreated one stack at a time, or put back.

mod engine_support;
mod phase1;
#[allow(dead_code)]
#[path = "crash/snapshot.rs"]
mod snapshot;

use engine_support::sandbox;
use phase1::{Shop, same};

const SETTINGS: &str = "stacks:\n  data: {files: [compose.data.yml]}\n  apps: {files: [apps/compose.yml], after: [data]}\n";
const DATA: &str = "name: PROJECT
services:
  cache:
    image: redis:7
    init: true
    stop_grace_period: 1s
    env_file: data.env
    entrypoint: [sh, -c, 'test \"$$CACHE_MODE\" = fast && exec redis-server']
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, retries: 30}
";
/// Of the second service it depends whether the stack comes up again: one variable more, and it does not.
const APPS: &str = "name: PROJECT
services:
  app:
    image: redis:7
    init: true
    stop_grace_period: 1s
    env_file: [../.env, app.env]
    command: [sleep, '3600']
  choosy:
    image: redis:7
    init: true
    stop_grace_period: 1s
    env_file: app.env
    entrypoint: [sh, -c, 'env | grep -q SPOILS && exit 7; exec sleep 3600']
";

fn shop(test: &str, root: &str) -> Option<Shop> {
    let files = [
        ("xtask.yaml", SETTINGS),
        ("compose.data.yml", DATA),
        ("data.env", "CACHE_MODE=fast\n"),
        ("apps/compose.yml", APPS),
        ("apps/app.env", "APP_LEVEL=info\nAPP_PASSWORD=canary-own-Wd93nVb6Ls\n"),
    ];
    let shop = Shop::of(sandbox(test)?, &files);
    shop.sandbox.file(".env", root);
    shop.up_and_well();
    Some(shop)
}

fn migrate(shop: &Shop, options: &[&str]) -> phase1::Said {
    shop.run(&[&["migrate", "--phase", "2", "--yes"], options].concat())
}

#[test]
fn stacks_are_recreated_one_at_a_time_and_put_back() {
    let Some(shop) = shop("two", "SHARED=1\n") else { return };
    let (before, serving) = (shop.tree(), shop.serving());
    migrate(&shop, &["--recreate", "--require-live"]).expect(
        0,
        &[
            "docker compose",
            "from the root and from elsewhere",
            "cache of data: recreated and well",
            "app, choosy of apps: recreated and well",
        ],
    );
    shop.nothing_remains();
    let now = shop.serving();
    let started = |service: &str| now[&format!("{}-{service}-1", shop.sandbox.project)].1.clone();
    assert!(started("cache") < started("app").min(started("choosy")));
    assert!(now.iter().all(|(name, (id, _, _))| *id != serving[name].0));
    let environment = |service: &str| shop.containers()[&format!("{}-{service}-1", shop.sandbox.project)].env.clone();
    let has = |service: &str, name: &str| environment(service).iter().any(|(key, _)| key == name);
    assert!(has("cache", "CACHE_MODE") && has("choosy", "APP_PASSWORD") && has("choosy", "SHARED"));
    shop.must_be_well();
    shop.up();
    assert_eq!(shop.serving(), now, "`up -d` by hand recreates something");
    shop.run(&["rollback", "--yes"]).expect(0, &[]);
    same(&before, &shop.tree());
}

#[test]
fn a_stack_that_does_not_come_up_again_puts_everything_back() {
    let Some(shop) = shop("spoilt", "SPOILS=1\n") else { return };
    let (before, configurations) = (shop.tree(), shop.configurations());
    migrate(&shop, &["--recreate"]).expect(4, &["everything was put back", "choosy", "exited with code 7"]);
    same(&before, &shop.tree());
    assert_eq!(shop.configurations(), configurations);
    shop.must_be_well();
    shop.nothing_remains();
    // Without containers to prove it, the plan itself holds, and who is not recreated is not disturbed.
    let serving = shop.serving();
    migrate(&shop, &[]).expect(0, &["choosy (apps) will see more variables"]);
    assert_eq!(shop.serving(), serving);
}
