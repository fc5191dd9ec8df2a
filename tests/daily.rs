//! What runs is looked at, restarted and stopped, with the tool as it is shipped.

mod engine_support;
mod everyday;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;

use everyday::Daily;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use xtask::engine::{Engine, Status};

#[test]
fn every_service_is_shown_and_a_script_can_ask() {
    let yaml = "name: PROJECT\nservices:\n  web: {WEB, restart: unless-stopped, ports: ['80'], mem_limit: 64m, cpus: 0.5}\n  box: {IDLE}\n  extra: {IDLE, profiles: [more]}\n  \
                once: {image: 'redis:7', command: ['true']}\n";
    let Some(daily) = Daily::of("ps", &[("compose.yaml", yaml)]) else { return };
    daily.run(&["ps"]).expect(1, &["Nothing of this project runs"]);
    daily.run(&["dev-up"]).expect(0, &[]);
    daily.run(&["ps"]).expect(0, &["SERVICE", "healthy", "running", "done", "64M", "50%", "->80", "nginx:1.22"]).without("extra");
    let document = daily.json(&["ps"]);
    let services = document["result"]["services"].as_array().unwrap();
    let web = services.iter().find(|service| service["service"] == "web").unwrap();
    assert_eq!(
        (web["well"].as_bool(), web["memory_limit_bytes"].as_u64(), web["cpu_limit"].as_f64()),
        (Some(true), Some(64 << 20), Some(0.5))
    );
    assert!(web["memory_bytes"].as_u64().unwrap() > 0 && web["cpus"].as_f64().unwrap() >= 0.0 && web["uptime_secs"].is_u64(), "{web}");
    daily.sandbox.docker.remove_container(&daily.sandbox.container("box").id).unwrap();
    daily.run(&["ps"]).expect(1, &["box", "missing"]);
    // One that is always started again is never done, whatever its exit code.
    daily.sandbox.docker.stop(&daily.sandbox.container("web").id, Duration::ZERO).unwrap();
    let web = daily.json(&["ps", "web"])["result"]["services"][0].clone();
    assert_eq!((web["well"].as_bool(), web["state"].as_str()), (Some(false), Some("stopped")), "{web}");
}

#[test]
fn logs_are_one_story_without_secrets() {
    let yaml = "name: PROJECT\nservices:\n  first:\n    image: redis:7\n    env_file: [first.env]\n    secrets: [note]\n    \
                command: [sh, -c, 'echo 1 $$API_TOKEN; sleep 0.3; echo 3 $$DB_URL >&2; sleep 4; cat /run/secrets/note']\n  \
                second:\n    image: redis:7\n    command: [sh, -c, 'sleep 0.3; echo 2; sleep 0.6; printf \"\\033[32m4\\033[0m\\n\"']\n\
                secrets: {note: {file: note.txt}}\n";
    let files = [
        ("compose.yaml", yaml),
        ("first.env", "API_TOKEN=canary-token-8Zq\nDB_URL=postgres://app:canary-url-5Tk@db/app\n"),
        ("note.txt", "canary-file-2Lm\n"),
    ];
    let Some(daily) = Daily::of("logs", &files) else { return };
    daily.sandbox.up(&daily.name(&std::fs::read_to_string(daily.root().join("compose.yaml")).unwrap()));
    while daily.containers().iter().any(|container| container.state.status != Status::Exited) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = daily.run(&["logs"]);
    said.expect(0, &["first  | 1 ********", "first  | 3 postgres://app:********@db/app", "first  | ********"]).without("canary");
    let all = daily.run(&["logs", "--format", "json"]).out;
    let all: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let times: Vec<&str> = all.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted() && times.len() == 5, "{times:?}");
    let at = |text: &str| all.iter().position(|line| line["text"] == text).unwrap();
    assert!(at("1 ********") < at("2") && at("2") < at("********"), "they are interleaved: {}", said.out);
    assert!(all[at("3 postgres://app:********@db/app")]["stderr"].as_bool().unwrap() && at("4") > 0);
    let lines: Vec<Value> =
        daily.run(&["logs", "--format", "json", "--tail", "1"]).out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "one a container");
    assert!(lines.iter().any(|line| line["service"] == "first" && line["text"] == "********"), "{lines:?}");
    daily.run(&["logs", "second"]).expect(0, &["second | 2"]).without("first");
    daily.run(&["logs", "--since", "1h"]).expect(0, &["second | 2"]);
    daily.run(&["logs", "--since", "soon"]).expect(2, &["neither a duration nor a time"]);
    daily.run(&["logs", "third"]).expect(2, &["no stack or service `third`", "first, second"]);
}

#[test]
fn who_follows_sees_a_container_that_was_made_anew() {
    let yaml = "name: PROJECT\nservices:\n  box:\n    image: redis:7\n    init: true\n    stop_grace_period: 0s\n    environment: {ROUND: one}\n    \
                command: [sh, -c, 'echo begin $$ROUND; while true; do sleep 0.2; echo round $$ROUND; done']\n";
    let Some(daily) = Daily::of("follow", &[("compose.yaml", yaml)]) else { return };
    daily.run(&["dev-up"]).expect(0, &[]);
    let mut child = daily.command(&["logs", "-f", "--tail", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (sender, lines) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let until = |wanted: &str| {
        while lines.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("{wanted} never came")) != wanted {}
    };
    until("box | round one");
    daily.sandbox.docker.restart(&daily.sandbox.container("box").id, Duration::ZERO).unwrap();
    until("box | begin one");
    until("box | round one");
    let path = daily.root().join("compose.yaml");
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace("ROUND: one", "ROUND: two")).unwrap();
    daily.run(&["dev-up"]).expect(0, &[]);
    until("box | begin two");
    until("box | round two");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "Ctrl-C is how it ends");
}

