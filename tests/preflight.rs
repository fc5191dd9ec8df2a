//! The eight points before a stack first goes into production, with the tool as it is shipped: a good stack
//! passes, every point can fail alone, nothing live is touched, and nothing remains.

mod engine_support;
#[allow(dead_code)] // shared with the tests of prod-up
#[path = "prod_up/mod.rs"]
mod support;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::{CANARY, Prod, QUICK, Said};
use xtask::engine::Engine;

/// Passes everything once its runbook is written.
const GOOD: &str = "name: PROJECT
services:
  db: {DB, restart: unless-stopped, mem_limit: 64m, cpus: 0.5, volumes: ['data:/data']}
  web: {WEB, restart: always, mem_limit: 64m, cpus: 0.5, depends_on: {db: {condition: service_healthy}}, secrets: [token], ports: ['PORT:80']}
volumes: {data: }
secrets: {token: {file: token.txt}}
";

/// A stack with its secret and its runbook.
fn stack(test: &str, text: &str) -> Option<Prod> {
    let prod = Prod::of(test, text, QUICK)?;
    prod.write("token.txt", &format!("{CANARY}\n"));
    // A folder that is called like the stack is not meant.
    prod.write("prod/notes.txt", "");
    write_runbook(&prod);
    Some(prod)
}

fn write_runbook(prod: &Prod) {
    let path = prod.root().join("RUNBOOK.md");
    prod.run(&["preflight", "--tag", "v1", "--runbook", path.to_str().unwrap()]).expect(0, &["RUNBOOK.md"]);
    assert!(!std::fs::read_to_string(path).unwrap().contains("canary-pu"));
}

/// The points of a preflight, and how it ended.
fn points(prod: &Prod, args: &[&str]) -> (i32, Vec<Value>) {
    let said = prod.run(&[&["--format", "json", "preflight"], args].concat());
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.text));
    assert_eq!(document["exit"], said.code, "{}", said.text);
    let points = document["result"]["points"].as_array().unwrap_or_else(|| panic!("{document}")).clone();
    assert_eq!(points.len(), 8);
    nothing_of_its_runs(prod);
    (said.code, points)
}

/// The numbers of the points with that answer.
fn with(points: &[Value], answer: &str) -> Vec<u64> {
    points.iter().filter(|point| point["answer"] == answer).map(|point| point["number"].as_u64().unwrap()).collect()
}

/// Only this point is not ok, and says these words; those named could not be tried because of it.
fn fails_only(prod: &Prod, number: u64, words: &[&str], not_tried: &[u64]) {
    let (code, points) = points(prod, &["--tag", "v1"]);
    assert_eq!((code, with(&points, "not-ok"), with(&points, "not-tried")), (1, vec![number], not_tried.to_vec()), "{points:#?}");
    let wrong = points[usize::try_from(number).unwrap() - 1]["wrong"].to_string();
    for word in words {
        assert!(wrong.contains(word), "no {word} in {wrong}");
    }
}

fn runs(prod: &Prod) -> Vec<String> {
    let said = prod.run(&["--format", "json", "history"]);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    document["result"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap().to_string()).collect()
}

fn of_run(prod: &Prod, run: &str) -> usize {
    let (docker, label) = (&prod.sandbox.docker, [("xtask.run", run)]);
    docker.containers(&label).unwrap().len() + docker.networks(&label).unwrap().len() + docker.volumes(&label).unwrap().len()
}

fn nothing_of_its_runs(prod: &Prod) {
    for run in runs(prod) {
        assert_eq!(of_run(prod, &run), 0, "{run} has left something");
        assert!(!prod.root().join(".xtask/runs").join(&run).join("scratch").exists());
    }
    prod.nothing_left_over();
}

