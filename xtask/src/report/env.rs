//! What was found of variables, and what was made of them.

use serde_json::{Value, json};

use super::summary::ended;
use super::{Look, Style};
use crate::tasks::Ended;
use crate::tasks::env::{EnvCheck, EnvDiff, EnvInit};
use crate::text::counted;

pub enum Env {
    Checked(EnvCheck),
    Diff(EnvDiff),
    Init(Ended, EnvInit),
}

impl Env {
    pub fn text(&self, look: Look) -> String {
        match self {
            Env::Checked(check) => checked(check, look),
            Env::Diff(diff) => table(diff, look),
            Env::Init(how, made) => init(how, made, look),
        }
    }

    pub fn json(&self) -> Value {
        match self {
            Env::Checked(check) => json!(check),
            Env::Diff(diff) => json!(diff),
            Env::Init(how, made) => json!({"ended": how.word(), "run": how.run(), "made": made}),
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
