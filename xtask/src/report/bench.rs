//! What a benchmark has measured, as tables.

use std::fmt::Write as _;

use super::{Look, Style};
use crate::tasks::bench::{Growth, Measured, Target};

pub fn tables(measured: &Measured, look: Look) -> String {
    let kind = if measured.optimised { "optimised" } else { "not optimised" };
    let mut text = format!(
        "xtask {} ({kind}), {} cores, {} compose files, {} kB, median of {}\n\n",
        measured.version,
        measured.cores,
        measured.files,
        measured.bytes / 1000,
        measured.rounds
    );
    let _ = writeln!(text, "{:<24} {:>9} {:>11} {:>9}  command", "program", "seconds", "files/s", "CPU s");
    for run in &measured.programs {
        let name = format!("{} {}", run.name, run.version);
        let seconds = if run.stopped { format!("> {:.0}", run.seconds) } else { format!("{:.3}", run.seconds) };
        let per_second = if run.stopped { format!("< {:.1}", run.files_per_second) } else { format!("{:.1}", run.files_per_second) };
        let cpu = if run.stopped { "stopped".to_string() } else { format!("{:.3}", run.cpu_seconds) };
        let rounds = if run.rounds == measured.rounds { String::new() } else { format!(" ({} of {} rounds)", run.rounds, measured.rounds) };
        let _ = writeln!(text, "{name:<24} {seconds:>9} {per_second:>11} {cpu:>9}  {}{rounds}", run.command);
    }
    text.push('\n');
    for growth in &measured.growth {
        let _ = writeln!(text, "{:<28} {}", growth.what, points(growth));
    }
    text.push('\n');
    for target in &measured.targets {
        text.push_str(&met(target, look));
    }
    text
}

/// A target and whether it was met, as a line.
pub fn met(target: &Target, look: Look) -> String {
    let (style, word) = if target.met { (Style::Good, "Met") } else { (Style::Warn, "Missed") };
    look.line(style, word, &format!("{:.2} {} ({} {})", target.measured, target.what, target.bound, target.wanted))
}

fn points(growth: &Growth) -> String {
    let one = |(size, cost): &(usize, f64)| match growth.unit {
        "bytes" => format!("{size}: {:.1} MB", cost / 1e6),
        unit => format!("{size}: {cost:.3} {unit}"),
    };
    growth.points.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::bench::Run;

    #[test]
    fn every_figure_is_shown() {
        let run = Run {
            name: "other".into(),
            version: "9.1".into(),
            command: "other FILES".into(),
            seconds: 2.0,
            files_per_second: 175.0,
            cpu_seconds: 1.9,
            rounds: 5,
            stopped: false,
        };
        let slow = Run {
            name: "slow".into(),
            version: "1".into(),
            rounds: 1,
            seconds: 20.0,
            files_per_second: 17.5,
            stopped: true,
            ..run.clone()
        };
        let growth = Growth { what: "peak memory by files", unit: "bytes", points: vec![(350, 2e7), (1400, 3e7)] };
        let target = Target { what: "milliseconds to judge one tiny file", measured: 4.2, bound: "at most", wanted: 10.0, met: true };
        let measured = Measured {
            files: 350,
            rounds: 5,
            programs: vec![run, slow],
            growth: vec![growth],
            targets: vec![target],
            ..Measured::default()
        };
        let shown = tables(&measured, Look { colour: false, live: false, quiet: false, verbose: false });
        for part in [
            "350 compose files",
            "other 9.1                    2.000       175.0     1.900  other FILES",
            "slow 1                        > 20      < 17.5   stopped  other FILES (1 of 5 rounds)",
            "peak memory by files         350: 20.0 MB, 1400: 30.0 MB",
            "         Met 4.20 milliseconds to judge one tiny file (at most 10)",
        ] {
            assert!(shown.contains(part), "{part:?} is not in\n{shown}");
        }
    }
}
