//! Stacks brought into production, with the tool as it is shipped: a release runs whole and proven, or what
//! ran before goes on serving.

mod engine_support;
#[path = "prod_up/mod.rs"]
mod support;

use support::{Prod, QUICK, STACK, Said, id_of};
use xtask::engine::Engine;

#[test]
fn a_release_replaces_what_changed_and_nothing_else() {
    let Some(prod) = Prod::of("pu-first", STACK, QUICK) else { return };
    prod.up(&["--tag", "v1"]).expect(0, &["start"]);
    let first = prod.serves("v1");
    assert_eq!(first.len(), 2);
    prod.run(&["prod-up", "--check", "--tag", "v2"]).expect(1, &["swap (image", "stays as it is"]);
    prod.run(&["--dry-run", "prod-up", "--tag", "v2"]).expect(0, &["swap (image"]);
    assert_eq!(prod.serves("v1"), first, "a check touches nothing");
    assert_eq!(prod.releases().len(), 1);
    prod.up(&["--tag", "v2"]).expect(0, &["swap (image"]);
    let second = prod.serves("v2");
    assert_eq!(second.len(), 2, "the old container is gone: {second:?}");
    assert_eq!(id_of(&second, "db"), id_of(&first, "db"));
    assert_ne!(id_of(&second, "web"), id_of(&first, "web"));
    prod.up(&["--tag", "v2"]).expect(0, &["othing to do"]);
    prod.run(&["prod-up", "--check", "--tag", "v2"]).expect(0, &[]);
    assert_eq!(prod.serves("v2"), second);
    let releases = prod.releases();
    let told: Vec<(&str, &str, bool)> =
        releases.iter().map(|one| (one["id"].as_str().unwrap(), one["tag"].as_str().unwrap(), one["current"].as_bool().unwrap())).collect();
    assert_eq!(told, [("r0001", "v1", false), ("r0002", "v2", true)]);
    // Another configuration under the same tag is another release; what only its order changed is none.
    prod.write("compose.prod.yaml", &STACK.replace("{WEB,", "{WEB, labels: {level: debug},"));
    prod.run(&["prod-up", "--check", "--tag", "v2"]).expect(1, &["swap (configuration)"]);
    prod.up(&["--tag", "v2"]).expect(0, &["swap (configuration)"]);
    let third = prod.serves("v2");
    assert_eq!(prod.sandbox.container("web").labels.get("level").map(String::as_str), Some("debug"));
    assert!(id_of(&third, "web") != id_of(&second, "web") && id_of(&third, "db") == id_of(&first, "db"));
    // Compose by hand sees its own containers, and has nothing to do.
    assert!(prod.by_hand("v2", &["ps"]).contains("healthy"));
    assert!(prod.by_hand("v2", &["logs", "web"]).contains("web-1"));
    prod.by_hand("v2", &["up", "-d", "--wait"]);
    assert_eq!(prod.serves("v2"), third, "a hand-made up recreates nothing");
    prod.nothing_left_over();
}

/// Releases that end at once, and words that their refusal has. A rehearsal gives one that is unhealthy half a
/// minute more to become well, so it has tests of its own, beside the others.
const BAD: [(&str, &str); 2] = [("crash", "it falls over"), ("nocmd", "no/such/program")];
const ILL: [(&str, &str); 1] = [("ill", "unhealthy")];

#[test]
fn a_bad_release_is_refused_by_its_rehearsal() {
    refused("pu-refuse", &BAD);
}

#[test]
fn an_unhealthy_release_is_refused_by_its_rehearsal() {
    refused("pu-ill", &ILL);
}

fn refused(test: &str, bad: &[(&str, &str)]) {
    let Some(prod) = Prod::of(test, STACK, QUICK) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.serves("v1");
    for (tag, word) in bad {
        prod.up(&["--tag", tag]).expect(3, &["nothing was touched", word]);
        assert_eq!(prod.serves("v1"), before, "{tag}");
        prod.nothing_left_over();
    }
    assert_eq!(prod.releases().len(), 1);
    let refused = format!("prod-up prod {}", bad[0].0);
    prod.run(&["history"]).expect(0, &["prod-up prod v1", &refused, "stopped before anything was touched"]);
}

