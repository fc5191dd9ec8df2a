//! How long a service was away while releases went out, as a table.

use std::fmt::Write as _;

use super::Look;
use super::bench::met;
use crate::tasks::bench::deploy::{Case, Downtime};

pub fn table(measured: &Downtime, look: Look) -> String {
    let Downtime { version, cores, engine, compose, image, rounds, every_ms, start_seconds, settle_seconds, .. } = measured;
    let mut text = format!(
        "xtask {version}, {cores} cores, Docker {engine}, Compose {compose}, {image}, median of {rounds}\na request every {every_ms} ms; the \
         service starts in {start_seconds} s, is healthy after {:.1} s; settle {settle_seconds} s\n\n",
        measured.health_path_seconds
    );
    let _ = writeln!(
        text,
        "{:<22} {:<8} {:>4} {:>13} {:>9} {:>9} {:>9} {:>7}  serves",
        "way", "release", "exit", "lost", "longest s", "outage s", "seconds", "back s"
    );
    for case in &measured.cases {
        text.push_str(&line(case));
    }
    text.push('\n');
    for target in &measured.targets {
        text.push_str(&met(target, look));
    }
    text
}

fn line(case: &Case) -> String {
    let way = if case.rehearsed { format!("{}, rehearsed", case.way) } else { case.way.to_string() };
    let exit = case.exit.map_or_else(|| "-".to_string(), |code| code.to_string());
    let lost = format!("{} of {}", case.failed, case.requests);
    let back = case.back_seconds.map_or_else(|| "-".to_string(), |back| format!("{back:.1}"));
    let serves = case.serves.as_deref().unwrap_or("nobody");
    let (longest, outage, seconds) = (case.longest_gap_seconds, case.outage_seconds, case.seconds);
    format!("{way:<22} {:<8} {exit:>4} {lost:>13} {longest:>9.2} {outage:>9.2} {seconds:>9.1} {back:>7}  {serves}\n", case.release)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::bench::Target;

    #[test]
    fn every_case_is_a_line() {
        let case = Case {
            way: "swap",
            release: "crash",
            exit: Some(4),
            requests: 812,
            failed: 31,
            longest_gap_seconds: 3.456,
            outage_seconds: 3.5,
            seconds: 9.04,
            back_seconds: Some(2.21),
            serves: Some("v1".into()),
            ..Case::default()
        };
        let rehearsed = Case { rehearsed: true, exit: Some(3), failed: 0, back_seconds: None, serves: None, ..case.clone() };
        let target = Target { what: "requests lost", measured: 0.0, bound: "at most", wanted: 0.0, met: true };
        let measured = Downtime { rounds: 3, every_ms: 10, cases: vec![case, rehearsed], targets: vec![target], ..Downtime::default() };
        let shown = table(&measured, Look { colour: false, live: false, quiet: false, verbose: false });
        for part in [
            "median of 3\na request every 10 ms",
            "swap                   crash       4     31 of 812      3.46      3.50       9.0     2.2  v1\n",
            "swap, rehearsed        crash       3      0 of 812      3.46      3.50       9.0       -  nobody\n",
            "         Met 0.00 requests lost (at most 0)",
        ] {
            assert!(shown.contains(part), "{part:?} is not in\n{shown}");
        }
    }
}
