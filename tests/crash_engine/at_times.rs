//! Killed while Compose is at work: alone, and together with it.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::at_calls::{Before, STACK};
use crate::engine_support::sandbox;
use crate::phase1::Shop;

pub const TESTS: &[(&str, fn())] = &[
    ("a_compose_that_outlives_the_killed_tool_is_waited_for", compose_goes_on),
    ("a_container_that_was_half_replaced_serves_again", half_replaced),
    ("a_run_that_is_killed_at_any_time_is_put_back", killed_at_times),
    ("a_recovery_that_is_killed_is_recovered", recovery_killed),
];

const PATIENCE: Duration = Duration::from_secs(60);

/// It stops for as long as it may, so that Compose can be met at it.
const SLOW: &str = "  box:
    image: redis:7
    stop_grace_period: 4s
    entrypoint: [sh, -c]
    command: ['trap : TERM; while true; do sleep 1; done']
    environment: {API_PASSWORD: canary-own-Wd93nVb6Ls}
";

fn start(shop: &Shop, options: &[&str]) -> Child {
    let args = [&["migrate", "--phase", "1", "--yes"], options].concat();
    shop.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The programs that carry the shop's state folder in their environment: the tool and what it started.
fn processes(shop: &Shop) -> Vec<Pid> {
    let mark = format!("XTASK_STATE={}", shop.state.path().display());
    let carries = |folder: &Path| {
        std::fs::read(folder.join("environ")).is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes()))
    };
    let folders = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let pids = folders.filter(|folder| carries(folder)).filter_map(|folder| folder.file_name()?.to_str()?.parse().ok());
    pids.map(Pid::from_raw).collect()
}

fn kill_all(shop: &Shop, child: &mut Child) {
    // Who was just started by one that is killed is met in the next round.
    while let pids @ [_, ..] = processes(shop).as_slice() {
        for pid in pids {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        let _ = child.try_wait();
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait().unwrap();
}

/// Waits until Compose has made the new container and is stopping the old one.
fn until_half_replaced(shop: &Shop, child: &mut Child) {
    let began = Instant::now();
    while shop.containers().len() < 2 {
        assert!(began.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "no container was being replaced");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn compose_goes_on() {
    let Some(sandbox) = sandbox("outlives") else { return };
    let shop = Shop::of_one(sandbox, SLOW);
    let before = Before::of(&shop);
    let serving = shop.serving();
    let mut child = start(&shop, &["--recreate"]);
    until_half_replaced(&shop, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!processes(&shop).is_empty(), "compose died with the tool");
    let began = Instant::now();
    let mut other = shop.command(&["migrate", "--phase", "1", "--yes"]);
    crate::phase1::Said::of(other.output().unwrap()).expect(3, &["but a program that it started still runs", "cargo xtask recover"]);
    before.recovered(&shop);
    println!("    recovered {:.1} s after the kill", began.elapsed().as_secs_f32());
    assert!(processes(&shop).is_empty());
    assert_ne!(shop.serving(), serving);
}

fn half_replaced() {
    let Some(sandbox) = sandbox("half") else { return };
    let shop = Shop::of_one(sandbox, SLOW);
    let before = Before::of(&shop);
    let ids = |shop: &Shop| shop.serving().into_values().map(|(id, ..)| id).collect::<Vec<_>>();
    let serving = ids(&shop);
    let mut child = start(&shop, &["--recreate"]);
    until_half_replaced(&shop, &mut child);
    kill_all(&shop, &mut child);
    before.recovered(&shop);
    assert_eq!(ids(&shop), serving, "the old container was still there");
    // The request to stop it that was under way has ended by now.
    std::thread::sleep(Duration::from_secs(5));
    shop.must_be_well();
    assert_eq!(ids(&shop), serving);
}

fn killed_at_times() {
    let Some(sandbox) = sandbox("times") else { return };
    let shop = Shop::of_one(sandbox, STACK);
    let before = Before::of(&shop);
    let began = Instant::now();
    let mut child = start(&shop, &["--rehearse", "--recreate"]);
    assert!(child.wait().unwrap().success());
    let whole = began.elapsed();
    before.rolled_back(&shop);
    let points: u32 = if std::env::var_os("XTASK_FULL").is_some() { 40 } else { 6 };
    let mut killed = 0;
    for point in 1..=points {
        let mut child = start(&shop, &["--rehearse", "--recreate"]);
        std::thread::sleep(whole * point / (points + 1));
        let ended = child.try_wait().unwrap();
        kill_all(&shop, &mut child);
        match ended {
            Some(status) => {
                assert!(status.success(), "{status}");
                before.rolled_back(&shop);
            }
            None => {
                killed += 1;
                println!("    killed with all that it started after {:?}", whole * point / (points + 1));
                before.recovered(&shop);
            }
        }
    }
    println!("    {killed} of {points} points killed, {:.0} s", began.elapsed().as_secs_f32());
    assert!(killed * 2 >= points, "{killed} of {points}");
}

fn recovery_killed() {
    let Some(sandbox) = sandbox("twice") else { return };
    let shop = Shop::of_one(sandbox, SLOW);
    let before = Before::of(&shop);
    let mut child = start(&shop, &["--recreate"]);
    until_half_replaced(&shop, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    // Compose goes on to the end, so recovery replaces the new container by one from the old files.
    while !processes(&shop).is_empty() {
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut recovery = shop.command(&["recover"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until_half_replaced(&shop, &mut recovery);
    kill_all(&shop, &mut recovery);
    before.recovered(&shop);
}
