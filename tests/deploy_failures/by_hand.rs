//! Somebody who works on the stack with `docker compose` while it is deployed.

use nix::sys::signal::Signal;

use super::support::during::Going;
use super::support::{Prod, QUICK, STACK, Who, id_of};

const SLOW: &str = "deploy: {settle: 6}\n";
const QUESTION: &str = "Carry out these";

fn serving(test: &str) -> Option<(Prod, Vec<Who>)> {
    let prod = Prod::of(test, STACK, QUICK)?;
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.whole("v1");
    Some((prod, before))
}

/// Asked for the plan's sake, and answered once somebody has changed what it was made for.
fn asked(prod: &Prod, meanwhile: impl FnOnce()) -> super::support::Said {
    let mut going = prod.start_asked(&["--tag", "v2", "--no-rehearse"]);
    going.until_said(QUESTION);
    meanwhile();
    going.types("y\n");
    going.end()
}

#[test]
fn a_plan_that_is_not_true_any_more_is_not_carried_out() {
    let Some((prod, before)) = serving("df-plan") else { return };
    asked(&prod, || drop(prod.by_hand("v3", &["up", "-d", "--wait"]))).expect(3, &["somebody else has changed the stack"]);
    let by_hand = prod.serves("v3");
    assert_ne!(id_of(&by_hand, "web"), id_of(&before, "web"));
    prod.nothing_left_over();
    asked(&prod, || drop(prod.by_hand("v3", &["stop", "db"]))).expect(3, &["somebody else has changed the stack"]);
    prod.by_hand("v3", &["start", "db"]);
    asked(&prod, || drop(prod.by_hand("v3", &["down"]))).expect(3, &["somebody else has changed the stack"]);
    assert!(prod.containers().is_empty());
    prod.nothing_left_over();
    // Once nobody disturbs it, it goes its way.
    asked(&prod, || {}).expect(0, &[]);
    prod.whole("v2");
}

/// What runs is only frozen as a release once the rehearsal has let the new one through.
#[test]
fn a_first_deploy_that_its_rehearsal_refuses_leaves_what_runs_alone() {
    let Some(prod) = Prod::of("df-first", STACK, QUICK) else { return };
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let by_hand = prod.serves("v1");
    prod.up(&["--tag", "crash"]).expect(3, &["it falls over", "nothing was touched"]);
    assert_eq!(prod.whole("v1"), by_hand);
    assert_eq!(prod.releases().len(), 0);
}

fn disturbed(prod: &Prod, args: &[&str]) -> super::support::Said {
    prod.write("xtask.yaml", SLOW);
    let known = prod.journals().len();
    let mut going: Going = prod.start(&["--tag", "v2", "--no-rehearse"]);
    prod.until_proof(&mut going, known);
    std::thread::sleep(std::time::Duration::from_secs(1));
    // What is typed is done before the tool sees anything of it.
    going.signal(Signal::SIGSTOP);
    prod.by_hand("v3", args);
    going.signal(Signal::SIGCONT);
    going.end()
}

#[test]
fn a_stop_by_hand_while_the_release_settles_takes_it_back() {
    let Some((prod, before)) = serving("df-stop") else { return };
    disturbed(&prod, &["stop", "web"]).expect(4, &["web-1: exited with code", "everything was put back"]);
    assert_eq!(prod.whole("v1"), before);
}

#[test]
fn an_up_by_hand_while_the_release_settles_takes_it_back() {
    let Some((prod, before)) = serving("df-up") else { return };
    disturbed(&prod, &["up", "-d"]).expect(4, &["everything was put back"]);
    let after = prod.whole("v1");
    assert_eq!(id_of(&after, "db"), id_of(&before, "db"));
}

/// Containers and networks are gone, and are made again as they were.
#[test]
fn a_down_by_hand_while_the_release_settles_takes_it_back() {
    let Some((prod, _)) = serving("df-down") else { return };
    disturbed(&prod, &["down"]).expect(4, &["somebody has removed it", "everything was put back"]);
    let after = prod.whole("v1");
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    assert_eq!(prod.whole("v1"), after, "a hand-made up recreates nothing");
}
