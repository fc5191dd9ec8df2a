//! Killed before and after calls of the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::engine_support::sandbox;
use crate::phase1::{Shop, same};
use crate::snapshot::{self, Snapshot};

pub const TESTS: &[(&str, fn())] = &[("a_run_that_is_killed_at_a_call_of_the_engine_is_put_back", killed_at_calls)];

/// Fewer calls than these mean that the harness has lost sight of them.
const FEWEST_CALLS: usize = 40;
const FEWEST_POINTS: usize = 14;
/// Of the calls that only look, so many are tried unless all are.
const LOOKS: usize = 8;

pub const STACK: &str = "  cache:
    image: redis:7
    stop_grace_period: 5s
    command: redis-server --requirepass canary-cache-Rk81mQz5Yt
    volumes: [cache_data:/data]
    healthcheck: {test: [CMD-SHELL, 'redis-cli -a canary-cache-Rk81mQz5Yt ping | grep -q PONG'], interval: 1s, timeout: 3s, retries: 30}
volumes:
  cache_data:
";

/// What a recovery must bring back.
pub struct Before {
    tree: Snapshot,
    configurations: BTreeMap<String, String>,
}

impl Before {
    pub fn of(shop: &Shop) -> Self {
        shop.up_and_well();
        Before { tree: shop.tree(), configurations: shop.configurations() }
    }

    /// Recovers with the tool as it is shipped, and looks at everything. Once more changes nothing.
    pub fn recovered(&self, shop: &Shop) {
        let recovered = shop.run(&["recover"]);
        recovered.expect(0, &[]);
        if recovered.text.contains("no run is open") && shop.tree() != self.tree {
            // It had come to its end, and was killed after that.
            return self.rolled_back(shop);
        }
        same(&self.tree, &shop.tree());
        assert_eq!(shop.configurations(), self.configurations);
        shop.must_be_well();
        shop.nothing_remains();
        let (whole, serving) = (snapshot::whole(shop.root()), shop.serving());
        shop.run(&["recover"]).expect(0, &["no run is open"]);
        same(&whole, &snapshot::whole(shop.root()));
        assert_eq!(shop.serving(), serving);
    }

    /// A run that came to its end is taken back.
    pub fn rolled_back(&self, shop: &Shop) {
        shop.run(&["rollback", "--yes"]).expect(0, &[]);
        same(&self.tree, &shop.tree());
        shop.nothing_remains();
    }
}

fn victim(shop: &Shop, call: usize, when: &str) -> (ExitStatus, Vec<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("victim").arg(shop.root()).args([&call.to_string(), when]).arg(log.path());
    let status = command.env("XTASK_STATE", shop.state.path()).stdin(Stdio::null()).status().unwrap();
    (status, std::fs::read_to_string(log.path()).unwrap().lines().map(String::from).collect())
}

fn killed_at_calls() {
    let Some(sandbox) = sandbox("crash") else { return };
    let began = Instant::now();
    let shop = Shop::of_one(sandbox, STACK);
    let before = Before::of(&shop);
    let (status, calls) = victim(&shop, 0, "before");
    assert!(status.success(), "without a kill: {status}");
    before.rolled_back(&shop);
    assert!(calls.len() >= FEWEST_CALLS, "only {} calls: {calls:?}", calls.len());
    let (mut points, mut killed) = (0, 0);
    for (call, when) in points_of(&calls) {
        let (status, _) = victim(&shop, call, when);
        points += 1;
        if status.signal() == Some(9) {
            killed += 1;
            println!("    killed {when} call {call}, {}", calls[call - 1]);
            before.recovered(&shop);
        } else {
            // It waited less often this time, so it ended before that call.
            assert!(status.success(), "at call {call}: {status}");
            before.rolled_back(&shop);
        }
    }
    println!("    {points} points of {} calls, {killed} killed, {:.0} s", calls.len(), began.elapsed().as_secs_f32());
    assert!(killed >= FEWEST_POINTS && killed * 10 >= points * 8, "{killed} of {points} were killed");
}

/// Before and after each call that changes something; of the others some, or all when asked for.
fn points_of(calls: &[String]) -> Vec<(usize, &'static str)> {
    let all = std::env::var_os("XTASK_FULL").is_some();
    let changing: BTreeSet<usize> = (1..=calls.len()).filter(|call| calls[call - 1].ends_with('!')).collect();
    let step = if all { 1 } else { calls.len() / LOOKS };
    let looking = (1..=calls.len()).filter(|call| !changing.contains(call)).step_by(step);
    let mut points: Vec<(usize, &str)> = changing.iter().flat_map(|call| [(*call, "before"), (*call, "after")]).collect();
    points.extend(looking.flat_map(|call| if all { vec![(call, "before"), (call, "after")] } else { vec![(call, "before")] }));
    points.sort_unstable();
    points
}
