//! What can be measured.

use std::time::Duration;

use super::Exit;
use super::args::{BenchAuditArgs, BenchBackupArgs, BenchDeployArgs, Measurable};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::event::Sink;
use crate::report::answer::Answer;
use crate::tasks::bench;
use crate::tasks::bench::deploy::{Options, Release, Way};

pub fn bench(measured: &Measurable, events: &dyn Sink, cancel: &Cancel) -> Result<(Exit, Answer)> {
    let answer = match measured {
        Measurable::Audit(args) => Answer::Measured(Box::new(audit(args, events, cancel)?)),
        Measurable::Backup(args) => Answer::Backups(Box::new(bench::backup::backup(&backup(args), events, cancel)?)),
        Measurable::Deploy(args) => Answer::Downtime(Box::new(bench::deploy::deploy(&deploy(args), events, cancel)?)),
    };
    Ok((Exit::Done, answer))
}

fn audit(args: &BenchAuditArgs, events: &dyn Sink, cancel: &Cancel) -> Result<bench::Measured> {
    let options = bench::Options { copies: args.copies.get(), rounds: args.rounds.get(), files: args.files.clone(), peers: !args.no_peers };
    bench::audit(&options, events, cancel)
}

fn backup(args: &BenchBackupArgs) -> bench::backup::Options {
    bench::backup::Options { rounds: args.rounds.get(), bytes: args.size.get().saturating_mul(1_000_000), image: args.image.clone() }
}

/// All where none is named.
fn deploy(args: &BenchDeployArgs) -> Options {
    let named = |names: &[String], name: &str| names.is_empty() || names.iter().any(|named| named == name);
    Options {
        rounds: args.rounds.get(),
        every: Duration::from_millis(args.every.get()),
        start: args.start,
        settle: args.settle,
        ways: Way::ALL.into_iter().filter(|way| named(&args.ways, way.name())).collect(),
        releases: Release::ALL.into_iter().filter(|release| named(&args.releases, release.name())).collect(),
        image: args.image.clone(),
        host: args.host.clone(),
    }
}
