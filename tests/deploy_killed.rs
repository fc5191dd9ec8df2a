//! Deploys that are killed, with the tool as it is shipped: at records of the whole journal, alone and together
//! with all that they have started. `recover` then brings the old release back, or, once it was committed,
//! finishes the new one.

#![allow(clippy::print_stdout, reason = "a test says what it measured")]

mod engine_support;
#[path = "prod_up/mod.rs"]
#[allow(dead_code)] // shared with the tests of prod-up
mod support;

use std::time::{Duration, Instant};

use support::{Prod, QUICK, STACK};

const HOOKS: &str = "deploy: {settle: 1, hooks: {pre-deploy: [['true']], post-deploy: [['true']], on-rollback: [['true']]}}\n";

/// Named by its user, it is recreated by Compose, which lives on when the tool alone is killed.
const BY_COMPOSE: &str = "{WEB, container_name: PROJECT-web-1,";

fn prod(test: &str, stack: &str, settings: &str) -> Option<Prod> {
    let prod = Prod::of(test, stack, settings)?;
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    prod.whole("v1");
    Some(prod)
}

/// What is killed.
#[derive(Clone, Copy, PartialEq)]
enum Kill {
    Alone,
    All,
}

fn full() -> bool {
    std::env::var_os("XTASK_FULL").is_some()
}

/// Kills at record after record to the end of a run, a while after each: at all of them, or at some from `first` on.
fn killed(test: &str, stack: &str, kill: Kill, first: usize) {
    let Some(prod) = prod(test, stack, HOOKS) else { return };
    let (began, mut points, mut committed) = (Instant::now(), 0, 0);
    let mut release = "v1";
    let (first, every) = if full() { (1, 1) } else { (first, 3) };
    let waits: &[u64] = if full() { &[0, 150, 600] } else { &[150] };
    let mut at = first;
    let mut last = usize::MAX;
    while at <= last {
        for &wait in waits {
            let next = if release == "v1" { "v2" } else { "v1" };
            let known = prod.journals().len();
            let mut going = prod.start(&["--tag", next, "--no-rehearse"]);
            prod.until(&mut going, known, |records| records.len() >= at);
            std::thread::sleep(Duration::from_millis(wait));
            match kill {
                Kill::Alone => going.kill(),
                Kill::All => going.kill_all(&prod),
            }
            let records = prod.records();
            if last == usize::MAX {
                let begun = &records[0];
                let steps = begun["steps"].as_u64().unwrap() + begun["finish"].as_u64().unwrap();
                // Begun, two of each step, proven, committed; what comes after is one record more.
                last = steps as usize * 2 + 3;
            }
            if points == 0 {
                let said = prod.run(&["status"]);
                assert!(said.text.contains("cargo xtask recover"), "{}", said.text);
            }
            let is_committed = records.iter().any(|record| record["record"] == "committed");
            let recover = prod.run(&["recover"]);
            assert_eq!(recover.code, 0, "killed at {at} ({:?}): {}", records.last(), recover.text);
            if is_committed {
                (release, committed) = (next, committed + 1);
            }
            println!("    killed at record {at} + {wait} ms, {}: {release} serves", records.last().unwrap()["record"]);
            prod.whole(release);
            points += 1;
        }
        at += every;
    }
    println!("    {test}: {points} points, {committed} of them committed, {:.0} s", began.elapsed().as_secs_f32());
    assert!(points >= 4, "{points}");
    assert!(prod.processes().is_empty());
    // Nothing of it stands in the way.
    let next = if release == "v1" { "v2" } else { "v1" };
    prod.up(&["--tag", next, "--no-rehearse"]).expect(0, &[]);
    prod.whole(next);
}

#[test]
fn a_deploy_that_is_killed_alone_is_recovered() {
    killed("dk-alone", &STACK.replace("{WEB,", BY_COMPOSE), Kill::Alone, 3);
}

#[test]
fn a_deploy_that_is_killed_with_all_that_it_started_is_recovered() {
    killed("dk-all", STACK, Kill::All, 2);
}

#[test]
fn a_deploy_that_is_killed_in_its_rehearsal_is_recovered() {
    let Some(prod) = prod("dk-none", STACK, QUICK) else { return };
    for kill in [Kill::Alone, Kill::All] {
        let known = prod.journals().len();
        let mut going = prod.start(&["--tag", "v2"]);
        prod.until(&mut going, known, |_| !prod.rehearsed().is_empty());
        match kill {
            Kill::Alone => going.kill(),
            Kill::All => going.kill_all(&prod),
        }
        prod.run(&["prod-up", "--dry-run", "--tag", "v2"]).expect(3, &["did not come to its end", "cargo xtask recover"]);
        prod.run(&["recover"]).expect(0, &[]);
        prod.whole("v1");
    }
}