#[test]
fn a_bad_release_is_taken_back_and_the_same_container_serves_again() {
    taken_back("pu-back", &BAD);
}

#[test]
fn an_unhealthy_release_is_taken_back_and_the_same_container_serves_again() {
    taken_back("pu-ill-back", &ILL);
}

fn taken_back(test: &str, bad: &[(&str, &str)]) {
    let Some(prod) = Prod::of(test, STACK, QUICK) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.serves("v1");
    for (tag, word) in bad {
        prod.up(&["--tag", tag, "--no-rehearse"]).expect(4, &[word]);
        assert_eq!(prod.serves("v1"), before, "{tag}");
        prod.nothing_left_over();
    }
    let releases = prod.releases();
    assert_eq!((releases.len(), releases[0]["current"].as_bool()), (1, Some(true)));
}

#[test]
fn everything_that_stands_against_a_release_is_named_at_once() {
    let lines = "name: PROJECT\nservices:\n  \
        web: {WEB, ports: ['PORT:80'], networks: [far], secrets: [gone, empty], labels: {A: '${MUST_BE_SET:?}'}}\n\
        networks: {far: {external: true, name: PROJECT-far}}\n\
        secrets: {gone: {file: gone.txt}, empty: {file: empty.txt}}\n";
    let Some(prod) = Prod::of("pu-guards", lines, QUICK) else { return };
    // What needs no rendering by Compose is named together.
    prod.up(&[]).expect(3, &["TAG", "MUST_BE_SET", "gone.txt", &prod.fill("PROJECT-far")]);
    // With it, the rest; a container of another project holds the port.
    prod.write("compose.prod.yaml", &lines.replace("'${MUST_BE_SET:?}'", "set"));
    prod.write("empty.txt", "");
    let name = format!("{}-other", prod.sandbox.project);
    let publish = format!("{}:80", prod.port);
    let other = docker(&["run", "-d", "--name", &name, "-p", &publish, "xtask-test/prod-up:v1"]);
    let said = prod.up(&["--tag", "latest"]);
    let again = prod.up(&[]);
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", &other]), "true");
    docker(&["rm", "-f", "-v", &other]);
    said.expect(3, &["latest", "gone.txt", "empty.txt", &prod.fill("PROJECT-far"), &name, "nothing was touched"]);
    again.expect(3, &["TAG", "nothing was touched"]);
    assert_eq!((prod.containers().len(), prod.releases().len()), (0, 0));
    prod.nothing_left_over();
}

#[test]
fn a_finding_that_blocks_is_accepted_with_a_reason_or_not_at_all() {
    let stack = STACK.replace("{WEB,", "{WEB, privileged: true,");
    let Some(prod) = Prod::of("pu-accept", &stack, QUICK) else { return };
    prod.up(&["--tag", "v1"]).expect(3, &["privileged-container", "compose.prod.yaml:4", "nothing was touched"]);
    prod.up(&["--tag", "v1", "--accept", "privileged-container"]).expect(2, &["--reason"]);
    assert_eq!((prod.containers().len(), prod.releases().len()), (0, 0));
    let accepted = ["--tag", "v1", "--no-rehearse", "--accept", "privileged-container", "--reason", "the sensor needs it"];
    prod.up(&accepted).expect(0, &[]);
    prod.serves("v1");
    let release = &prod.releases()[0];
    assert_eq!(release["accepted"], serde_json::json!([{"rule": "privileged-container", "reason": "the sensor needs it"}]));
}

