//! `metrics`: the figures of a small stack on the engine, and without one.

mod engine_support;
#[allow(dead_code)] // shared with the tests of every day
mod everyday;

use std::time::{Duration, Instant};

use everyday::Daily;
use serde_json::{Value, json};
use xtask::engine::Engine;

/// A healthy server, a client that fails to log in and one that is ill, and a volume; its name is that of a cache, so
/// that what does not reach it is known.
const DEV: &str = r#"name: PROJECT
services:
  cache:
    image: redis:7
    stop_grace_period: 0s
    command: [redis-server, --requirepass, "${CACHE_PASSWORD}", --save, ""]
    env_file: .env
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, retries: 20}
    volumes: ['data:/data']
  client:
    image: redis:7
    stop_grace_period: 0s
    init: true
    environment: {API_PASSWORD: canary-me-9Wd3Ke7x}
    command: [sh, -c, 'echo "WRONGPASS for $$API_PASSWORD"; echo "connect ECONNREFUSED cache:6379"; echo "connection refused by nobody"; exec sleep 600']
  web:
    image: nginx:1.22
    stop_grace_period: 0s
    env_file: other.env
    healthcheck: {test: ['CMD-SHELL', 'test -e /nowhere'], interval: 1s, retries: 1}
volumes: {data: }
"#;

fn figure(document: &Value, name: &str) -> Value {
    let figures = document["result"]["figures"].as_array().unwrap_or_else(|| panic!("{document}"));
    figures.iter().find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("no {name} in {document}")).clone()
}

