//! Verdicts on real containers: well, ill, slow, looping, and what belongs to another stack.

mod engine_support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine_support::{Sandbox, sandbox};
use xtask::cancel::Cancel;
use xtask::engine::compose::{ComposeCall, Up};
use xtask::engine::wait::{Unwell, Waited, Well, until_well};
use xtask::proof::Verdict;
use xtask::proof::health::{self, Running};
use xtask::secret::{MASK, Masker};

const SETTLE: Duration = Duration::from_secs(2);

fn waited(sandbox: &Sandbox, services: &[&str], masker: &Masker) -> Waited {
    let ids: Vec<String> = services.iter().map(|service| sandbox.container(service).id).collect();
    until_well(&sandbox.docker, &ids, SETTLE, masker, &Cancel::default()).unwrap()
}

fn unwell(waited: Waited) -> Unwell {
    match waited {
        Waited::Unwell(mut unwell) => unwell.remove(0),
        Waited::Well(well) => panic!("well: {well:?}"),
    }
}

fn box_of(rest: &str) -> String {
    format!("services:\n  box:\n    image: redis:7\n    stop_grace_period: 0s\n    {}\n", rest.replace('\n', "\n    "))
}

#[test]
fn each_kind_of_service_can_be_well() {
    let Some(sandbox) = sandbox("well") else { return };
    sandbox.up("services:
  cache: {image: 'redis:7', healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, timeout: 2s, retries: 5}}
  plain: {image: 'redis:7', depends_on: [cache]}
  once: {image: 'redis:7', command: ['true']}");
    let well = waited(&sandbox, &["cache", "plain", "once"], &Masker::default());
    let name = |service: &str| format!("{}-{service}-1", sandbox.project);
    let expected = BTreeMap::from([(name("cache"), Well::Healthy), (name("once"), Well::Done), (name("plain"), Well::Running)]);
    assert_eq!(well, Waited::Well(expected));
}

#[test]
fn unhealthy_is_the_verdict_when_its_own_budget_is_over() {
    let Some(sandbox) = sandbox("ill") else { return };
    sandbox.up(&box_of(
        "command: ['sh', '-c', 'echo my key is canary-value; exec sleep 600']\nhealthcheck: {test: [CMD, 'false'], interval: 1s, timeout: 1s, retries: 2}",
    ));
    let began = Instant::now();
    let ill = unwell(waited(&sandbox, &["box"], &Masker::new(["canary-value"])));
    assert_eq!((ill.service.as_str(), ill.why.as_str(), ill.log), ("box", "unhealthy after 7 s", format!("my key is {MASK}")));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[test]
fn one_that_was_unhealthy_may_still_become_healthy() {
    let Some(sandbox) = sandbox("slow") else { return };
    sandbox.up(&box_of(
        "command: ['sh', '-c', 'sleep 6; touch /tmp/ready; exec sleep 600']\nhealthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 2s, timeout: 2s, retries: 2}",
    ));
    assert!(matches!(waited(&sandbox, &["box"], &Masker::default()), Waited::Well(_)));
}

#[test]
fn a_loop_is_seen_although_it_says_running_in_between() {
    let Some(sandbox) = sandbox("loop") else { return };
    sandbox.up(&box_of("command: ['sh', '-c', 'sleep 1; echo dies; exit 3']\nrestart: unless-stopped"));
    let looping = unwell(waited(&sandbox, &["box"], &Masker::default()));
    assert!(looping.why.contains("exited with code 3") || looping.why.starts_with("is started again"), "{}", looping.why);
    assert!(looping.log.contains("dies"));
}

#[test]
fn a_death_and_a_removal_are_told_at_once() {
    let Some(sandbox) = sandbox("dead") else { return };
    sandbox.up(&box_of("command: ['sh', '-c', 'exit 9']"));
    let began = Instant::now();
    assert_eq!(unwell(waited(&sandbox, &["box"], &Masker::default())).why, "exited with code 9");
    let gone = until_well(&sandbox.docker, &["no-such-container".into()], SETTLE, &Masker::default(), &Cancel::default()).unwrap();
    assert_eq!(unwell(gone).why, "was removed");
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_wait_can_be_interrupted() {
    let Some(sandbox) = sandbox("int") else { return };
    sandbox.up(&box_of("command: [sleep, '600']\nhealthcheck: {test: [CMD, 'false'], interval: 30s}"));
    let cancel = Cancel::default();
    cancel.request();
    let error = until_well(&sandbox.docker, &[sandbox.container("box").id], SETTLE, &Masker::default(), &cancel).unwrap_err();
    assert_eq!(error.kind, xtask::error::Kind::Interrupted);
}

#[test]
fn two_stacks_of_one_project_are_told_apart_by_their_files() {
    let Some(sandbox) = sandbox("two") else { return };
    let good = sandbox.up("services: {box: {image: 'redis:7'}}");
    sandbox.file("other.yaml", "services: {ill: {image: 'redis:7', command: ['false']}}");
    let other = ComposeCall { files: vec![sandbox.path().join("other.yaml")], ..good.clone() };
    let cancel = Cancel::default();
    sandbox.compose.up(&other, &Up::default(), Duration::from_secs(60), &Masker::default(), &cancel).unwrap();
    let prove = |call: &ComposeCall, services: &[&str]| {
        let stack = Running { project: sandbox.project.clone(), config_files: call.files.clone(), elsewhere: Vec::new() };
        let services: Vec<String> = services.iter().map(ToString::to_string).collect();
        health::prove(&sandbox.docker, &stack, &services, SETTLE, &Masker::default(), &cancel).unwrap()
    };
    assert_eq!(prove(&good, &["box"]), Verdict::Holds { detail: format!("{}-box-1 running", sandbox.project) });
    assert_eq!(prove(&other, &["ill"]), Verdict::Fails { why: vec![format!("{}-ill-1: exited with code 1", sandbox.project)] });
    assert_eq!(prove(&good, &["ill"]), Verdict::Fails { why: vec!["ill: has no container".into()] });
    let nowhere = ComposeCall { files: vec!["/nowhere.yaml".into()], ..good };
    assert!(matches!(prove(&nowhere, &[]), Verdict::NotProven { .. }));
}