fn docker(args: &[&str]) -> String {
    let output = std::process::Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

#[test]
fn what_was_started_by_hand_is_adopted_before_it_is_replaced() {
    let Some(prod) = Prod::of("pu-adopt", STACK, QUICK) else { return };
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let by_hand = prod.serves("v1");
    prod.up(&["--tag", "crash", "--no-rehearse"]).expect(4, &["web"]);
    assert_eq!(prod.serves("v1"), by_hand, "what somebody started serves again");
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(0, &["swap (image"]);
    let after = prod.serves("v2");
    assert_eq!(id_of(&after, "db"), id_of(&by_hand, "db"));
    let releases = prod.releases();
    let current = releases.iter().find(|one| one["current"] == true).unwrap();
    let before = releases.iter().find(|one| one["id"] == current["previous"]).unwrap();
    assert_eq!((current["adopted"].as_bool(), before["adopted"].as_bool()), (Some(false), Some(true)));
    let ran = &before["images"]["web"]["image_id"];
    assert_eq!(ran, &prod.sandbox.docker.image("xtask-test/prod-up:v1").unwrap().unwrap().id);
    prod.nothing_left_over();
}

#[test]
fn a_service_without_a_host_port_is_replaced_while_it_serves() {
    let stack = STACK.replace(", ports: ['PORT:80']", ", stop_signal: SIGTERM");
    let Some(prod) = Prod::of("pu-roll", &stack, "deploy: {settle: 1, strategy: {web: rolling}}\n") else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let first = prod.serving();
    let started = prod.sandbox.container("db").state.started_at;
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(0, &["rolling (image"]);
    let second = prod.serving();
    assert!(second.len() == 2 && id_of(&second, "web") != id_of(&first, "web"), "{second:?}");
    assert!(prod.sandbox.container("web").image.ends_with(":v2"));
    prod.up(&["--tag", "crash", "--no-rehearse"]).expect(4, &[]);
    assert_eq!(prod.serving(), second);
    assert_eq!(prod.sandbox.container("db").state.started_at, started, "the others go on undisturbed");
    prod.nothing_left_over();
}

#[test]
fn a_service_with_a_name_of_its_own_is_recreated() {
    let stack = STACK.replace("{WEB,", "{WEB, container_name: PROJECT-alone,");
    let Some(prod) = Prod::of("pu-alone", &stack, QUICK) else { return };
    let web = || prod.sandbox.container("web");
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let first = prod.serves("v1");
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(0, &["recreate (image"]);
    let second = prod.serves("v2");
    assert_eq!((id_of(&second, "db"), second.len()), (id_of(&first, "db"), 2));
    assert_eq!(web().name, prod.fill("PROJECT-alone"));
    // Compose takes the old container away, so another one is made for it.
    prod.up(&["--tag", "crash", "--no-rehearse"]).expect(4, &["it falls over"]);
    let back = prod.serves("v2");
    assert_eq!((web().name, back.len()), (prod.fill("PROJECT-alone"), 2));
    assert_eq!(id_of(&back, "db"), id_of(&first, "db"));
    prod.by_hand("v2", &["up", "-d", "--wait"]);
    assert_eq!(prod.serves("v2"), back, "a hand-made up recreates nothing");
}

#[test]
fn two_deploys_from_two_checkouts_never_mix() {
    let Some(prod) = Prod::of("pu-two", STACK, QUICK) else { return };
    let other = tempfile::tempdir().unwrap();
    let clone = std::process::Command::new("git").args(["clone", "-q"]).args([prod.root(), other.path()]).status().unwrap();
    assert!(clone.success());
    let said: Vec<Said> = std::thread::scope(|scope| {
        let begun = [(prod.root(), "v2"), (other.path(), "v3")].map(|(root, tag)| {
            let mut command = prod.command(root, &["--yes", "prod-up", "--no-rehearse", "--tag", tag]);
            scope.spawn(move || Said::of(&command.output().unwrap()))
        });
        begun.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let codes: Vec<i32> = said.iter().map(|one| one.code).collect();
    assert!(matches!(codes.as_slice(), [0, 3] | [3, 0]), "{said:?}");
    let releases = prod.releases();
    let runs = if codes[0] == 0 { "v2" } else { "v3" };
    assert_eq!((releases.len(), releases[0]["tag"].as_str()), (1, Some(runs)));
    let both = prod.serves(runs);
    assert_eq!(both.len(), 2);
    // One after the other they are one history, and the plan says that the folder is another one.
    let away = if codes[0] == 0 { other.path() } else { prod.root() };
    let after = Said::of(&prod.command(away, &["--yes", "prod-up", "--no-rehearse", "--tag", "v1"]).output().unwrap());
    after.expect(0, &["what runs was deployed from", "from now on it is"]);
    let last = prod.serves("v1");
    assert_eq!(id_of(&last, "db"), id_of(&both, "db"));
    assert_ne!(id_of(&last, "web"), id_of(&both, "web"));
    prod.nothing_left_over();
}

#[test]
fn a_release_that_does_not_answer_its_probes_is_taken_back() {
    let probes = |status: u16| {
        format!(
            "deploy:\n  settle: 1\n  probes:\n    - {{http: 'http://HOST:PORT/', status: {status}, timeout: 2}}\n    \
             - {{tcp: 'HOST:PORT', timeout: 2}}\n    - {{command: [redis-cli, ping], service: db, timeout: 5}}\n"
        )
    };
    let Some(prod) = Prod::of("pu-probe", STACK, &probes(200)) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &["the probes answer", "the command in db"]);
    let before = prod.serves("v1");
    prod.write("xtask.yaml", &probes(204));
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(4, &["answered 200 instead of 204"]);
    assert_eq!(prod.serves("v1"), before);
    let ill = "deploy:\n  settle: 1\n  probes: [{command: ['false'], service: db, timeout: 2}]\n";
    prod.write("xtask.yaml", ill);
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(4, &["the command in db: exit code 1"]);
    assert_eq!(prod.serves("v1"), before);
    assert_eq!(prod.releases().len(), 1);
}

#[test]
fn hooks_know_the_release_and_the_last_one_runs_when_the_old_release_serves() {
    let settings = "deploy:\n  settle: 1\n  hooks:\n    \
        pre-deploy: [[sh, -c, 'echo pre $XTASK_TAG >> .xtask/told']]\n    \
        post-deploy: [[sh, -c, 'echo post $XTASK_TAG $XTASK_RELEASE >> .xtask/told']]\n    \
        on-rollback: [[sh, -c, 'echo back $XTASK_TAG $(curl -s http://HOST:PORT/) >> .xtask/told']]\n";
    let Some(prod) = Prod::of("pu-hooks", STACK, settings) else { return };
    let told = || std::fs::read_to_string(prod.root().join(".xtask/told")).unwrap();
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &["pre-deploy hook", "post-deploy hook"]);
    assert_eq!(told(), "pre v1\npost v1 r0001\n");
    prod.up(&["--tag", "crash", "--no-rehearse"]).expect(4, &["for when this is put back"]);
    prod.serves("v1");
    assert_eq!(told(), "pre v1\npost v1 r0001\npre crash\nback crash v1\n");
}

#[test]
fn project_and_profiles_are_those_of_the_shell_for_compose_too() {
    let stack = &STACK
        .replace("name: PROJECT\n", "")
        .replace("  web:", "  extra: {DB, profiles: [extra]}\n  debug: {DB, profiles: [debug]}\n  web:");
    let Some(prod) = Prod::of("pu-shell", stack, QUICK) else { return };
    let run = |profiles: &str, args: &[&str]| {
        let mut command = prod.command(prod.root(), args);
        command.env("COMPOSE_PROJECT_NAME", &prod.sandbox.project).env("COMPOSE_PROFILES", profiles);
        Said::of(&command.output().unwrap())
    };
    run("extra", &["--yes", "prod-up", "--tag", "v1"]).expect(0, &["extra", "start"]);
    let first = prod.serves("v1");
    assert_eq!(first.len(), 3, "{first:?}");
    // Somebody looks into something.
    let mut debug = std::process::Command::new("docker");
    debug.args(["compose", "-f", "compose.prod.yaml", "--profile", "debug", "up", "-d", "--wait", "--no-deps", "debug"]);
    debug.current_dir(prod.root()).env("TAG", "v1").env("COMPOSE_PROJECT_NAME", &prod.sandbox.project);
    assert!(debug.status().unwrap().success());
    let before = prod.serving();
    assert_eq!(before.len(), 4);
    run("", &["--yes", "prod-up", "--tag", "v2"]).expect(0, &["swap (image"]);
    let after = prod.serves("v2");
    for kept in ["debug", "extra", "db"] {
        assert_eq!(id_of(&after, kept), id_of(&before, kept), "{kept} is declared, and not part of this deploy");
    }
    prod.nothing_left_over();
}

#[test]
fn a_deploy_of_one_service_leaves_the_others_to_the_next() {
    let stack = "name: PROJECT\nservices:\n  web: {WEB, ports: ['PORT:80'], volumes: ['./w.conf:/w.conf:ro']}\n  \
                 side: {WEB, volumes: ['./s.conf:/s.conf:ro']}\n";
    let Some(prod) = Prod::of("pu-one", stack, QUICK) else { return };
    prod.write("w.conf", "one");
    prod.write("s.conf", "one");
    prod.up(&["--tag", "v1"]).expect(0, &[]);
    let first = prod.serving();
    prod.write("w.conf", "two");
    prod.write("s.conf", "two");
    prod.up(&["--tag", "v1", "prod", "web"]).expect(0, &["web"]);
    let second = prod.serving();
    assert_ne!(id_of(&second, "web"), id_of(&first, "web"));
    assert_eq!(id_of(&second, "side"), id_of(&first, "side"));
    prod.up(&["--tag", "v1"]).expect(0, &["side  swap (a file that it uses)"]);
    let third = prod.serving();
    assert_eq!(id_of(&third, "web"), id_of(&second, "web"));
    assert_ne!(id_of(&third, "side"), id_of(&second, "side"));
}

const SHARED: &str =
    "name: PROJECT\nservices:\n  db: {DB, scale: 2}\n  extra: {SLEEP, scale: 1}\n  side: {SLEEP, network_mode: 'service:db'}\n";
const SLEEP: &str = "image: 'redis:7', command: [sleep, '600'], stop_grace_period: 1s";

#[test]
fn fewer_containers_are_a_deploy_that_is_proven_or_undone_and_who_shares_a_network_stays() {
    let shared = SHARED.replace("SLEEP", SLEEP);
    let Some(prod) = Prod::of("pu-fewer", &shared, QUICK) else { return };
    prod.up(&[]).expect(0, &["start"]);
    let first = prod.serving();
    assert_eq!(first.len(), 4, "{first:?}");
    prod.run(&["prod-up", "--check"]).expect(0, &["side   stays as it is"]);
    prod.write("compose.prod.yaml", &shared.replace("network_mode", "labels: {level: debug}, network_mode"));
    prod.run(&["prod-up", "--check"]).expect(1, &["side   recreate (configuration)"]);
    // Nothing goes before the rest is proven: the same containers serve again.
    let fewer = shared.replace("scale: 2", "scale: 1").replace("scale: 1}\n  side", "scale: 0}\n  side");
    prod.write("compose.prod.yaml", &fewer);
    prod.write("xtask.yaml", "deploy: {settle: 1, probes: [{tcp: 'localhost:1', timeout: 1}]}\n");
    prod.up(&[]).expect(4, &["stop what is more than its files ask for", "localhost:1"]);
    assert_eq!(prod.serving(), first);
    prod.write("xtask.yaml", QUICK);
    prod.up(&[]).expect(0, &["stop 1 containers of db", "stop 1 containers of extra"]);
    let second = prod.serving();
    let stayed = |name: &str| name.ends_with("-db-1") || name.ends_with("-side-1");
    assert_eq!(second, first.iter().filter(|(name, _)| stayed(name)).cloned().collect::<Vec<_>>());
    prod.run(&["prod-up", "--check"]).expect(0, &["othing to do"]);
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    assert_eq!(prod.serving(), second, "a hand-made up recreates nothing");
    // Somebody has gone back by hand: nothing is replaced for it, and the record follows.
    prod.write("compose.prod.yaml", &shared);
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let by_hand = prod.serving();
    prod.run(&["--yes", "rollback", "--release"]).expect(0, &["make r0001 the current release"]);
    assert_eq!(prod.serving(), by_hand);
    let current = prod.releases().into_iter().find(|one| one["current"] == true).map(|one| one["id"].clone());
    assert_eq!(current.unwrap(), "r0001");
    prod.nothing_left_over();
}
