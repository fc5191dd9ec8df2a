//! What a command answers, as text for people and as data for programs.

use serde_json::{Value, json};

use super::{Look, Style, audit, doctor, explain, history, status, summary};
use crate::audit::Audit;
use crate::rules::{self, Rule};
use crate::tasks::Ended;
use crate::tasks::doctor::Checkup;
use crate::tasks::history::RunSummary;
use crate::tasks::security_fix::Report;
use crate::tasks::status::PhaseStatus;
use crate::tasks::try_out::Tried;

pub enum Answer {
    Audit(Box<Audit>),
    Rule(&'static Rule),
    Rules,
    SecurityFix(Ended, Box<Report>),
    Ended(Ended),
    /// The run that was put back, if one was open.
    Recovered(Option<String>),
    History(Vec<RunSummary>),
    Doctor(Vec<Checkup>),
    Status(Vec<PhaseStatus>),
    Model(Value),
    Tried(Tried),
    /// For programs as it is: a completion script, a manual page.
    Text(Vec<u8>),
}

impl Answer {
    pub fn text(&self, look: Look) -> String {
        match self {
            Answer::SecurityFix(ended, report) => summary::security_fix(ended, report, look),
            Answer::Ended(ended) => summary::ended(ended, look),
            Answer::Recovered(Some(run)) => look.line(Style::Good, "Recovered", &format!("{run}: everything is as it was before")),
            Answer::Recovered(None) => look.line(Style::Dim, "Nothing", "to recover: no run is open"),
            Answer::Audit(found) => audit::human(found, look),
            Answer::Rule(rule) => explain::rule(rule, look),
            Answer::Rules => explain::list(),
            Answer::History(runs) => history::table(runs),
            Answer::Doctor(checkups) => doctor::list(checkups, look),
            Answer::Status(phases) => status::text(phases, look),
            Answer::Model(model) => format!("{model:#}\n"),
            Answer::Tried(tried) => summary::tried(tried, look),
            Answer::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    pub fn json(&self) -> Value {
        match self {
            Answer::SecurityFix(ended, report) => json!({"ended": ended.word(), "report": report}),
            Answer::Ended(ended) => json!({"ended": ended.word(), "run": ended.run()}),
            Answer::Recovered(run) => json!({"recovered": run}),
            Answer::Audit(found) => audit::json(found),
            Answer::Rule(rule) => explain::json(rule),
            Answer::Rules => rules::all().map(explain::json).collect(),
            Answer::History(runs) => json!(runs),
            Answer::Doctor(checkups) => json!(checkups),
            Answer::Status(phases) => json!(phases),
            Answer::Model(model) => model.clone(),
            Answer::Tried(tried) => json!(tried),
            Answer::Text(bytes) => json!(String::from_utf8_lossy(bytes)),
        }
    }
}