#[test]
fn a_good_stack_passes_all_eight_beside_the_live_one() {
    let Some(prod) = stack("pf-good", GOOD) else { return };
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let seen = |prod: &Prod| -> Vec<(String, String, i64)> {
        prod.containers().into_iter().map(|one| (one.id, one.state.started_at, one.restart_count)).collect()
    };
    let before = seen(&prod);
    assert_eq!(before.len(), 2);
    let (code, points) = points(&prod, &["--tag", "v1"]);
    assert_eq!((code, with(&points, "ok").len()), (0, 8), "{points:#?}");
    assert!(points[3]["good"].to_string().contains("that is there"), "the live volume is looked at too: {}", points[3]);
    for service in ["db", "web"] {
        assert!(points[4]["good"].to_string().contains(&format!("{service} is healthy")), "{}", points[4]);
        assert!(points[6]["good"].to_string().contains(&format!("{service} was well again")), "{}", points[6]);
    }
    assert_eq!(seen(&prod), before, "nothing live is touched");
    prod.answers("v1");
    // What only looked is nothing to roll back.
    prod.run(&["--yes", "rollback"]).expect(3, &["no committed run"]);
}

#[test]
fn missing_secrets_and_known_defaults_are_the_first_point() {
    let Some(prod) = stack("pf-secret", &GOOD.replace("{WEB,", "{WEB, labels: {admin_password: '${ADMIN_PASSWORD:-changeme}'},")) else {
        return;
    };
    prod.write("token.txt", "");
    fails_only(&prod, 1, &["token.txt is empty", "(default-credential)"], &[]);
}

#[test]
fn a_variable_without_a_value_is_the_second() {
    let Some(prod) = stack("pf-variable", &GOOD.replace("{WEB,", "{WEB, labels: {A: '${MUST_BE_SET}'},")) else { return };
    fails_only(&prod, 2, &["MUST_BE_SET is not set or empty; needed by web"], &[]);
    // One that Compose requires leaves nothing to start.
    prod.write("compose.prod.yaml", &GOOD.replace("{WEB,", "{WEB, labels: {A: '${MUST_BE_SET:?}'},"));
    fails_only(&prod, 2, &["MUST_BE_SET"], &[4, 5, 7]);
}

#[test]
fn an_external_network_that_is_not_there_is_the_third() {
    let text = GOOD.replace("{WEB,", "{WEB, networks: [default, far],") + "networks: {far: {external: true, name: PROJECT-far}}\n";
    let Some(prod) = stack("pf-external", &text) else { return };
    fails_only(&prod, 3, &[&prod.fill("the external network PROJECT-far is not there")], &[]);
}

#[test]
fn a_volume_of_another_user_is_the_fourth() {
    let Some(prod) = stack("pf-places", &GOOD.replace("{DB,", "{DB, user: '65532:65532',")) else { return };
    fails_only(&prod, 4, &["db cannot write to /data: it works as user 65532"], &[]);
    // A folder of root's, and one that is not there.
    prod.write("compose.prod.yaml", &GOOD.replace("'data:/data'", "'./up:/up', './gone:/gone'").replace("{DB,", "{DB, user: '999:999',"));
    prod.write("up/kept", "");
    write_runbook(&prod);
    fails_only(&prod, 4, &["db cannot write to /up: it works as user 999", "gone is not there"], &[]);
    assert!(!prod.root().join("gone").exists());
}

#[test]
fn health_checks_that_are_missing_or_fail_are_the_fifth() {
    let check = ", healthcheck: {test: [CMD, curl, -fsS, 'http://127.0.0.1/'], interval: 1s, timeout: 3s, retries: 3}";
    let web = |check: &str| format!("{{image: 'IMAGE:${{TAG:?the release}}', stop_grace_period: 1s{check},");
    let Some(prod) = stack("pf-health", &GOOD.replace("{WEB,", &web(""))) else { return };
    fails_only(&prod, 5, &["web has no health check"], &[]);
    let failing =
        check.replace("[CMD, curl, -fsS, 'http://127.0.0.1/']", "[CMD-SHELL, 'echo CANARY; exit 1']").replace("retries: 3", "retries: 1");
    prod.write("compose.prod.yaml", &GOOD.replace("{WEB,", &web(&failing)));
    write_runbook(&prod);
    fails_only(&prod, 5, &["web-1: "], &[7]);
}

#[test]
fn limits_that_the_host_does_not_have_are_the_sixth() {
    let Some(prod) = stack("pf-limits", &GOOD.replacen("mem_limit: 64m", "mem_limit: 900g", 1)) else { return };
    fails_only(&prod, 6, &["the memory limits add up to 900.1 GiB", "MiB are free"], &[]);
    prod.write("compose.prod.yaml", &GOOD.replacen("mem_limit: 64m, ", "", 1));
    fails_only(&prod, 6, &["db"], &[]);
}

