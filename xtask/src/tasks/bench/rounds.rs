//! Everything is run in turns, so that a slow minute of the machine is everybody's.

use std::path::Path;
use std::time::{Duration, Instant};

use super::inputs::{Copies, Inputs, Scratch, large};
use super::peers::{Peer, installed};
use super::{Growth, Measured, Options, Run, Target, cores, median, parsing};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Sink};
use crate::process::{Program, Timed};

/// Runs of one tiny file: what is measured is small.
const STARTS: usize = 20;
/// A peer that takes longer is stopped, and one that took so long in all rounds so far is not called again.
const PATIENCE: Duration = Duration::from_secs(20);
/// The size of the smallest of the large files, for each copy of the small ones: 250 kB with 50 copies.
const LARGE_BYTES: usize = 5_000;
/// Rounds of large files and of many: what is measured is large.
const LARGE_ROUNDS: usize = 3;
const TINY: &[u8] = b"services:\n  web:\n    image: nginx:1.27\n";

/// The costs of all rounds of one program.
#[derive(Default)]
struct Costs {
    seconds: Vec<f64>,
    cpu: Vec<f64>,
    /// It was stopped: what is known is that it takes longer.
    stopped: bool,
}

impl Costs {
    fn add(&mut self, timed: Timed) {
        self.seconds.push(timed.took.as_secs_f64());
        self.cpu.push(timed.cpu.as_secs_f64());
    }

    fn run(&self, name: &str, version: &str, command: String, files: usize) -> Run {
        let seconds = median(&self.seconds);
        let files_per_second = per_second(files, seconds);
        let (name, version, cpu_seconds) = (name.into(), version.into(), median(&self.cpu));
        Run { name, version, command, rounds: self.seconds.len(), seconds, files_per_second, cpu_seconds, stopped: self.stopped }
    }
}

/// Our own program on all files: its arguments, and what is measured.
const OWN: [(&str, &[&str]); 4] = [
    ("xtask", &["--format", "json"]),
    ("xtask, human", &["--format", "human"]),
    ("xtask, one core", &["--format", "json", "--jobs", "1"]),
    ("xtask, one core, human", &["--format", "human", "--jobs", "1"]),
];

/// Compose files that cannot be judged, of a caller's folder, make it exit with 2.
const LAST_USUAL_CODE: i32 = 2;

struct Bench<'a> {
    own: &'a Program,
    scratch: &'a Scratch,
    rounds: usize,
    cancel: &'a Cancel,
}

pub(super) fn measure(
    options: &Options,
    own: &Program,
    inputs: &Inputs,
    scratch: &Scratch,
    events: &dyn Sink,
    cancel: &Cancel,
) -> Result<Measured> {
    let bench = Bench { own, scratch, rounds: options.rounds, cancel };
    let say = |text: String| events.emit(Event::Note(text));
    let sets = ["n", "n2", "n4"].into_iter().zip([1, 2, 4]);
    let sets: Vec<Copies> = sets.map(|(name, times)| inputs.copy(scratch, name, options.copies * times)).collect::<Result<_>>()?;
    let (small, large) = (&sets[0], &sets[2]);
    say(format!("{} files, {} bytes, and two and four times as many", small.files.len(), small.bytes));

    // The peak of all children so far only ever rises, so what needs least comes first.
    let memory = bench.memory(&[small, large])?;
    let start_seconds = bench.start()?;
    let growth = vec![memory, bench.growth_of_files(&sets)?, bench.growth_of_bytes(options.copies * LARGE_BYTES)?];
    let peers = if options.peers { installed(cancel) } else { Vec::new() };
    let (programs, parsed) = bench.side_by_side(small, &peers, &say)?;
    let mut measured = Measured {
        version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        cores: cores(),
        files: small.files.len(),
        bytes: small.bytes,
        rounds: options.rounds,
        programs,
        start_seconds,
        growth,
        targets: Vec::new(),
    };
    measured.targets = targets(&measured, parsed);
    Ok(measured)
}

