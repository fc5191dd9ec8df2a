//! The end of a task: what changed, what is proven and what is not, and what to do next.

use super::{Look, Style};
use crate::tasks::Ended;
use crate::tasks::recover::Recovered;
use crate::tasks::security_fix::{Burned, Report};
use crate::tasks::try_out::Tried;

pub fn ended(ended: &Ended, look: Look) -> String {
    match ended {
        Ended::NothingToDo => look.line(Style::Dim, "Nothing", "to do"),
        Ended::Planned => look.line(Style::Info, "Planned", "this is what would be done; nothing was touched"),
        Ended::Committed { .. } if look.quiet => String::new(),
        Ended::Committed { run, .. } => look.line(Style::Good, "Done", &format!("run {run}")),
    }
}

pub fn recovered(recovered: &Recovered, look: Look) -> String {
    match recovered {
        Recovered::Nothing => look.line(Style::Dim, "Nothing", "to recover: no run is open"),
        Recovered::PutBack(run) => look.line(Style::Good, "Recovered", &format!("{run}: everything is as it was before")),
        Recovered::Finished(run) => look.line(Style::Good, "Recovered", &format!("{run} was committed; what comes after is done")),
        Recovered::WouldPutBack { run, steps } => would(&format!("{run} would be put back"), "undo: ", steps, look),
        Recovered::WouldFinish { run, steps } => would(&format!("{run} is committed and would be finished"), "", steps, look),
    }
}

fn would(what: &str, verb: &str, steps: &[String], look: Look) -> String {
    let mut text = look.line(Style::Warn, "Open", &format!("{what}; nothing was touched"));
    for step in steps {
        text.push_str(&look.line(Style::Info, "Plan", &format!("{verb}{step}")));
    }
    text
}

pub fn security_fix(how: &Ended, report: &Report, look: Look) -> String {
    if matches!(how, Ended::NothingToDo) {
        return look.line(Style::Good, "Holds", "no credential stands in a file that git may see");
    }
    let mut text = ended(how, look);
    let places: usize = report.moved.iter().map(|moved| moved.places.len()).sum();
    let counted = [(report.moved.len(), "credential"), (places, "place"), (report.changed.len(), "changed file")]
        .map(|(n, what)| counted(n, what))
        .join(", ");
    text.push_str(&look.line(Style::Info, "Credentials", &counted));
    if !matches!(how, Ended::Committed { .. }) {
        return text;
    }
    if look.quiet {
        return String::new();
    }
    text.push_str(&proofs(report, look));
    for left in &report.left {
        text.push_str(&look.line(Style::Warn, "Left", left));
    }
    for burned in &report.burned {
        text.push_str(&look.line(Style::Bad, "Burned", &in_history(burned)));
    }
    if !report.unseen.is_empty() {
        text.push_str(&look.line(Style::Warn, "Not seen", &format!("in history: {}", report.unseen.join(", "))));
    }
    for next in &report.next {
        text.push_str(&look.line(Style::Info, "Next", next));
    }
    text
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// They were told one by one while they were made.
fn proofs(report: &Report, look: Look) -> String {
    let missing = match report.not_proven.len() {
        0 => String::new(),
        some => format!("; {} not proven, with what each needs, above", counted(some, "statement")),
    };
    look.line(Style::Good, "Proven", &format!("{}{missing}", counted(report.proven.len(), "statement")))
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

pub fn tried(tried: &Tried, look: Look) -> String {
    let mut text = look.line(
        Style::Good,
        "Tried",
        &format!("{} in {:.0} s: migrated, proven, and put back byte for byte", tried.example, tried.seconds),
    );
    for line in &tried.facts {
        text.push_str(&look.line(Style::Info, "", line));
    }
    if let Some(folder) = &tried.kept {
        text.push_str(&look.line(Style::Info, "Kept", folder));
    }
    text
}
