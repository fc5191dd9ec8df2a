//! Releases that are well at first.

use super::support::{Prod, QUICK};

/// It is ill at the first check that fails, some seconds after it has started.
const STACK: &str = "name: PROJECT
services:
  db: {DB}
  web:
    image: 'IMAGE:${TAG:?the release}'
    stop_grace_period: 1s
    environment: {API_PASSWORD: CANARY, LATE: 'SECONDS'}
    healthcheck: {test: [CMD, curl, -fsS, 'http://127.0.0.1/'], interval: 1s, timeout: 3s, retries: 1}
    depends_on: {db: {condition: service_healthy}}
    ports: ['PORT:80']
";

fn taken_back(test: &str, seconds: u32, settle: u32, tag: &str, words: &str, args: &[&str]) {
    let settings = format!("deploy: {{settle: {settle}}}\n");
    let Some(prod) = Prod::of(test, &STACK.replace("SECONDS", &seconds.to_string()), QUICK) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.whole("v1");
    prod.write("xtask.yaml", &settings);
    prod.up(&[&["--tag", tag], args].concat()).expect(4, &[words, "everything was put back"]);
    assert_eq!(prod.whole("v1"), before);
    assert_eq!(prod.releases().len(), 1);
}

#[test]
fn a_release_that_becomes_unhealthy_while_it_settles_is_taken_back() {
    taken_back("df-late", 4, 12, "late", "web-1: is not well any more", &["--no-rehearse"]);
}

#[test]
fn a_rehearsal_that_it_passed_does_not_save_a_release_that_becomes_unhealthy() {
    taken_back("df-late-re", 4, 12, "late", "web-1: is not well any more", &[]);
}

#[test]
fn a_release_that_ends_while_it_settles_is_taken_back() {
    taken_back("df-dies", 4, 12, "dies", "web-1: exited with code 0", &["--no-rehearse"]);
}

#[test]
fn a_release_that_becomes_unhealthy_after_a_minute_is_taken_back() {
    if std::env::var_os("XTASK_FULL").is_some() {
        taken_back("df-minute", 60, 75, "late", "web-1: is not well any more", &[]);
    }
}
