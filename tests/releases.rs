//! The way back to releases, with the tool as it is shipped: by record, by name, and with the files that they read.

mod engine_support;
#[path = "prod_up/mod.rs"]
#[allow(dead_code)] // shared with the tests of prod-up
mod support;

use support::{Prod, QUICK, STACK, id_of};
use xtask::engine::Engine;

/// The web server of the stack with a page that lies beside the compose file.
const BOUND: &str = "name: PROJECT\nservices:\n  db: {DB}\n  web: {WEB, volumes: ['./page.html:/usr/share/nginx/html/index.html:ro'], \
                     depends_on: {db: {condition: service_healthy}}, ports: ['PORT:80']}\n";

fn back(prod: &Prod, args: &[&str]) -> support::Said {
    prod.run(&[&["--yes", "rollback", "--release"], args].concat())
}

fn current(prod: &Prod) -> String {
    let releases = prod.releases();
    let current = releases.iter().find(|one| one["current"].as_bool() == Some(true));
    current.map(|one| one["id"].as_str().unwrap().to_string()).unwrap_or_default()
}

#[test]
fn releases_go_back_one_by_one_and_to_a_name() {
    let Some(prod) = Prod::of("re-back", STACK, QUICK) else { return };
    back(&prod, &[]).expect(3, &["no release of it is recorded"]);
    for tag in ["v1", "v2", "v3"] {
        prod.up(&["--tag", tag, "--no-rehearse"]).expect(0, &[]);
    }
    let third = prod.serves("v3");
    // Who names nothing wants back what ran, and is told how; the run itself gives no more than names and files.
    prod.run(&["--yes", "rollback"]).expect(3, &["cargo xtask rollback --release prod", "changed which release runs"]);
    let history = prod.run(&["--format", "json", "history"]);
    let history: serde_json::Value = serde_json::from_str(&history.out).unwrap();
    let newest = history["result"].as_array().unwrap().last().unwrap()["run"].as_str().unwrap();
    prod.run(&["--dry-run", "rollback", newest]).expect(0, &["what runs stays as it is", "rollback --release prod"]);
    // The files of today are of no use, and need not be.
    prod.write("compose.prod.yaml", &STACK.replace("{WEB,", "{WEB, environment: {NEEDED: '${NEEDED:?}'},"));
    prod.run(&["--dry-run", "rollback", "--release"]).expect(0, &["back to r0002 (v2)", "swap"]);
    assert_eq!((prod.serves("v3"), current(&prod).as_str()), (third.clone(), "r0003"));
    back(&prod, &[]).expect(0, &["back to r0002 (v2)"]);
    let second = prod.serves("v2");
    assert_eq!(id_of(&second, "db"), id_of(&third, "db"), "who is the same stays");
    prod.run(&["--yes", "rollback"]).expect(3, &["--release prod --to RELEASE"]);
    assert_eq!(current(&prod), "r0002");
    // By record, not by time: twice goes back twice.
    back(&prod, &[]).expect(0, &["back to r0001 (v1)"]);
    prod.serves("v1");
    back(&prod, &[]).expect(3, &["r0001 is the first release"]);
    back(&prod, &["--to", "r0009"]).expect(2, &["there is no release `r0009`"]);
    back(&prod, &["--to", "r0003"]).expect(0, &["back to r0003 (v3)"]);
    let again = prod.serves("v3");
    assert_eq!(current(&prod), "r0003");
    // What a hand-made `up` thinks of it: the labels are those that Compose gave.
    prod.write("compose.prod.yaml", STACK);
    prod.by_hand("v3", &["up", "-d"]);
    assert_eq!(prod.serves("v3"), again);
    prod.nothing_left_over();
}

#[test]
fn a_tag_that_was_moved_is_moved_back() {
    let Some(prod) = Prod::of("re-moved", STACK, QUICK) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let docker = &prod.sandbox.docker;
    let id = |tag: &str| docker.image(&format!("{}:{tag}", support::images::NAME)).unwrap().unwrap().id;
    // A name of this test's own, built anew: what it meant is only held by the release.
    let name = format!("{}:moves-{}", support::images::NAME, prod.port);
    docker.tag(&id("v1"), &name).unwrap();
    let tag = name.rsplit(':').next().unwrap();
    prod.up(&["--tag", tag, "--no-rehearse"]).expect(0, &[]);
    docker.tag(&id("v2"), &name).unwrap();
    prod.up(&["--tag", tag, "--no-rehearse"]).expect(0, &["swap (image)"]);
    prod.answers("v2");
    back(&prod, &[]).expect(0, &["back to r0002"]);
    prod.answers("v1");
    assert_eq!(docker.image(&name).unwrap().unwrap().id, id("v1"), "the name means again what it meant");
    docker.untag(&name).unwrap();
}

#[test]
fn a_bound_file_goes_with_its_release() {
    let Some(prod) = Prod::of("re-bound", BOUND, QUICK) else { return };
    let page = || std::fs::read_to_string(prod.root().join("page.html")).unwrap();
    prod.write("page.html", "one");
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    prod.answers("one");
    // Only the file is another one: that is a release.
    prod.write("page.html", "two");
    prod.run(&["prod-up", "--check", "--tag", "v1"]).expect(1, &["a file that it uses"]);
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &["a file that it uses"]);
    prod.answers("two");
    prod.run(&["prod-up", "--check", "--tag", "v1"]).expect(0, &[]);
    // A release that fails takes its file with it: the old container must not read it.
    prod.write("page.html", "three");
    prod.up(&["--tag", "crash", "--no-rehearse"]).expect(4, &["page.html"]);
    prod.answers("two");
    assert_eq!(page(), "two");
    // One that its rehearsal refuses touches nothing, the file neither.
    prod.write("page.html", "four");
    let before = prod.serving();
    prod.up(&["--tag", "crash"]).expect(3, &[]);
    assert_eq!((prod.serving(), page().as_str()), (before, "four"));
    back(&prod, &[]).expect(0, &["page.html"]);
    prod.answers("one");
    assert_eq!((page().as_str(), current(&prod).as_str()), ("one", "r0001"));
}
