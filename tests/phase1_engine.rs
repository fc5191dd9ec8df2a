//! Phase 1 beside running stacks: proven, refused or put back, with the tool as it is shipped.

mod engine_support;
mod phase1;
#[allow(dead_code)]
#[path = "crash/snapshot.rs"]
mod snapshot;

use engine_support::sandbox;
use phase1::{SHOP, Shop, mode, same};

#[test]
fn a_running_database_and_two_services_are_proven_and_not_disturbed() {
    let Some(sandbox) = sandbox("proven") else { return };
    let shop = Shop::of(sandbox, SHOP);
    shop.up_and_well();
    let (before, serving) = (shop.tree(), shop.serving());
    assert_eq!(serving.len(), 4);
    shop.migrate(&["--require-live"]).expect(
        0,
        &[
            "data is well",
            "apps is well",
            "db of data accepts its credential over the network, and refuses a wrong one",
            "cache of data accepts its credential over the network, and refuses a wrong one",
        ],
    );
    let text = std::fs::read_to_string(shop.root().join("compose.data.yml")).unwrap();
    assert!(!text.contains("canary") && text.contains("# the same everywhere"), "{text}");
    assert_eq!(mode(&shop.root().join(".env")), 0o600);
    assert_eq!(shop.serving(), serving, "containers were touched");
    shop.up();
    assert_eq!(shop.serving(), serving, "`up -d` by hand recreates something");
    shop.run(&["rollback", "--yes"]).expect(0, &[]);
    same(&before, &shop.tree());
    shop.up();
    assert_eq!(shop.serving(), serving);
}

