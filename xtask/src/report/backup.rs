//! Backups for people and for programs.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::history::{columns, one_line};
use super::{Look, Style, schedule, summary};
use crate::backup::{Fault, Quiet, Stored};
use crate::saga::utc;
use crate::tasks::Ended;
use crate::tasks::backup::{Looked, Made, Schedule, Shown};
use crate::tasks::restore::Laying;
use crate::text::{counted, size};

pub enum Backup {
    Made(Made),
    Listed(Vec<Stored>),
    Shown(Box<Shown>),
    Checked {
        read_data: bool,
        faults: Vec<Fault>,
    },
    Verified(Box<Looked>),
    Laid(Laying),
    /// With the sizes of files.
    Paths(Vec<(PathBuf, Option<u64>)>),
    Scheduled(Schedule),
}

impl Backup {
    pub fn text(&self, look: Look) -> String {
        match self {
            Backup::Made(made) => self::made(made, look),
            Backup::Listed(stored) => table(stored),
            Backup::Shown(found) => shown(found),
            Backup::Checked { read_data, faults } => checked(*read_data, faults, look),
            Backup::Verified(looked) => verified(looked, look),
            Backup::Scheduled(schedule) => schedule::text(schedule),
            Backup::Laid(laying) => laid(laying, look),
            Backup::Paths(paths) => paths.iter().map(|(path, _)| one_line(&path.to_string_lossy()) + "\n").collect(),
        }
    }

    pub fn json(&self) -> Value {
        match self {
            Backup::Made(made) => {
                let place = json!({"location": made.place.location, "key": made.place.key});
                let faults: Vec<_> = made.verified.iter().filter_map(|looked| looked.fault.as_ref()).collect();
                json!({"ended": made.ended.word(), "run": made.ended.run(), "repository": place, "backups": made.backups, "faults": faults})
            }
            Backup::Listed(stored) => json!(stored),
            Backup::Shown(found) => json!(found),
            Backup::Checked { read_data, faults } => json!({"read_data": read_data, "faults": faults}),
            Backup::Verified(looked) => {
                json!({"ended": looked.ended.word(), "run": looked.ended.run(), "backup": looked.backup, "fault": looked.fault})
            }
            Backup::Scheduled(schedule) => json!(schedule),
            Backup::Laid(laying) => json!({"ended": laying.ended.word(), "run": laying.ended.run(), "volumes": laying.volumes}),
            Backup::Paths(paths) => paths.iter().map(|(path, bytes)| json!({"path": path.to_string_lossy(), "bytes": bytes})).collect(),
        }
    }
}

fn made(made: &Made, look: Look) -> String {
    let mut text = summary::ended(&made.ended, look);
    if !matches!(made.ended, Ended::Committed { .. }) {
        return text;
    }
    for stored in &made.backups {
        let summary = &stored.summary;
        let said = format!(
            "{} of {}: {}, {} new in the repository, {:.1} s",
            summary.name,
            summary.stack,
            size(summary.bytes),
            size(stored.added_bytes),
            summary.took_ms as f64 / 1000.0
        );
        text.push_str(&look.line(Style::Good, "Backup", &said));
    }
    text.push_str(&look.line(Style::Info, "Repository", &format!("{}, key {}", made.place.location, made.place.key.display())));
    made.verified.iter().for_each(|looked| text.push_str(&verified(looked, look)));
    text
}

fn laid(laying: &Laying, look: Look) -> String {
    let mut text = summary::ended(&laying.ended, look);
    if matches!(laying.ended, Ended::Committed { .. }) {
        laying.volumes.iter().for_each(|name| text.push_str(&look.line(Style::Good, "Volume", name)));
        text.push_str(&look.line(
            Style::Info,
            "Afterwards",
            "look at them with `docker run -v VOLUME:...`, and remove them with `docker volume rm`",
        ));
    }
    text
}

fn verified(looked: &Looked, look: Look) -> String {
    let name = &looked.backup.summary.name;
    if let Some(fault) = &looked.fault {
        return look.line(Style::Bad, "Not verified", &format!("{name}: {}", one_line(fault)));
    }
    let mut text = summary::ended(&looked.ended, look);
    match &looked.backup.summary.verified {
        _ if looked.ended.run().is_none() => {}
        Some(verified) => {
            let said = format!(
                "{name} was restored and is what it says{}, {:.1} s",
                if verified.deep { ", to the contents of its tables" } else { "" },
                verified.took_ms as f64 / 1000.0
            );
            text.push_str(&look.line(Style::Good, "Verified", &said));
        }
        None => text.push_str(&look.line(Style::Warn, "In part", &format!("{name} is not verified: see what was not proven"))),
    }
    text
}

