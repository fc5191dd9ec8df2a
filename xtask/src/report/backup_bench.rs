//! How long backups took, as a table.

use std::fmt::Write as _;

use super::Look;
use super::bench::met;
use crate::tasks::bench::backup::Backups;

pub fn table(measured: &Backups, look: Look) -> String {
    let Backups { version, cores, engine, image, rounds, files, bytes, database_bytes, .. } = measured;
    let kind = if measured.optimised { "optimised" } else { "not optimised" };
    let restic = measured.restic.as_ref().map_or_else(|| "no restic".to_string(), |version| format!("restic {version}"));
    let mut text = format!(
        "xtask {version} ({kind}), {cores} cores, Docker {engine}, {restic}, {image}, median of {rounds}\n{files} files, {:.0} MB; a database of \
         {:.0} MB\n\n",
        *bytes as f64 / 1e6,
        *database_bytes as f64 / 1e6
    );
    let _ = writeln!(text, "{:<32} {:<22} {:>9}", "what", "by", "seconds");
    for case in &measured.cases {
        let _ = writeln!(text, "{:<32} {:<22} {:>9.2}", case.what, case.by, case.seconds);
    }
    text.push('\n');
    for target in &measured.targets {
        text.push_str(&met(target, look));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::bench::Target;
    use crate::tasks::bench::backup::Case;

    #[test]
    fn every_case_is_a_line() {
        let case = Case { what: "first backup", by: "xtask", seconds: 2.345 };
        let target = Target { what: "times restic's seconds, first backup", measured: 0.9, bound: "at most", wanted: 1.0, met: true };
        let measured = Backups { rounds: 3, files: 12, bytes: 200_000_000, cases: vec![case], targets: vec![target], ..Backups::default() };
        let shown = table(&measured, Look { colour: false, live: false, quiet: false, verbose: false });
        for part in [
            "no restic",
            "12 files, 200 MB; a database of 0 MB",
            "first backup                     xtask                       2.3",
            "         Met 0.90 times restic's seconds, first backup (at most 1)",
        ] {
            assert!(shown.contains(part), "{part:?} is not in\n{shown}");
        }
    }
}