#[test]
fn a_service_that_stays_down_is_the_seventh() {
    let Some(prod) = stack("pf-restart", &GOOD.replace("restart: always", "restart: 'no'")) else { return };
    fails_only(&prod, 7, &["web stays down when its main process ends"], &[]);
}

#[test]
fn a_runbook_that_is_missing_or_of_another_day_is_the_eighth() {
    let Some(prod) = Prod::of("pf-runbook", GOOD, QUICK) else { return };
    prod.write("token.txt", "x\n");
    fails_only(&prod, 8, &["there is no runbook"], &[]);
    write_runbook(&prod);
    let path = prod.root().join("RUNBOOK.md");
    let text = std::fs::read_to_string(&path).unwrap();
    for line in ["cargo xtask rollback --release prod ", &prod.fill("| volume `PROJECT_data` | `db` |"), &prod.fill("`PORT->80/tcp`")] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    assert_eq!(prod.run(&["preflight", "--runbook"]).expect(0, &[]).out, text, "the same without a tag, on standard output");
    prod.write("compose.prod.yaml", &GOOD.replace("'PORT:80'", "'127.0.0.1:PORT:80'"));
    let (code, points) = points(&prod, &["--tag", "v1", "--no-rehearse"]);
    assert_eq!((code, with(&points, "not-ok"), with(&points, "not-tried")), (1, vec![8], vec![4, 5, 7]));
    assert!(points[7]["wrong"].to_string().contains("RUNBOOK.md is of another state"), "{}", points[7]);
    std::fs::write(&path, format!("{text}\nCall Ann first.\n")).unwrap();
    let write = ["preflight", "--runbook", path.to_str().unwrap()];
    prod.run(&write).expect(3, &["--force"]);
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("Ann first.\n"));
    prod.run(&[&write[..], &["--force"]].concat()).expect(0, &[]);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("Ann"));
}

#[test]
fn what_cannot_be_looked_at_is_said_and_is_no_pass() {
    let Some(prod) = stack("pf-unseen", GOOD) else { return };
    let (code, points) = points(&prod, &["--tag", "nothere"]);
    assert_eq!((code, with(&points, "not-ok"), with(&points, "not-tried")), (2, vec![], vec![5, 7]), "{points:#?}");
    assert!(points[4]["not_tried"].to_string().contains("is not on this engine"), "{}", points[4]);
    let mut away = prod.command(prod.root(), &["preflight", "--tag", "v1"]);
    let said = Said::of(&away.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap());
    said.expect(
        2,
        &["Ok 1", "Ok 2", "Not tried 3", "Not tried 4", "Not tried 5", "Not tried 6", "Not tried 7", "Ok 8", "/nowhere/docker.sock"],
    );
}

/// Starts one, and returns once its containers run; its run is the newest.
fn in_the_middle(prod: &Prod) -> (Child, String) {
    let mut command = prod.command(prod.root(), &["preflight", "--tag", "v1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
        let of = |run: &String| prod.sandbox.docker.containers(&[("xtask.run", run)]).unwrap().len();
        if let Some(run) = runs(prod).pop().filter(|run| of(run) == 2) {
            return (child, run);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("nothing was started");
}

#[test]
fn after_a_kill_recover_takes_everything_away() {
    let Some(prod) = stack("pf-kill", GOOD) else { return };
    let (mut child, run) = in_the_middle(&prod);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(of_run(&prod, &run) > 2, "containers, networks and a volume are left");
    let said = prod.run(&["preflight", "--tag", "v1"]);
    said.expect(2, &["Ok 1", "Not tried 5", "Not tried 7", "cargo xtask recover"]);
    prod.run(&["recover"]).expect(0, &[&run]);
    nothing_of_its_runs(&prod);
    let (code, points) = points(&prod, &["--tag", "v1"]);
    assert_eq!(code, 0, "{points:#?}");
}

#[test]
fn ctrl_c_takes_everything_away() {
    let Some(prod) = stack("pf-stop", GOOD) else { return };
    let (mut child, run) = in_the_middle(&prod);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(of_run(&prod, &run), 0);
    nothing_of_its_runs(&prod);
}