fn table(stored: &[Stored]) -> String {
    if stored.is_empty() {
        return "no backups yet\n".to_string();
    }
    let head = ["BACKUP", "STACK", "WHO", "RELEASE", "SIZE", "SECONDS", "HOLDS", "VERIFIED"].map(String::from);
    let row = |stored: &Stored| {
        let summary = &stored.summary;
        let holds = [counted(summary.dumps.len(), "dumped server"), counted(summary.volumes.len(), "volume")].join(", ");
        let verified = match &summary.verified {
            Some(verified) if verified.deep => format!("{}, deep", utc(verified.at_ms)),
            Some(verified) => format!("{}, {:.1} s", utc(verified.at_ms), verified.took_ms as f64 / 1000.0),
            None if summary.hot => "never: copied hot".to_string(),
            None => "no".to_string(),
        };
        let seconds = format!("{:.1}", summary.took_ms as f64 / 1000.0);
        let release = summary.release.clone().unwrap_or_else(|| "-".to_string());
        [summary.name.clone(), summary.stack.clone(), summary.who.clone(), release, size(summary.bytes), seconds, holds, verified]
    };
    let rows: Vec<[String; 8]> = std::iter::once(head).chain(stored.iter().map(row)).collect();
    columns(&rows).concat()
}

fn shown(found: &Shown) -> String {
    let (summary, manifest) = (&found.backup.summary, &found.manifest);
    let mut lines = vec![
        format!("{} of {} (compose project {}), {}", summary.name, summary.stack, summary.project, size(summary.bytes)),
        format!(
            "  by {}, run {}, xtask {}, engine {}, Compose {}",
            summary.who, summary.run, manifest.xtask, manifest.engine, manifest.compose
        ),
        format!("  snapshot {}", found.backup.snapshot),
    ];
    lines.extend(manifest.release.iter().map(|release| format!("  release {release}")));
    for dump in &manifest.dumps {
        let rows: u64 = dump.counts.values().sum();
        let counts = if dump.counts.is_empty() { String::new() } else { format!(", {} tables with {rows} rows", dump.counts.len()) };
        lines.push(format!("  dump {}/{}: {}{counts}, by {}", dump.service, dump.what, size(dump.stream.bytes), dump.client));
    }
    for volume in &manifest.volumes {
        let quiet = match volume.quiet {
            Quiet::Paused => format!("{} paused", volume.quieted.join(", ")),
            Quiet::Stopped => format!("{} stopped", volume.quieted.join(", ")),
            Quiet::Nobody => "nobody wrote to it".to_string(),
            Quiet::Hot => "copied while it was written to".to_string(),
        };
        let lost = if volume.not_kept.is_empty() { String::new() } else { format!("; not kept: {}", volume.not_kept.join(", ")) };
        lines.push(format!("  volume {}: {} entries, {}; {quiet}{lost}", volume.volume, volume.entries, size(volume.bytes)));
    }
    lines.extend(manifest.files.iter().map(|file| format!("  file {}", file.path.display())));
    lines.extend(manifest.left_out.iter().map(|left| format!("  not in it: {left}")));
    lines.iter().map(|line| one_line(line) + "\n").collect()
}

fn checked(read_data: bool, faults: &[Fault], look: Look) -> String {
    let mut text = String::new();
    for fault in faults {
        let (style, word) = if fault.severe { (Style::Bad, "Damaged") } else { (Style::Warn, "Odd") };
        text.push_str(&look.line(style, word, &one_line(&fault.what)));
    }
    if !faults.iter().any(|fault| fault.severe) {
        let what = if read_data { "all of it was read, and is what it was" } else { "everything that the backups need is there" };
        text.push_str(&look.line(Style::Good, "Whole", what));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_severe_faults_are_damage() {
        let look = Look::detect(true, false, false);
        let odd = Fault { severe: false, what: "a pack\nis not in the index".into() };
        assert!(checked(false, std::slice::from_ref(&odd), look).contains("Whole"));
        let text = checked(true, &[odd, Fault { severe: true, what: "a pack is gone".into() }], look);
        assert!(text.contains("Damaged") && !text.contains("Whole"), "{text}");
    }
}
