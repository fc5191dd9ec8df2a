//! `bench deploy` on a real engine: two ways, once. The promises of a deploy are asserted where they do not depend
//! on how busy the machine is: what is lost, what serves, and what stays.

#![allow(clippy::print_stderr)]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use xtask::engine::{Docker, Engine};

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");

fn bench(folder: &Path, args: &[&str]) -> Command {
    let host = std::env::var("XTASK_RIG_HOST").unwrap_or_else(|_| "127.0.0.1".to_string());
    let mut command = Command::new(XTASK);
    command.args(["bench", "deploy", "--format", "json", "--host", &host, "--settle", "1"]).args(args);
    command.current_dir(folder).env("TMPDIR", folder);
    command
}

fn engine(test: &str) -> Option<Docker> {
    let engine = Docker::connect().and_then(|docker| docker.info().map(|_| docker));
    match engine {
        Ok(engine) => Some(engine),
        Err(why) => {
            assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "XTASK_REQUIRE_ENGINE is set, but: {why}");
            eprintln!("SKIPPED {test}: {why}");
            None
        }
    }
}

/// Neither containers nor networks nor names of images of this process's stacks.
fn left(engine: &Docker, pid: u32) -> Vec<String> {
    let prefix = format!("xtask-bench-{pid}-");
    let containers = engine.containers(&[]).unwrap().into_iter().map(|one| one.name);
    let networks = engine.networks(&[]).unwrap().into_iter().map(|one| one.name);
    let images = ["xtask-bench-", "xtask.local/xtask-bench-"].into_iter().flat_map(|begin| engine.images(begin).unwrap());
    let names = containers.chain(networks).chain(images.flat_map(|image| image.tags));
    names.filter(|name| name.contains(&prefix)).collect()
}

fn of<'v>(measured: &'v Value, way: &str, release: &str, rehearsed: bool) -> &'v Value {
    let is = |case: &&Value| case["way"] == way && case["release"] == release && case["rehearsed"] == rehearsed;
    measured["cases"].as_array().unwrap().iter().find(is).unwrap_or_else(|| panic!("no {way} {release} in {measured:#}"))
}

#[test]
fn rolling_loses_no_request_and_compose_leaves_a_bad_release() {
    let Some(engine) = engine("bench-deploy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let child = bench(folder.path(), &["--way", "compose,rolling", "--release", "good,crash"]);
    let (pid, output) = run(child);
    assert_eq!(output.status.code(), Some(0), "{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let measured = &document["result"];
    assert_eq!(measured["cases"].as_array().unwrap().len(), 6, "{measured:#}");
    for case in measured["cases"].as_array().unwrap() {
        assert!(case["requests"].as_u64().unwrap() > 50 && case["seconds"].as_f64().unwrap() > 1.0, "{case:#}");
    }
    for rehearsed in [true, false] {
        let good = of(measured, "rolling", "good", rehearsed);
        assert_eq!((good["exit"].as_i64(), good["failed"].as_u64(), good["serves"].as_str()), (Some(0), Some(0), Some("v2")), "{good:#}");
        let crash = of(measured, "rolling", "crash", rehearsed);
        let exit = if rehearsed { 3 } else { 4 };
        assert_eq!(
            (crash["exit"].as_i64(), crash["failed"].as_u64(), crash["serves"].as_str()),
            (Some(exit), Some(0), Some("v1")),
            "{crash:#}"
        );
        assert_eq!(crash["back_seconds"].is_null(), rehearsed, "{crash:#}");
    }
    let good = of(measured, "compose", "good", false);
    assert_eq!((good["exit"].as_i64(), good["serves"].as_str()), (Some(0), Some("v2")), "{good:#}");
    assert!(good["outage_seconds"].as_f64().unwrap() > 1.0, "{good:#}");
    let crash = of(measured, "compose", "crash", false);
    assert_eq!((crash["exit"].as_i64(), crash["serves"].as_str()), (Some(1), None), "{crash:#}");
    let met = |what: &str| {
        let targets = measured["targets"].as_array().unwrap();
        targets.iter().find(|target| target["what"].as_str().unwrap().starts_with(what)).unwrap()["met"].as_bool().unwrap()
    };
    assert!(met("requests lost to a bad release") && met("requests lost to a good release"), "{measured:#}");
    assert_eq!(left(&engine, pid), [""; 0]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the stacks' folders are gone");
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let Some(engine) = engine("bench-deploy-stop") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        bench(folder.path(), &["--way", "rolling", "--release", "ill"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    // In the middle of a deploy: its release holds the image by a name.
    while !left(&engine, child.id()).iter().any(|name| name.starts_with("xtask.local/")) {
        assert!(began.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(100));
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(left(&engine, child.id()), [""; 0]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_image_that_is_missing_is_named() {
    if engine("bench-deploy-image").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, output) = run(bench(folder.path(), &["--image", "no-such-nginx:9"]));
    assert_eq!(output.status.code(), Some(2));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = document["error"].to_string();
    assert!(said.contains("no-such-nginx:9") && said.contains("--image"), "{said}");
}

fn run(mut command: Command) -> (u32, Output) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (child.id(), child.wait_with_output().unwrap())
}