#[test]
fn a_volume_with_another_password_is_refused_and_overridden_put_back() {
    let Some(sandbox) = sandbox("other") else { return };
    let shop = Shop::of_file(sandbox, include_str!("phase1/data.yml"));
    shop.up_and_well();
    let file = shop.root().join("compose.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(phase1::DB_SECRET, "canary-new-9fKq3Xv7Pa")).unwrap();
    shop.up_and_well();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let (before, serving) = (shop.tree(), shop.serving());
    shop.migrate(&["--allow-dirty"]).expect(3, &["accepted-credentials", "db of stack", "refuses the credential that its file holds"]);
    same(&before, &shop.tree());
    let overridden = shop.migrate(&["--allow-dirty", "--override", "accepted-credentials", "--reason", "x"]);
    overridden.expect(4, &["everything was put back", "refuses the credential that its file holds"]);
    assert!(!overridden.text.contains("canary-new"), "{}", overridden.text);
    same(&before, &shop.tree());
    assert_eq!(shop.serving(), serving);
    shop.run(&["recover"]).expect(0, &["no run is open"]);
}

#[test]
fn services_are_recreated_one_stack_at_a_time() {
    let Some(sandbox) = sandbox("again") else { return };
    let shop = Shop::of(sandbox, SHOP);
    shop.up_and_well();
    let (before, serving) = (shop.tree(), shop.serving());
    shop.migrate(&["--recreate", "--rehearse"])
        .expect(0, &["rehearsal of data, apps", "cache, db of data: recreated and well", "api, worker of apps: recreated and well"]);
    shop.nothing_remains();
    let now = shop.serving();
    assert_eq!(now.keys().collect::<Vec<_>>(), serving.keys().collect::<Vec<_>>());
    for (name, (id, _, hash)) in &now {
        assert_ne!(id, &serving[name].0, "{name} was not recreated");
        assert_eq!(hash, &serving[name].2, "{name} is another configuration");
    }
    let started = |service: &str| now[&format!("{}-{service}-1", shop.sandbox.project)].1.clone();
    assert!(started("db").max(started("cache")) < started("api").min(started("worker")));
    shop.must_be_well();
    shop.run(&["rollback", "--yes"]).expect(0, &[]);
    same(&before, &shop.tree());
    shop.up();
    assert_eq!(shop.serving(), now, "`up -d` by hand recreates something");
}

/// Counts its starts in a volume, and does not survive those that the shell condition names.
fn counting(fails: &str) -> String {
    format!(
        "  box:
    image: redis:7
    init: true
    stop_grace_period: 1s
    entrypoint: [sh, -c]
    command:
      - n=$$(($$(cat /state/n 2>/dev/null || echo 0) + 1)); echo $$n > /state/n; echo start $$n with $$API_PASSWORD; if {fails}; then exit 7; fi; exec sleep 3600
    environment:
      API_PASSWORD: canary-own-Wd93nVb6Ls
    volumes: [state:/state]
volumes:
  state:
"
    )
}

#[test]
fn a_service_that_fails_at_its_second_start_is_put_back() {
    let Some(sandbox) = sandbox("second") else { return };
    let shop = Shop::of_one(sandbox, &counting("[ $$n -eq 2 ]"));
    shop.up_and_well();
    let (before, configurations, serving) = (shop.tree(), shop.configurations(), shop.serving());
    shop.migrate(&["--recreate"]).expect(4, &["everything was put back", "exited with code 7", "start 2 with ********"]);
    same(&before, &shop.tree());
    assert_eq!(shop.configurations(), configurations);
    assert_ne!(shop.serving(), serving);
    shop.must_be_well();
    shop.run(&["recover"]).expect(0, &["no run is open"]);
    // Its fourth start is well, and so is the way back.
    shop.migrate(&["--recreate"]).expect(0, &[]);
    shop.run(&["rollback", "--yes"]).expect(0, &[]);
    same(&before, &shop.tree());
}

#[test]
fn what_cannot_be_put_back_is_said_and_recovered_later() {
    let Some(sandbox) = sandbox("stuck") else { return };
    let shop = Shop::of_one(sandbox, &counting("[ $$n -ge 2 ] && [ ! -e /state/mended ]"));
    shop.up_and_well();
    let (before, configurations) = (shop.tree(), shop.configurations());
    shop.migrate(&["--recreate"]).expect(5, &["note the containers of shop", "exited with code 7", "cargo xtask recover"]);
    // The files are the old ones already; only the containers wait.
    same(&before, &shop.tree());
    shop.migrate(&[]).expect(3, &["did not come to its end"]);
    let stuck = shop.run(&["recover"]);
    stuck.expect(5, &["exited with code 7", "with ********"]);
    shop.in_volume("state", "touch /state/mended");
    shop.run(&["recover"]).expect(0, &["everything is as it was before"]);
    same(&before, &shop.tree());
    assert_eq!(shop.configurations(), configurations);
    shop.must_be_well();
    let serving = shop.serving();
    shop.run(&["recover"]).expect(0, &["no run is open"]);
    assert_eq!(shop.serving(), serving);
}

#[test]
fn a_variable_of_this_shell_is_refused() {
    let Some(sandbox) = sandbox("shell") else { return };
    let yaml = "  box:\n    image: redis:7\n    command: redis-server --requirepass ${CACHE_PASSWORD:-canary-cache-Rk81mQz5Yt}\n";
    let shop = Shop::of_one(sandbox, yaml);
    std::fs::write(shop.root().join(".env"), "CACHE_PASSWORD=canary-own-Wd93nVb6Ls\n").unwrap();
    let before = shop.tree();
    let mut command = shop.command(&["migrate", "--phase", "1", "--yes"]);
    let said = phase1::Said::of(command.env("CACHE_PASSWORD", "canary-db-7Hq2Lw9ZxT4m").output().unwrap());
    said.expect(3, &["exported-variables", "CACHE_PASSWORD is exported in this shell"]);
    same(&before, &shop.tree());
}

#[test]
fn a_live_proof_can_be_required() {
    let Some(sandbox) = sandbox("require") else { return };
    let shop = Shop::of_one(sandbox, "  box:\n    image: redis:7\n    command: redis-server --requirepass canary-cache-Rk81mQz5Yt\n");
    let before = shop.tree();
    shop.migrate(&["--require-live"]).expect(3, &["live-proof", "no stack of this project runs"]);
    same(&before, &shop.tree());
    shop.up();
    shop.migrate(&["--require-live"]).expect(0, &["box of shop accepts its credential"]);
}

#[test]
fn an_ill_stack_is_refused_before_anything_is_touched() {
    let Some(sandbox) = sandbox("ill") else { return };
    let yaml = "  box:
    image: redis:7
    command: redis-server --requirepass canary-cache-Rk81mQz5Yt
    healthcheck: {test: [CMD, 'false'], interval: 1s, timeout: 1s, retries: 2}
";
    let shop = Shop::of_one(sandbox, yaml);
    shop.up();
    let (before, serving) = (shop.tree(), shop.serving());
    shop.migrate(&[]).expect(3, &["healthy-stacks", "unhealthy"]);
    same(&before, &shop.tree());
    assert_eq!(shop.serving(), serving);
}

#[test]
fn who_is_stopped_or_done_is_no_failure_and_is_not_started() {
    let Some(sandbox) = sandbox("asleep") else { return };
    let secret = "environment: {API_PASSWORD: canary-own-Wd93nVb6Ls}";
    let yaml = format!(
        "  cache:\n    image: redis:7\n    command: redis-server --requirepass canary-cache-Rk81mQz5Yt
  once: {{image: 'redis:7', command: ['true'], {secret}}}
  paused: {{image: 'redis:7', stop_grace_period: 1s, restart: unless-stopped, init: true, command: [sleep, '3600'], {secret}}}\n"
    );
    let shop = Shop::of_one(sandbox, &yaml);
    shop.up();
    Shop::docker(&["stop", "-t", "1", &format!("{}-paused-1", shop.sandbox.project)]);
    let serving = shop.serving();
    shop.migrate(&["--recreate", "--require-live"]).expect(0, &["cache of shop accepts its credential", "recreate cache of shop"]);
    let mut now = shop.serving();
    let cache = format!("{}-cache-1", shop.sandbox.project);
    assert_ne!(now[&cache], serving[&cache]);
    now.insert(cache.clone(), serving[&cache].clone());
    assert_eq!(now, serving, "one that slept was started");
}
