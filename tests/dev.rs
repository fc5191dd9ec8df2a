//! Development stacks started and taken down, with the tool as it is shipped.

mod engine_support;
mod everyday;

use everyday::Daily;
use xtask::engine::Engine;

#[test]
fn a_good_stack_is_started_and_says_where_it_answers() {
    let yaml = "name: PROJECT\nservices:\n  web: {WEB, ports: ['80'], depends_on: [box]}\n  box: {IDLE, ports: ['127.0.0.1::6379']}\n  \
                once: {image: 'redis:7', command: ['true']}\n  extra: {IDLE, profiles: [more]}\n";
    let Some(daily) = Daily::of("up", &[("compose.dev.yaml", yaml)]) else { return };
    let said = daily.run(&["dev-up"]);
    said.expect(0, &["Healthy web", "http://localhost:", "Running box", "Done once"]);
    assert!(said.out.lines().any(|line| line.contains("box") && line.contains("localhost:") && !line.contains("http")), "{}", said.out);
    assert_eq!(daily.containers().len(), 3);
    let before = daily.started("web");
    // Again: nothing to do, and nothing is disturbed.
    let again = daily.json(&["dev-up"]);
    assert_eq!(again["result"]["stacks"][0]["services"][1]["state"], "done");
    assert_eq!(again["result"]["stacks"][0]["services"].as_array().unwrap().len(), 3);
    assert_eq!(daily.started("web"), before);
    // A service of a profile is started when it is named.
    daily.run(&["dev-up", "extra"]).expect(0, &["Running extra"]).without("web");
    daily.run(&["dev-down"]).expect(0, &["Removed"]);
    assert_eq!(daily.containers().len(), 0);
}

#[test]
fn an_image_is_built_and_a_bind_mount_stays_as_it_is() {
    let yaml = "name: PROJECT\nservices:\n  app:\n    build: {context: app}\n    image: PROJECT-app\n    stop_grace_period: 0s\n    volumes: ['./src:/src:ro']\n";
    let files = [
        ("compose.yaml", yaml),
        ("app/Dockerfile", "FROM redis:7\nCMD [\"sh\", \"-c\", \"cat /src/a; exec sleep 600\"]\n"),
        ("src/a", "one\n"),
    ];
    let Some(daily) = Daily::of("build", &files) else { return };
    daily.run(&["dev-up"]).expect(0, &["Running app"]);
    assert_eq!(std::fs::read_to_string(daily.root().join("src/a")).unwrap(), "one\n");
    daily.run(&["logs"]).expect(0, &["app | one"]);
    daily.run(&["dev-down"]).expect(0, &[]);
    let removed = std::process::Command::new("docker").args(["image", "rm", &daily.name("PROJECT-app")]).output().unwrap();
    assert!(removed.status.success());
}

#[test]
fn an_unhealthy_one_stays_to_look_at_and_its_log_is_shown_masked() {
    let yaml = "name: PROJECT\nservices:\n  ill:\n    image: redis:7\n    stop_grace_period: 0s\n    environment: {API_PASSWORD: canary-up-Wd93nVb6Ls}\n    \
                command: [sh, -c, 'echo the key is $$API_PASSWORD; exec sleep 600']\n    healthcheck: {test: [CMD, 'false'], interval: 1s, timeout: 1s, retries: 2}\n";
    let Some(daily) = Daily::of("ill", &[("compose.yaml", yaml)]) else { return };
    let said = daily.run(&["dev-up"]);
    said.expect(1, &["Not well", "unhealthy", "the key is ********", "stay as they are"]).without("canary");
    assert_eq!(daily.containers().len(), 1, "it is there to look at");
    let document = daily.json(&["ps"]);
    assert_eq!((document["exit"].as_i64(), document["result"]["services"][0]["state"].as_str()), (Some(1), Some("unhealthy")));
}

#[test]
fn one_whose_dependency_is_ill_tells_of_the_dependency() {
    let yaml = "name: PROJECT\nservices:\n  web: {IDLE, depends_on: {db: {condition: service_healthy}}}\n  db: {image: 'redis:7', \
                command: [sh, -c, 'echo no disk; exit 4']}\n";
    let Some(daily) = Daily::of("dep", &[("compose.yaml", yaml)]) else { return };
    daily.run(&["dev-up"]).expect(1, &["db-1: exited with code 4", "no disk"]);
    assert_eq!(daily.sandbox.container("db").state.exit_code, 4);
}

