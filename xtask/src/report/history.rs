//! The table of runs.

use super::harmless;
use crate::tasks::Overrides;
use crate::tasks::history::{RunSummary, Standing};

pub fn table(runs: &[RunSummary]) -> String {
    if runs.is_empty() {
        return "no runs yet\n".to_string();
    }
    let rows: Vec<[String; 6]> = runs
        .iter()
        .map(|run| [run.run.clone(), run.when.clone(), run.who.clone(), what(run), standing(run), format!("{:.1}", run.seconds)])
        .collect();
    let head = ["RUN", "WHEN", "WHO", "WHAT", "OUTCOME", "SECONDS"].map(String::from);
    let mut lines = columns(&[vec![head], rows].concat()).into_iter();
    let mut text: String = lines.next().unwrap_or_default();
    for (line, run) in lines.zip(runs) {
        text.push_str(&line);
        let overrides = Overrides::recorded(&run.args);
        if !overrides.guards.is_empty() {
            text.push_str(&one_line(&format!("  overridden {}: {}", overrides.guards.join(", "), overrides.reason)));
            text.push('\n');
        }
    }
    text
}

/// `prod-up shop v1.4.2`, `rollback of RUN`.
fn what(run: &RunSummary) -> String {
    if let Some(target) = &run.target {
        return format!("{} of {target}", run.task);
    }
    let tag = run.args.iter().find_map(|arg| arg.strip_prefix("--tag="));
    let words = std::iter::once(run.task.as_str()).chain(run.stacks.iter().map(String::as_str)).chain(tag);
    words.collect::<Vec<_>>().join(" ")
}

fn standing(run: &RunSummary) -> String {
    match run.standing {
        Standing::Committed => "done".into(),
        Standing::Unsettled => "done, to be tidied up: run `cargo xtask recover`".into(),
        Standing::Undone => "done, undone later".into(),
        Standing::RolledBack => "rolled back".into(),
        Standing::Untouched => "stopped before anything was touched".into(),
        Standing::Open => "open: run `cargo xtask recover`".into(),
        Standing::Stuck => "stuck: a person is needed".into(),
    }
}

/// Lines of left-aligned columns, two spaces apart, no trailing blanks. Cells come from journals,
/// which others may have written: what would command a terminal is escaped, and a cell stays one line.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

pub(super) fn one_line(cell: &str) -> String {
    harmless(&cell.replace(['\n', '\t'], " ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_do_not_trail() {
        let rows = [["a".to_string(), "bb".to_string()], ["ccc".to_string(), String::new()]];
        assert_eq!(columns(&rows).concat(), "a    bb\nccc\n");
    }

    #[test]
    fn a_name_from_a_journal_cannot_command_the_terminal_or_forge_a_row() {
        let rows = [["a\u{1b}[2J".to_string(), "b\nforged  row".to_string()], ["c".to_string(), "d".to_string()]];
        assert_eq!(columns(&rows).concat(), "a\\u{1b}[2J  b forged  row\nc           d\n");
    }
}
