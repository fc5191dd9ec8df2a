//! `status`: what runs, held against the files and the last release, with the tool as it is shipped.

mod engine_support;
#[path = "prod_up/mod.rs"]
#[allow(dead_code)] // shared with the tests of prod-up
mod support;

use serde_json::Value;
use std::time::Duration;
use support::{Prod, QUICK, STACK, Said};
use xtask::engine::Engine;

const BOUND: &str = "name: PROJECT\nservices:\n  db: {DB}\n  web: {WEB, volumes: ['./page.html:/usr/share/nginx/html/index.html:ro'], ports: ['PORT:80']}\n";

fn status(prod: &Prod) -> Said {
    prod.run(&["status"])
}

/// The drift of a service in words for programs.
fn drift(prod: &Prod, service: &str) -> Vec<String> {
    let said = prod.run(&["--format", "json", "status"]);
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.text));
    assert_eq!(document["exit"], said.code);
    assert_eq!(document["result"]["drift"].as_bool(), Some(said.code == 1), "{document}");
    let found = &document["result"]["stacks"][0]["services"][service];
    found.as_array().unwrap_or_else(|| panic!("{document}")).iter().map(|one| one.as_str().unwrap().to_string()).collect()
}

fn up(prod: &Prod, tag: &str) {
    prod.up(&["--tag", tag, "--no-rehearse"]).expect(0, &[]);
}

#[test]
fn what_was_changed_by_hand_is_told_from_what_the_files_say() {
    let Some(prod) = Prod::of("sd-hand", STACK, QUICK) else { return };
    status(&prod).expect(0, &["Not running"]);
    up(&prod, "v1");
    // Nobody exports the tag to look: the release says which it is.
    status(&prod).expect(0, &["In step", "r0001 (v1)", "2 containers"]);
    assert_eq!(drift(&prod, "web"), Vec::<String>::new());
    let before = prod.serves("v1");

    prod.by_hand("v2", &["up", "-d", "--wait"]);
    status(&prod).expect(1, &["web runs another image than r0001 (v1): changed by hand"]);
    assert_eq!(drift(&prod, "web"), ["image-by-hand", "image", "configuration"]);
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    status(&prod).expect(0, &["In step"]);
    assert_ne!(prod.serving(), before, "they are other containers, and the same in every way that counts");

    let web = prod.sandbox.container("web").id;
    prod.sandbox.docker.stop(&web, Duration::ZERO).unwrap();
    status(&prod).expect(1, &["web does not run"]);
    prod.sandbox.docker.remove_container(&web).unwrap();
    status(&prod).expect(1, &["web has no container"]);
    assert_eq!(drift(&prod, "web"), ["missing"]);
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let other = prod.sandbox.path().join("other.yaml");
    std::fs::write(&other, prod.fill("name: PROJECT\nservices: {guest: {image: 'redis:7', stop_grace_period: 0s}}\n")).unwrap();
    prod.by_hand("v1", &["-f", "other.yaml", "up", "-d", "guest"]);
    std::fs::remove_file(other).unwrap();
    status(&prod).expect(1, &["guest-1 is of its project, and of no stack here"]);
    // Nor does who takes it down have to know the tag.
    prod.run(&["--yes", "prod-down"]).expect(0, &["Removed", "web"]);
    assert_eq!(prod.containers().iter().filter(|one| one.name.contains("web")).count(), 0);
}

#[test]
fn a_change_of_the_files_is_told_and_nothing_is_touched() {
    let Some(prod) = Prod::of("sd-files", BOUND, QUICK) else { return };
    prod.write("page.html", "one");
    up(&prod, "v1");
    let before = prod.serving();
    prod.write("page.html", "two");
    status(&prod).expect(1, &["web reads a file that is another one than for r0001 (v1)"]);
    prod.write("page.html", "one");
    prod.write("compose.prod.yaml", &BOUND.replace("{WEB,", "{WEB, labels: {level: debug},"));
    status(&prod).expect(1, &["web has another configuration than its files say now"]);
    assert_eq!(drift(&prod, "web"), ["configuration"]);
    prod.write("compose.prod.yaml", &BOUND.replace("  db: {DB}\n", "  extra: {image: 'redis:7'}\n"));
    status(&prod).expect(1, &["db is not in the files any more", "extra is in the files and was not deployed yet"]);
    // What cannot be rendered is no pass, and what runs is held against the release all the same.
    prod.write("compose.prod.yaml", &BOUND.replace("{WEB,", "{WEB, labels: {A: '${NEEDED:?}'},"));
    status(&prod).expect(2, &["Not compared", "NEEDED"]);
    prod.write("compose.prod.yaml", BOUND);
    status(&prod).expect(0, &["In step"]);
    assert_eq!(prod.serving(), before);
}

#[test]
fn a_name_that_means_another_image_is_told() {
    let Some(prod) = Prod::of("sd-moved", STACK, QUICK) else { return };
    let docker = &prod.sandbox.docker;
    let id = |tag: &str| docker.image(&format!("{}:{tag}", support::images::NAME)).unwrap().unwrap().id;
    let name = format!("{}:drifts-{}", support::images::NAME, prod.port);
    docker.tag(&id("v1"), &name).unwrap();
    up(&prod, name.rsplit(':').next().unwrap());
    docker.tag(&id("v2"), &name).unwrap();
    status(&prod).expect(1, &["web runs another image than its files name now"]);
    let found = drift(&prod, "web");
    docker.untag(&name).unwrap();
    assert_eq!(found, ["image"]);
}

#[test]
fn without_an_engine_the_files_are_held_against_the_release() {
    let Some(prod) = Prod::of("sd-away", STACK, QUICK) else { return };
    up(&prod, "v1");
    let away = |prod: &Prod| {
        let mut command = prod.command(prod.root(), &["status"]);
        Said::of(&command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap())
    };
    away(&prod).expect(2, &["Not looked", "Same files", "r0001 (v1)"]);
    prod.write("compose.prod.yaml", &STACK.replace("{WEB,", "{WEB, labels: {level: debug},"));
    away(&prod).expect(2, &["Not looked", "web has another configuration than its files say now"]);
}
