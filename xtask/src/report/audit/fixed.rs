//! What fixing came to.

use serde_json::{Value, json};

use crate::fix::Left;
use crate::report::diff::{painted, unified};
use crate::report::{Look, Style, summary};
use crate::tasks::Ended;
use crate::tasks::audit::Fixed;
use crate::text::counted;

pub fn fixed(fixed: &Fixed, look: Look) -> String {
    let mut text = String::new();
    // What is written was shown before anybody was asked.
    if matches!(fixed.ended, Ended::Planned) {
        fixed.diffs.iter().for_each(|change| text.push_str(&painted(&unified(change), look)));
    }
    for left in &fixed.patch.left {
        text.push_str(&look.line(Style::Warn, "Left", &left_out(fixed, left)));
    }
    text.push_str(&summary::ended(&fixed.ended, look));
    let (gone, all) = (fixed.patch.findings().count(), fixed.audit.findings.len());
    text.push_str(&look.line(
        Style::Info,
        "Fixes",
        &format!("{gone} of {}, {}", counted(all, "finding"), counted(fixed.patch.files.len(), "file")),
    ));
    if matches!(fixed.ended, Ended::Planned) {
        text.push_str(&look.line(Style::Info, "Next", "--apply writes them"));
    }
    text
}

fn left_out(fixed: &Fixed, left: &Left) -> String {
    let finding = &fixed.audit.findings[left.finding].finding;
    format!("{} at {} of {}: {}", finding.rule, finding.place, fixed.audit.relative(&finding.file).display(), left.why)
}

pub fn fixed_json(fixed: &Fixed) -> Value {
    let finding = |number: usize| {
        let finding = &fixed.audit.findings[number].finding;
        let path = fixed.audit.relative(&finding.file);
        json!({"rule": finding.rule, "file": path.display().to_string(), "place": finding.place, "fingerprint": finding.fingerprint(path)})
    };
    let left: Vec<Value> = fixed.patch.left.iter().map(|left| json!({"finding": finding(left.finding), "why": left.why})).collect();
    json!({
        "ended": fixed.ended.word(),
        "run": fixed.ended.run(),
        "fixed": fixed.patch.findings().map(finding).collect::<Vec<_>>(),
        "left": left,
        "files": fixed.diffs,
    })
}
