//! Stacks brought into production, with the tool as it is shipped: a release runs whole and proven, or what
//! ran before goes on serving.

mod engine_support;
#[path = "prod_up/mod.rs"]
mod support;

use support::{Prod, QUICK, STACK, id_of};

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

/// A release that does not serve, and words that its refusal has.
const BAD: [(&str, &str); 3] = [("crash", "it falls over"), ("ill", "web"), ("nocmd", "no/such/program")];

#[test]
fn a_bad_release_is_refused_by_its_rehearsal() {
    let Some(prod) = Prod::of("pu-refuse", STACK, QUICK) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.serves("v1");
    for (tag, word) in BAD {
        prod.up(&["--tag", tag]).expect(3, &["nothing was touched", word]);
        assert_eq!(prod.serves("v1"), before, "{tag}");
        prod.nothing_left_over();
    }
    assert_eq!(prod.releases().len(), 1);
}

#[test]
fn a_bad_release_is_taken_back_and_the_same_container_serves_again() {
    let Some(prod) = Prod::of("pu-back", STACK, QUICK) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.serves("v1");
    for (tag, word) in BAD {
        prod.up(&["--tag", tag, "--no-rehearse"]).expect(4, &[word]);
        assert_eq!(prod.serves("v1"), before, "{tag}");
        prod.nothing_left_over();
    }
    let releases = prod.releases();
    assert_eq!((releases.len(), releases[0]["current"].as_bool()), (1, Some(true)));
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(0, &[]);
    prod.serves("v2");
}

#[test]
fn everything_that_stands_against_a_release_is_named_at_once() {
    let lines = "name: PROJECT\nservices:\n  \
        web: {WEB, ports: ['PORT:80'], networks: [far], secrets: [gone, empty], labels: {A: '${MUST_BE_SET:?}'}}\n\
        networks: {far: {external: true, name: PROJECT-far}}\n\
        secrets: {gone: {file: gone.txt}, empty: {file: empty.txt}}\n";
    let Some(prod) = Prod::of("pu-guards", lines, QUICK) else { return };
    // What can be seen without Compose's help is named together.
    prod.up(&[]).expect(3, &["TAG", "MUST_BE_SET"]);
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
