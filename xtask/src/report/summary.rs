//! The end of a task: what changed, what is proven and what is not, and what to do next.

use super::{Look, Style};
use crate::tasks::Ended;
use crate::tasks::recover::Recovered;
use crate::tasks::try_out::Tried;
use crate::text;

pub fn ended(ended: &Ended, look: Look) -> String {
    match ended {
        Ended::NothingToDo => look.line(Style::Dim, "Nothing", "to do"),
        Ended::Planned => look.line(Style::Info, "Planned", "this is what would be done; nothing was touched"),
        Ended::Committed { .. } if look.quiet => String::new(),
        Ended::Committed { run, .. } => look.line(Style::Good, "Done", &format!("run {run}")),
    }
}

/// The end of a phase: what it is about, and, where it was carried out, what `rest` adds.
pub(super) fn phase(how: &Ended, look: Look, about: &str, said: &str, rest: impl FnOnce(&mut String)) -> String {
    let mut text = ended(how, look);
    text.push_str(&look.line(Style::Info, about, said));
    match how {
        Ended::Committed { .. } if look.quiet => String::new(),
        Ended::Committed { .. } => {
            rest(&mut text);
            text
        }
        _ => text,
    }
}

pub(super) fn counted(counts: &[(usize, &str)]) -> String {
    counts.iter().map(|(n, what)| text::counted(*n, what)).collect::<Vec<_>>().join(", ")
}

/// They were told one by one while they were made.
pub(super) fn proofs(proven: &[String], not_proven: &[String], look: Look) -> String {
    let missing = match not_proven.len() {
        0 => String::new(),
        some => format!("; {} not proven, with what each needs, above", text::counted(some, "statement")),
    };
    look.line(Style::Good, "Proven", &format!("{}{missing}", text::counted(proven.len(), "statement")))
}

/// A line each.
pub(super) fn lines(style: Style, label: &str, lines: &[String], look: Look) -> String {
    lines.iter().map(|line| look.line(style, label, line)).collect()
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