fn measured(daily: &Daily, args: &[&str]) -> Value {
    let document = daily.json(&[&["metrics"], args].concat());
    assert!(!document.to_string().contains("canary"), "{document}");
    document
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_figures_of_a_running_stack_are_measured_and_followed() {
    let prod = "services: {web: {image: 'redis:7'}}\n";
    let settings = "stacks:\n  shop: {files: [compose.yaml], role: dev}\n  live: {files: [live.yaml], role: prod}\n";
    let env = "CACHE_PASSWORD=canary-me-cache-2Hs8\n";
    let files = [
        ("compose.yaml", DEV),
        ("live.yaml", prod),
        ("xtask.yaml", settings),
        (".env", env),
        ("other.env", "A=1\n"),
        (".gitignore", ".env\n"),
    ];
    let Some(daily) = Daily::of("metrics", &files) else { return };
    daily.sandbox.up(&std::fs::read_to_string(daily.root().join("compose.yaml")).unwrap());
    let health = |service: &str| daily.sandbox.container(service).state.health;
    until("web is ill", || health("web") == Some(xtask::engine::Health::Unhealthy));
    until("cache is well", || health("cache") == Some(xtask::engine::Health::Healthy));
    // The second in which a measurement begins is left to the next one.
    std::thread::sleep(Duration::from_millis(1100));

    let first = measured(&daily, &["shop"]);
    let credentials = figure(&first, "hard-coded-credentials");
    assert_eq!((&credentials["value"], &credentials["met"]), (&json!(1.0), &json!(false)));
    assert_eq!(credentials["parts"], json!([{"of": "compose.yaml", "value": 1.0}]));
    assert_eq!(
        (figure(&first, "services-on-root-env")["value"].as_f64(), figure(&first, "stacks-on-root-env")["value"].as_f64()),
        (Some(50.0), Some(0.0))
    );
    assert_eq!(figure(&first, "bytes-reclaimed")["not_measured"], "no cleanup has run");
    let healthy = figure(&first, "services-healthy");
    assert_eq!((healthy["value"].as_f64(), &healthy["parts"][0]["of"]), (Some(50.0), &json!("shop web")));
    let restarts = figure(&first, "restarts-per-day");
    assert_eq!((restarts["value"].as_f64(), &restarts["met"]), (Some(0.0), &json!(true)));
    let probes = figure(&first, "health-probe-p95");
    assert!(probes["value"].as_f64().unwrap() > 0.0 && probes["parts"].as_array().unwrap().len() == 2, "{probes}");
    let images = figure(&first, "image-bytes");
    assert_eq!(images["parts"].as_array().unwrap().len(), 2, "{images}");
    assert!(figure(&first, "prod-image-reduction")["value"].is_null());
    let failed = figure(&first, "failed-database-connections");
    assert_eq!((failed["value"].as_f64(), &failed["met"]), (Some(2.0), &json!(false)), "{failed}");
    let notes: Vec<&Value> = failed["parts"].as_array().unwrap().iter().map(|part| &part["note"]).collect();
    assert_eq!(notes, [&json!("econnrefused"), &json!("wrongpass")]);
    let growth = figure(&first, "disk-growth");
    assert!(growth["value"].is_null() && growth["not_measured"].as_str().unwrap().contains("first measurement"), "{growth}");

    let cache = daily.sandbox.container("cache");
    let exec = |script: &str| daily.sandbox.docker.exec(&cache.id, &command(script)).unwrap();
    assert_eq!(exec("head -c 3000000 /dev/zero > /data/more").code, 0);
    daily.run(&["metrics", "shop", "--dry-run"]).expect(0, &["data grown: 3 MB", "since the last measurement"]).without("canary");
    let second = measured(&daily, &[]);
    let grown = figure(&second, "disk-growth")["value"].as_f64().unwrap();
    assert!((3_000_000.0..3_100_000.0).contains(&grown), "a dry run is no measurement: {grown}");
    assert_eq!(figure(&second, "failed-database-connections")["value"].as_f64(), Some(0.0), "they were counted before");
    assert!(figure(&second, "disk-growth-month")["not_measured"].as_str().unwrap().contains("a day old"));
    let reduction = figure(&second, "prod-image-reduction");
    assert_eq!(reduction["parts"][0]["of"], "live web", "{reduction}");
    assert!(reduction["value"].as_f64().unwrap() < 100.0);
    daily.run(&["metrics", "nobody"]).expect(2, &["nobody"]);
    daily
        .run(&["metrics", "shop"])
        .expect(0, &["Missed", "hard-coded credentials: 1 (target: at most 0)", "Not measured"])
        .without("canary");
}

fn command(script: &str) -> xtask::engine::Exec<'static> {
    static NOTHING: std::sync::LazyLock<xtask::secret::Masker> = std::sync::LazyLock::new(xtask::secret::Masker::default);
    let argv = ["sh", "-c", script].map(String::from).to_vec();
    xtask::engine::Exec { argv, env: Vec::new(), stdin: None, deadline: Duration::from_secs(30), masker: &NOTHING }
}

#[test]
fn without_an_engine_the_files_are_measured_and_nothing_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("compose.yaml"), "services: {web: {image: 'nginx:1.22', env_file: .env}}\n").unwrap();
    std::fs::write(folder.path().join(".env"), "A=1\n").unwrap();
    let state = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("-C").arg(folder.path()).args(["metrics", "--format", "json"]);
    command.env("XTASK_STATE", state.path()).env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let output = command.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["exit"], 0, "{document}");
    assert_eq!(figure(&document, "hard-coded-credentials")["met"], true);
    assert_eq!(figure(&document, "stacks-on-root-env")["value"].as_f64(), Some(100.0));
    let away = ["image-bytes", "services-healthy", "restarts-per-day", "health-probe-p95", "failed-database-connections", "disk-growth"];
    for name in away {
        let figure = figure(&document, name);
        assert!(figure["value"].is_null() && figure["met"].is_null(), "{figure}");
        assert!(figure["not_measured"].as_str().unwrap().starts_with("no engine answers"), "{figure}");
    }
    assert!(std::fs::read_dir(state.path()).unwrap().next().is_none(), "nothing was measured that could be followed");
}