impl Bench<'_> {
    /// Our own program on a file or folder.
    fn own(&self, target: &Path, args: &[&str]) -> Result<Timed> {
        let call = self.own.clone().args(["audit"]).args(args.iter().copied()).args([target]).cwd(&self.scratch.root);
        let timed = call.time(self.cancel)?;
        match timed.code {
            Some(0..=LAST_USUAL_CODE) => Ok(timed),
            _ => Err(Error::failed("measure the audit").why("it was ended by a signal or failed")),
        }
    }

    fn seconds(&self, target: &Path, times: usize) -> Result<f64> {
        let runs = (0..times).map(|_| self.own(target, &["--format", "json"]).map(|timed| timed.took.as_secs_f64()));
        Ok(median(&runs.collect::<Result<Vec<f64>>>()?))
    }

    fn memory(&self, sets: &[&Copies]) -> Result<Growth> {
        let point = |set: &&Copies| Ok((set.files.len(), self.own(&set.folder, &["--format", "json"])?.peak_bytes as f64));
        Ok(Growth { what: "peak memory by files", unit: "bytes", points: sets.iter().map(point).collect::<Result<_>>()? })
    }

    fn start(&self) -> Result<f64> {
        self.seconds(&self.scratch.write(Path::new("tiny/compose.yaml"), TINY)?, STARTS)
    }

    fn growth_of_files(&self, sets: &[Copies]) -> Result<Growth> {
        let point = |set: &Copies| Ok((set.files.len(), self.seconds(&set.folder, self.rounds.min(LARGE_ROUNDS))?));
        Ok(Growth { what: "time by files", unit: "seconds", points: sets.iter().map(point).collect::<Result<_>>()? })
    }

    /// Of one file.
    fn growth_of_bytes(&self, bytes: usize) -> Result<Growth> {
        let point = |times: usize| {
            let text = large(times * bytes);
            let file = self.scratch.write(&Path::new(&format!("large-{times}")).join("compose.yaml"), text.as_bytes())?;
            Ok((text.len(), self.seconds(&file, self.rounds.min(LARGE_ROUNDS))?))
        };
        Ok(Growth { what: "time by bytes of one file", unit: "seconds", points: [1, 2, 4].into_iter().map(point).collect::<Result<_>>()? })
    }

    /// Everybody on the same files; then the seconds of only parsing them, with all cores and with one.
    fn side_by_side(&self, set: &Copies, peers: &[Peer], say: &dyn Fn(String)) -> Result<(Vec<Run>, [f64; 2])> {
        let mut own: Vec<Costs> = OWN.iter().map(|_| Costs::default()).collect();
        let mut others: Vec<Costs> = peers.iter().map(|_| Costs::default()).collect();
        let mut parsed = [Vec::new(), Vec::new()];
        for round in 1..=self.rounds {
            say(format!("round {round} of {}", self.rounds));
            for (costs, (_, args)) in own.iter_mut().zip(OWN) {
                costs.add(self.own(&set.folder, args)?);
            }
            for (seconds, threads) in parsed.iter_mut().zip([cores(), 1]) {
                seconds.push(parsing::time(&set.files, threads).as_secs_f64());
            }
            for (costs, peer) in others.iter_mut().zip(peers) {
                self.peer(set, peer, costs)?;
            }
        }
        let files = set.files.len();
        let ours = own.iter().zip(OWN).map(|(costs, (name, args))| {
            costs.run(name, env!("CARGO_PKG_VERSION"), format!("cargo xtask audit {} DIR", args.join(" ")), files)
        });
        let theirs = others.iter().zip(peers).map(|(costs, peer)| costs.run(peer.name, &peer.version, peer.command(), files));
        Ok((ours.chain(theirs).collect(), parsed.map(|seconds| median(&seconds))))
    }

    fn peer(&self, set: &Copies, peer: &Peer, costs: &mut Costs) -> Result<()> {
        let patience = PATIENCE.as_secs_f64();
        if costs.seconds.iter().sum::<f64>() >= patience {
            return Ok(());
        }
        let started = Instant::now();
        match peer.call(&set.files).deadline(PATIENCE).cwd(&self.scratch.root).time(self.cancel) {
            Ok(timed) => costs.add(timed),
            Err(error) if error.kind == Kind::Failed && started.elapsed() >= PATIENCE => {
                *costs = Costs { seconds: vec![patience], cpu: Vec::new(), stopped: true };
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn targets(measured: &Measured, [parsed, parsed_on_one]: [f64; 2]) -> Vec<Target> {
    let run = |name: &str| measured.programs.iter().find(|run| run.name == name);
    let seconds = |name: &str| run(name).map_or(f64::INFINITY, |run| run.seconds);
    let mut targets = Vec::new();
    if let Some(peer) = run("compose-lint") {
        targets.push(Target::at_least(100.0, "times compose-lint's files per second, all cores", peer.seconds / seconds(OWN[0].0)));
        targets.push(Target::at_least(60.0, "times compose-lint's files per second, one core", peer.seconds / seconds(OWN[2].0)));
    }
    targets.push(Target::at_most(10.0, "milliseconds to judge one tiny file", measured.start_seconds * 1000.0));
    let [memory, files, bytes] = [0, 1, 2].map(|n: usize| measured.growth.get(n).map_or(f64::INFINITY, Growth::factor));
    targets.push(Target::at_most(5.0, "times the time for 4 times the files", files));
    targets.push(Target::at_most(5.0, "times the time for 4 times the bytes in one file", bytes));
    targets.push(Target::at_most(1.5, "times the memory for 4 times the files", memory));
    targets.push(Target::at_most(3.0, "times the time of only parsing, all cores", seconds(OWN[0].0) / parsed));
    targets.push(Target::at_most(3.0, "times the time of only parsing, one core", seconds(OWN[2].0) / parsed_on_one));
    targets
}

fn per_second(files: usize, seconds: f64) -> f64 {
    if seconds > 0.0 { files as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&[3.0, 1.0, 9.0]), 3.0);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn a_peer_that_is_not_there_sets_no_target() {
        let run = |name: &str, seconds: f64| Run { name: name.into(), seconds, ..Run::default() };
        let growth = |last: f64| Growth { points: vec![(1, 1.0), (4, last)], ..Growth::default() };
        let mut measured = Measured {
            programs: vec![run("xtask", 0.1), run("xtask, one core", 0.2)],
            start_seconds: 0.011,
            growth: vec![growth(1.1), growth(4.0), growth(8.0)],
            ..Measured::default()
        };
        let unmet = |measured: &Measured| {
            let missed = targets(measured, [0.05, 0.05]).into_iter().filter(|target| !target.met).map(|target| target.what);
            missed.collect::<Vec<_>>()
        };
        let alone = [
            "milliseconds to judge one tiny file",
            "times the time for 4 times the bytes in one file",
            "times the time of only parsing, one core",
        ];
        assert_eq!(unmet(&measured), alone);
        measured.programs.push(run("compose-lint", 11.0));
        assert_eq!(unmet(&measured)[0], "times compose-lint's files per second, one core");
    }
}
