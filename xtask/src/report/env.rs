//! What was found of variables, and what was made of them.

use serde_json::{Value, json};

use super::history::columns;
use super::summary::ended;
use super::{Look, Style};
use crate::tasks::Ended;
use crate::tasks::env::{EnvChange, EnvCheck, EnvDiff, EnvInit, How, VariableChange};
use crate::text::counted;

pub enum Env {
    Checked(EnvCheck),
    Diff(EnvDiff),
    Init(Ended, EnvInit),
    History(Vec<EnvChange>),
}

impl Env {
    pub fn text(&self, look: Look) -> String {
        match self {
            Env::Checked(check) => checked(check, look),
            Env::Diff(diff) => table(diff, look),
            Env::Init(how, made) => init(how, made, look),
            Env::History(changes) => history(changes),
        }
    }

    pub fn json(&self) -> Value {
        match self {
            Env::Checked(check) => json!(check),
            Env::Diff(diff) => json!(diff),
            Env::Init(how, made) => json!({"ended": how.word(), "run": how.run(), "made": made}),
            Env::History(changes) => json!(changes),
        }
    }
}

fn checked(check: &EnvCheck, look: Look) -> String {
    let mut text = String::new();
    for problem in &check.problems {
        text.push_str(&look.line(Style::Bad, problem.kind, &format!("{}: {}\n{}", problem.place, problem.message, problem.help)));
    }
    for unread in &check.unread {
        text.push_str(&look.line(Style::Bad, "Unread", unread));
    }
    let of = check.environment.as_ref().map_or_else(String::new, |name| format!(" with the environment {name}"));
    let stacks = counted(check.stacks, "stack");
    match check.problems.len() {
        0 if check.unread.is_empty() => text.push_str(&look.line(Style::Good, "Holds", &format!("every variable of {stacks}{of}"))),
        problems => text.push_str(&look.line(Style::Bad, "Found", &format!("{} in {stacks}{of}", counted(problems, "problem")))),
    }
    text
}

fn table(diff: &EnvDiff, look: Look) -> String {
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_string());
    let mut rows = vec![["variable".to_string(), diff.left.clone(), diff.right.clone()]];
    rows.extend(diff.rows.iter().map(|row| [row.name.clone(), cell(&row.left), cell(&row.right)]));
    let widths: Vec<usize> = (0..2).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    if rows.len() > 1 {
        for [name, left, right] in &rows {
            text.push_str(&format!("{name:first$}  {left:second$}  {right}\n", first = widths[0], second = widths[1]));
        }
    }
    text.push_str(&look.line(Style::Info, "Differ", &format!("{}; {} equal", counted(diff.rows.len(), "variable"), diff.equal)));
    text
}

fn init(how: &Ended, made: &EnvInit, look: Look) -> String {
    let mut text = ended(how, look);
    if look.quiet {
        return text;
    }
    text.push_str(&look.line(Style::Info, "Made", &format!("{} with {} of its own", made.file, counted(made.generated.len(), "secret"))));
    if !made.to_fill_in.is_empty() {
        text.push_str(&look.line(Style::Warn, "Fill in", &made.to_fill_in.join(", ")));
    }
    if !made.missing.is_empty() {
        let files = made.missing.join(", ");
        text.push_str(&look.line(Style::Warn, "Missing", &format!("{files}: some stacks read these instead of {}", made.file)));
    }
    text
}

fn history(changes: &[EnvChange]) -> String {
    if changes.is_empty() {
        return "no run has changed a variable yet\n".to_string();
    }
    let mut rows = vec![["WHEN", "RUN", "WHO", "FILE", "VARIABLES"].map(String::from)];
    for change in changes {
        let run = change.run.clone().unwrap_or_else(|| "by hand".to_string());
        let who = change.who.clone().unwrap_or_else(|| "-".to_string());
        let what = change.unknown.as_ref().map_or_else(|| names(&change.variables), |why| format!("not known: {why}"));
        rows.push([change.when.clone(), run, who, change.file.display().to_string(), what]);
    }
    columns(&rows).concat()
}

/// `+A ~B -C`, of a compose file `web: +A`.
fn names(changes: &[VariableChange]) -> String {
    let mut text = String::new();
    let mut of: Option<&str> = None;
    for change in changes {
        if !text.is_empty() {
            text.push(' ');
        }
        if let Some(service) = change.service.as_deref().filter(|service| of != Some(*service)) {
            text.push_str(&format!("{service}: "));
            of = Some(service);
        }
        let sign = match change.how {
            How::Added => '+',
            How::Changed => '~',
            How::Removed => '-',
        };
        text.push(sign);
        text.push_str(&change.name);
    }
    text
}