#[test]
fn services_are_restarted_in_order_until_one_fails() {
    let healthy = "healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, retries: 10}";
    let fails = "command: [sh, -c, 'test ! -e /state/fail || { echo broken by $$API_PASSWORD; exit 5; }; exec sleep 600']";
    let yaml = format!(
        "name: PROJECT\nservices:\n  a_last: {{IDLE, depends_on: [middle]}}\n  middle:\n    image: redis:7\n    init: true\n    depends_on: [z_first]\n    \
         volumes: ['./state:/state']\n    stop_grace_period: 0s\n    environment: {{API_PASSWORD: canary-re-4Gh7}}\n    {fails}\n  \
         z_first: {{image: 'redis:7', stop_grace_period: 1s, {healthy}}}\n"
    );
    let Some(daily) = Daily::of("restart", &[("compose.yaml", &yaml)]) else { return };
    daily.run(&["restart"]).expect(3, &["nothing of that runs"]);
    daily.run(&["dev-up"]).expect(0, &[]);
    let before = daily.started("a_last");
    daily.run(&["restart"]).expect(0, &["z_first", "a_last"]);
    assert!(daily.started("z_first") < daily.started("middle") && daily.started("middle") < daily.started("a_last"));
    assert!(before < daily.started("z_first"));
    let (first, last) = (daily.started("z_first"), daily.started("a_last"));
    daily.sandbox.file("state/fail", "");
    daily.run(&["restart"]).expect(1, &["middle", "exited with code 5", "broken by ********"]).without("canary");
    assert_ne!(daily.started("z_first"), first);
    assert_eq!(daily.started("a_last"), last, "nothing after the failure is touched");
    daily.run(&["restart", "a_last", "--dry-run"]).expect(0, &["restart", "a_last"]).without("z_first");
}

#[test]
fn production_is_stopped_after_asking_and_keeps_its_data() {
    let prod = "name: PROJECT\nservices: {web: {IDLE, volumes: ['data:/data'], networks: [own, other]}}\nvolumes: {data: }\nnetworks: {own: , other: {external: true, name: PROJECT-other}}\n";
    let files = [
        (
            "xtask.yaml",
            "networks: [PROJECT-other]\nstacks:\n  one: {files: [one.yaml], role: prod}\n  two: {files: [two.yaml], role: prod}\n",
        ),
        ("one.yaml", prod),
        ("two.yaml", "name: PROJECT\nservices: {side: {IDLE}}\n"),
    ];
    let Some(daily) = Daily::of("prod", &files) else { return };
    let daily = daily.network("PROJECT-other");
    daily.sandbox.docker.create_network(&daily.name("PROJECT-other")).unwrap();
    for file in ["one.yaml", "two.yaml"] {
        let files = vec![daily.root().join(file)];
        let call = xtask::engine::compose::ComposeCall { files, ..xtask::engine::compose::ComposeCall::default() };
        let (masker, cancel) = (xtask::secret::Masker::default(), xtask::cancel::Cancel::default());
        let up = xtask::engine::compose::Up::default();
        daily.sandbox.compose.up(&call, &up, Duration::from_secs(60), &masker, &cancel).unwrap();
    }
    daily.run(&["prod-down", "--yes"]).expect(3, &["several stacks are meant: one, two", "--all"]);
    daily.run(&["prod-down", "one"]).expect(3, &["no terminal", "--yes"]);
    daily.run(&["dev-down", "one"]).expect(3, &["its role is prod"]);
    daily.run(&["restart", "one"]).expect(3, &["no terminal"]);
    assert_eq!(daily.containers().len(), 2);
    daily.run(&["prod-down", "one", "--yes"]).expect(0, &["Removed", "web"]);
    assert_eq!(daily.containers().len(), 1);
    assert_eq!(daily.volumes(), [daily.name("PROJECT_data")]);
    assert!(daily.sandbox.docker.network(&daily.name("PROJECT-other")).unwrap().is_some());
    assert!(daily.sandbox.docker.network(&daily.name("PROJECT_own")).unwrap().is_none());
    daily.run(&["prod-down", "--all", "--yes"]).expect(0, &["side"]);
    daily.run(&["prod-down", "--all", "--yes"]).expect(0, &["Nothing"]);
}

#[test]
fn compose_and_the_tool_follow_the_same_context() {
    let yaml = "name: PROJECT\nservices: {box: {IDLE}}\n";
    let Some(daily) = Daily::of("context", &[("compose.yaml", yaml)]) else { return };
    let Ok(host) = std::env::var("DOCKER_HOST") else { return };
    let config = tempfile::tempdir().unwrap();
    let created = std::process::Command::new("docker")
        .args(["context", "create", "there", "--docker"])
        .arg(format!("host={host}"))
        .env("DOCKER_CONFIG", config.path())
        .output()
        .unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    // Where the plugin stands beside the usual configuration, it stands beside this one too.
    if let Ok(usual) = std::env::var("DOCKER_CONFIG") {
        let plugins = std::path::Path::new(&usual).join("cli-plugins");
        if plugins.is_dir() {
            std::os::unix::fs::symlink(plugins, config.path().join("cli-plugins")).unwrap();
        }
    }
    let run = |args: &[&str], context: &str| {
        let mut command = daily.command(args);
        command.env_remove("DOCKER_HOST").env("DOCKER_CONFIG", config.path()).env("DOCKER_CONTEXT", context);
        everyday::Said::of(&command.output().unwrap())
    };
    run(&["dev-up"], "there").expect(0, &["Running box"]);
    assert_eq!(daily.containers().len(), 1, "Compose has reached the same engine");
    run(&["ps"], "there").expect(0, &["running"]);
    run(&["ps"], "gone").expect(2, &["docker context gone"]);
}