#[test]
fn stacks_start_in_order_and_declared_networks_are_created() {
    let files = [
        ("xtask.yaml", "networks: [PROJECT-shared]\nstacks:\n  a: {files: [a.yaml]}\n  b: {files: [b.yaml]}\n  c: {files: [c.yaml]}\n"),
        ("a.yaml", "name: PROJECT\nservices: {one: {IDLE, networks: [made]}}\nnetworks: {made: {external: true, name: PROJECT-made}}\n"),
        ("b.yaml", "name: PROJECT\nservices: {two: {IDLE, networks: [made]}}\nnetworks: {made: {name: PROJECT-made}}\n"),
        (
            "c.yaml",
            "name: PROJECT\nservices: {three: {IDLE, networks: [shared]}}\nnetworks: {shared: {external: true, name: PROJECT-shared}}\n",
        ),
    ];
    let Some(daily) = Daily::of("order", &files) else { return };
    let daily = daily.network("PROJECT-shared").network("PROJECT-made");
    let planned = daily.run(&["dev-up", "--dry-run"]);
    planned.expect(0, &[&daily.name("create the network PROJECT-shared")]);
    assert!(daily.sandbox.docker.network(&daily.name("PROJECT-shared")).unwrap().is_none(), "a dry run makes nothing");
    daily.run(&["dev-up"]).expect(0, &[&daily.name("network PROJECT-shared"), "Running one", "Running two", "Running three"]);
    assert!(daily.started("two") < daily.started("one"), "who defines a network comes before who uses it");
    daily.run(&["dev-down", "c"]).expect(0, &["three"]);
    assert!(daily.sandbox.docker.network(&daily.name("PROJECT-shared")).unwrap().is_some(), "an external network stays");
    assert_eq!(daily.containers().len(), 2, "other stacks of the project go on");
    daily.run(&["dev-down"]).expect(0, &[]);
}

#[test]
fn what_is_missing_is_said_before_anything_is_touched() {
    let files = [(
        "compose.yaml",
        "name: PROJECT\nservices:\n  web: {IDLE, env_file: [none.env], environment: {A: '${MUST_BE_SET:?}'}, networks: [far], secrets: [key], volumes: ['kept:/x']}\nnetworks: {far: {external: true, name: PROJECT-far}}\nsecrets: {key: {file: key.txt}}\nvolumes: {kept: {external: true, name: PROJECT-kept}}\n",
    )];
    let Some(daily) = Daily::of("missing", &files) else { return };
    let said = daily.run(&["dev-up"]);
    said.expect(
        3,
        &["MUST_BE_SET", "compose.yaml:3:", "none.env", &daily.name("PROJECT-far"), "key.txt", &daily.name("volume create PROJECT-kept")],
    );
    assert_eq!(daily.containers().len(), 0);
}

#[test]
fn data_is_deleted_only_when_the_name_is_typed() {
    let yaml = "name: PROJECT\nservices: {box: {IDLE, volumes: ['data:/data', '/anonymous']}}\nvolumes: {data: {}}\n";
    let Some(daily) = Daily::of("data", &[("compose.yaml", yaml)]) else { return };
    daily.run(&["dev-up"]).expect(0, &[]);
    let named = daily.name("PROJECT_data");
    let mounts: Vec<String> = daily.sandbox.container("box").mounts.into_iter().map(|mount| mount.name).collect();
    assert!(mounts.len() == 2 && mounts.contains(&named), "{mounts:?}");
    let asked = [&["dev-down", "--volumes"][..], &["dev-down", "--volumes", "--yes"], &["dev-down", "--volumes", "--confirm", "other"]];
    for args in asked {
        daily.run(args).expect(3, &["delete the volume", &named, &daily.name("--confirm PROJECT")]);
        assert_eq!(daily.containers().len(), 1, "{args:?}");
    }
    daily.run(&["dev-down", "--volumes", "--dry-run"]).expect(0, &["delete the volume", &named]);
    assert_eq!(daily.volumes(), [named.as_str()]);
    daily.run(&["dev-down"]).expect(0, &[]).without("volume");
    assert_eq!(daily.volumes(), [named.as_str()], "without the flag data stays");
    daily.run(&["dev-up"]).expect(0, &[]);
    let anonymous = daily.sandbox.container("box").mounts.into_iter().map(|mount| mount.name).find(|name| *name != named).unwrap();
    daily.run(&["dev-down", "--volumes", "--confirm", &daily.sandbox.project]).expect(0, &["Deleted", &named]);
    assert_eq!(daily.volumes(), Vec::<String>::new());
    for volume in mounts.iter().filter(|name| **name != named) {
        let _ = daily.sandbox.docker.remove_volume(volume);
    }
    assert!(daily.sandbox.docker.volume(&anonymous).unwrap().is_none());
}

#[test]
fn a_production_stack_is_not_started_for_development() {
    let files = [
        ("compose.prod.yaml", "name: PROJECT\nservices: {web: {IDLE}}\n"),
        ("compose.dev.yaml", "name: PROJECT\nservices: {web: {IDLE}}\n"),
    ];
    let Some(daily) = Daily::of("role", &files) else { return };
    daily.run(&["dev-up", "prod"]).expect(3, &["its role is prod"]);
    let prod = xtask::engine::compose::ComposeCall {
        files: vec![daily.root().join("compose.prod.yaml")],
        ..xtask::engine::compose::ComposeCall::default()
    };
    let up = xtask::engine::compose::Up::default();
    let deadline = std::time::Duration::from_secs(60);
    let (masker, cancel) = (xtask::secret::Masker::default(), xtask::cancel::Cancel::default());
    daily.sandbox.compose.up(&prod, &up, deadline, &masker, &cancel).unwrap();
    let before = daily.started("web");
    // Both have the same project's name: Compose would replace one by the other.
    daily.run(&["dev-up"]).expect(3, &["belongs to the stack prod"]);
    daily.run(&["dev-down"]).expect(3, &["made from other compose files"]);
    assert_eq!(daily.started("web"), before);
}
