//! The end of a phase of the migration: what changed, what is proven and what is not, and what to do next.

use serde_json::{Value, json};

use super::summary::{counted, lines, proofs};
use super::{Look, Style, production, summary};
use crate::tasks::migrate::{Migrated, PhaseReport};
use crate::tasks::security_fix::Burned;
use crate::tasks::{Ended, cleanup, env_standardize, security_fix};
use crate::text::size;

pub fn phase(migrated: &Migrated, look: Look) -> String {
    match &migrated.report {
        PhaseReport::SecurityFix(report) => security_fix(&migrated.ended, report, look),
        PhaseReport::EnvStandardize(report) => env_standardize(&migrated.ended, report, look),
        PhaseReport::Cleanup(report) => cleanup(&migrated.ended, report, look),
        PhaseReport::DockerfileProd(report) => production::text(&migrated.ended, report, look),
    }
}

pub fn json(migrated: &Migrated) -> Value {
    let report = match &migrated.report {
        PhaseReport::SecurityFix(report) => json!(report),
        PhaseReport::EnvStandardize(report) => json!(report),
        PhaseReport::Cleanup(report) => json!(report),
        PhaseReport::DockerfileProd(report) => json!(report),
    };
    json!({"phase": migrated.phase.number, "name": migrated.phase.name, "ended": migrated.ended.word(), "report": report})
}

fn security_fix(how: &Ended, report: &security_fix::Report, look: Look) -> String {
    if matches!(how, Ended::NothingToDo) {
        return look.line(Style::Good, "Holds", "no credential stands in a file that git may see");
    }
    let places: usize = report.moved.iter().map(|moved| moved.places.len()).sum();
    let counts = [(report.moved.len(), "credential"), (places, "place"), (report.changed.len(), "changed file")];
    summary::phase(how, look, "Credentials", &counted(&counts), |text| {
        text.push_str(&proofs(&report.proven, &report.not_proven, look));
        text.push_str(&lines(Style::Warn, "Left", &report.left, look));
        for burned in &report.burned {
            text.push_str(&look.line(Style::Bad, "Burned", &in_history(burned)));
        }
        if !report.unseen.is_empty() {
            text.push_str(&look.line(Style::Warn, "Not seen", &format!("in history: {}", report.unseen.join(", "))));
        }
        text.push_str(&lines(Style::Info, "Next", &report.next, look));
    })
}

fn env_standardize(how: &Ended, report: &env_standardize::Report, look: Look) -> String {
    if matches!(how, Ended::NothingToDo) {
        return look.line(Style::Good, "Holds", "every service gets its variables from the root's .env");
    }
    let merged: usize = report.merged.values().map(Vec::len).sum();
    let counts = [
        (merged + report.added.len(), "new variable"),
        (report.rewritten.len(), "rewritten env_file"),
        (report.changed.len(), "changed file"),
    ];
    summary::phase(how, look, "Variables", &counted(&counts), |text| {
        text.push_str(&proofs(&report.proven, &report.not_proven, look));
        text.push_str(&lines(Style::Warn, "Left", &report.left, look));
        text.push_str(&lines(Style::Info, "Next", &report.next, look));
    })
}

fn cleanup(how: &Ended, report: &cleanup::Report, look: Look) -> String {
    if matches!(how, Ended::NothingToDo) {
        return look.line(Style::Good, "Holds", "nothing is there that nobody uses and that may go");
    }
    let of = |kind: cleanup::Kind| report.unused.iter().filter(|item| item.kind == kind).count();
    let kinds = [cleanup::Kind::Container, cleanup::Kind::Network, cleanup::Kind::Volume, cleanup::Kind::Image, cleanup::Kind::Cache];
    let words: Vec<String> = kinds.into_iter().filter(|kind| of(*kind) > 0).map(|kind| format!("{} {}", of(kind), kind.plural())).collect();
    summary::phase(how, look, "Unused", &words.join(", "), |text| {
        text.push_str(&proofs(&report.proven, &report.not_proven, look));
        text.push_str(&report.reclaimed.as_ref().map_or_else(String::new, |reclaimed| bytes(reclaimed, look)));
        text.push_str(&lines(Style::Info, "Next", &report.next, look));
    })
}

/// Net of the archives, then for each file system.
fn bytes(reclaimed: &cleanup::Reclaimed, look: Look) -> String {
    let sign = if reclaimed.net < 0 { "-" } else { "" };
    let (before, after) = (size(reclaimed.engine_before), size(reclaimed.engine_after));
    let (net, removed, archived) = (size(reclaimed.net.unsigned_abs()), size(reclaimed.removed), size(reclaimed.archived));
    let words = format!(
        "{sign}{net}: {removed} removed, and the archive takes {archived}; with what others do, the engine keeps {after} instead of {before}"
    );
    let disks = reclaimed.disks.iter().map(|disk| {
        let words = format!("{}: {} free, {} before", disk.path.display(), size(disk.free_after), size(disk.free_before));
        look.line(Style::Info, "Disk", &words)
    });
    std::iter::once(look.line(Style::Good, "Reclaimed", &words)).chain(disks).collect()
}

fn in_history(burned: &Burned) -> String {
    let known = if burned.well_known { ", a value that anyone would try" } else { "" };
    let since = burned.since.as_deref().map_or_else(String::new, |since| format!(" since {since}"));
    let files = match burned.files.as_slice() {
        [] => String::new(),
        [one] => format!(" in {one}"),
        [first, rest @ ..] => format!(" in {first} and {} more", rest.len()),
    };
    let mut text = format!("{}{known}: git's history holds it{since}{files}; to rotate it:", burned.variable);
    for line in &burned.rotation {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}
