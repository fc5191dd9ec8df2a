//! The doors to a real engine: what is asked comes back as it is.

mod engine_support;

use std::time::Duration;

use engine_support::sandbox;
use xtask::cancel::Cancel;
use xtask::engine::{Engine, Exec, Health, Status};
use xtask::secret::{MASK, Masker, Secret};

const STACK: &str = r#"
services:
  cache:
    image: redis:7
    command: ["redis-server", "--save", ""]
    environment: {WHO: "a=b"}
    labels: {team: data}
    healthcheck: {test: ["CMD", "redis-cli", "ping"], interval: 1s, timeout: 2s, retries: 4, start_period: 3s}
    volumes: ["data:/data", "./conf:/conf:ro"]
    networks: {back: {aliases: [store]}}
volumes: {data: {}}
networks: {back: {internal: true}}
"#;

#[test]
fn a_running_stack_is_seen_as_it_is() {
    let Some(sandbox) = sandbox("api") else { return };
    sandbox.file("conf/a", "1");
    sandbox.up(STACK);
    let cache = sandbox.container("cache");
    assert_eq!((cache.state.status, cache.service(), cache.image.as_str()), (Status::Running, "cache", "redis:7"));
    assert!(matches!(cache.state.health, Some(Health::Starting | Health::Healthy)));
    assert_eq!(cache.env["WHO"], "a=b");
    assert_eq!(cache.labels["team"], "data");
    assert_eq!(cache.command, ["redis-server", "--save", ""]);
    let check = cache.healthcheck.unwrap();
    assert_eq!((check.interval, check.timeout, check.retries, check.start_period), (s(1), s(2), 4, s(3)));
    let endpoint = &cache.networks[&format!("{}_back", sandbox.project)];
    assert!(!endpoint.address.is_empty() && endpoint.aliases.contains(&"store".to_string()));
    let mounts: Vec<(&str, &str, bool)> =
        cache.mounts.iter().map(|mount| (mount.kind.as_str(), mount.destination.as_str(), mount.writable)).collect();
    assert!(mounts.contains(&("volume", "/data", true)) && mounts.contains(&("bind", "/conf", false)), "{mounts:?}");

    let label = [("com.docker.compose.project", sandbox.project.as_str())];
    let networks = sandbox.docker.networks(&label).unwrap();
    assert_eq!((networks.len(), networks[0].internal, networks[0].containers.len()), (1, true, 1));
    assert_eq!(sandbox.docker.network(&endpoint.network_id).unwrap().unwrap(), networks[0]);
    let volumes = sandbox.docker.volumes(&label).unwrap();
    assert_eq!(volumes.iter().map(|volume| volume.name.clone()).collect::<Vec<_>>(), [format!("{}_data", sandbox.project)]);
    assert!(sandbox.docker.logs(&cache.id, 5).unwrap().lines().count() <= 5);
    assert!(sandbox.docker.container("no-such-container").unwrap().is_none());
    assert!(sandbox.docker.image("no-such-image:9").unwrap().is_none());
    assert!(sandbox.docker.volume("no-such-volume").unwrap().is_none());
}

#[test]
fn a_program_in_a_container_gets_its_secret_and_does_not_show_it() {
    let Some(sandbox) = sandbox("exec") else { return };
    sandbox.up("services: {box: {image: \"redis:7\", command: [sleep, \"600\"]}}");
    let id = sandbox.container("box").id;
    let masker = Masker::new(["canary-in-env", "canary-on-stdin"]);
    let exec = |script: &str, deadline| Exec {
        argv: ["sh", "-c", script].map(String::from).to_vec(),
        env: vec![("KEY".into(), Secret::new("canary-in-env"))],
        stdin: Some(Secret::new("canary-on-stdin")),
        deadline,
        masker: &masker,
    };
    let done = sandbox.docker.exec(&id, &exec("echo \"$KEY\"; cat; exit 5", s(10))).unwrap();
    assert_eq!((done.code, done.output), (5, format!("{MASK}\n{MASK}")));
    let late = sandbox.docker.exec(&id, &exec("sleep 5", s(1))).unwrap_err();
    assert_eq!(late.why.as_deref(), Some("not done after 1 s"));
    let missing = Exec { argv: vec!["no-such-program".into()], ..exec("", s(10)) };
    assert!(matches!(sandbox.docker.exec(&id, &missing).unwrap().code, 126 | 127));
}

#[test]
fn compose_renders_and_hashes_what_the_containers_carry() {
    let Some(sandbox) = sandbox("hash") else { return };
    sandbox.file("app.env", "FROM_FILE=x\n");
    let yaml = "services: {box: {image: \"redis:7\", env_file: app.env, environment: {P: \"pa$$w\", Q: \"${Q:-d}\"}, profiles: [full], command: [sleep, \"600\"]}}";
    let mut call = sandbox.write(yaml);
    call.profiles = vec!["full".into()];
    let up = xtask::engine::compose::Up::default();
    sandbox.compose.up(&call, &up, s(60), &Masker::default(), &Cancel::default()).unwrap();
    let model = sandbox.compose.config_json(&call, &Masker::default(), &Cancel::default()).unwrap();
    assert_eq!(model.pointer("/services/box/environment/P").unwrap(), "pa$$w");
    let hashes = sandbox.compose.config_hashes(model.to_string().as_bytes(), &Masker::default(), &Cancel::default()).unwrap();
    assert_eq!(hashes["box"], sandbox.container("box").labels["com.docker.compose.config-hash"]);
}

#[test]
fn compose_refuses_without_showing_values() {
    let Some(sandbox) = sandbox("said") else { return };
    let call = sandbox.write("services: {box: {image: \"redis:7\"}}");
    sandbox.file(".env", "GOOD=1\nBAD='tops3cret\n");
    let error = sandbox.compose.config_json(&call, &Masker::default(), &Cancel::default()).unwrap_err();
    let why = error.why.unwrap();
    assert!(why.ends_with(".env: line 3 cannot be read") && !why.contains("tops3cret"), "{why}");
}

fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
