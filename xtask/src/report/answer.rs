//! What a command answers, as text for people and as data for programs.

use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{
    Look, Style, audit, backup, backup_bench, bench, doctor, downtime, env, everyday, explain, history, images, metrics, phases, preflight,
    releases, review, status, summary,
};
use crate::audit::Audit;
use crate::error::{Error, Result};
use crate::rules::{self, Refused, Rule};
use crate::tasks::Ended;
use crate::tasks::audit::Fixed;
use crate::tasks::bench::Measured;
use crate::tasks::bench::backup::Backups;
use crate::tasks::bench::deploy::Downtime;
use crate::tasks::deploy::preflight::Preflight;
use crate::tasks::doctor::Checkup;
use crate::tasks::history::RunSummary;
use crate::tasks::images::{Built, Fetched};
use crate::tasks::metrics::Metrics;
use crate::tasks::migrate::Migrated;
use crate::tasks::recover::Recovered;
use crate::tasks::releases::ReleaseSummary;
use crate::tasks::review::Review;
use crate::tasks::status::PhaseStatus;
use crate::tasks::try_out::Tried;

pub enum Answer {
    Audit(Box<Audit>),
    Backup(Box<backup::Backup>),
    Fixed(Box<Fixed>),
    Review(Box<Review>),
    Rule(&'static Rule),
    Rules,
    Refused(&'static Refused),
    Phase(Migrated),
    Migrated(Vec<Migrated>),
    Ended(Ended),
    Recovered(Recovered),
    Fetched(Ended, Vec<Fetched>),
    Built(Vec<Built>),
    History(Vec<RunSummary>),
    Releases(Vec<ReleaseSummary>),
    Doctor(Vec<Checkup>),
    Env(Box<env::Env>),
    Status(Vec<PhaseStatus>),
    Metrics(Metrics),
    Model(Value),
    Tried(Tried),
    Measured(Box<Measured>),
    Downtime(Box<Downtime>),
    Backups(Box<Backups>),
    Everyday(Box<everyday::Everyday>),
    Preflight(Box<Preflight>),
    /// A file that was written.
    Wrote(PathBuf),
    /// For programs as it is: a completion script, a manual page.
    Text(Vec<u8>),
}

/// The formats of a report that is neither for a terminal nor the tool's own JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    Sarif,
    Github,
    Markdown,
    Html,
}

/// As text; the document itself goes with the process, as in [`Answer::leave`].
fn pretty(document: Value) -> String {
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    std::mem::forget(document);
    text.push('\n');
    text
}

impl Answer {
    /// The report in that format; an error where there is none.
    pub fn document(&self, document: Document) -> Result<String> {
        match (self, document) {
            (Answer::Audit(found), Document::Sarif) => Ok(pretty(audit::sarif(found))),
            (Answer::Audit(found), Document::Github) => Ok(audit::github(found)),
            (Answer::Audit(found), Document::Markdown) => Ok(audit::markdown(found)),
            (Answer::Audit(found), Document::Html) => audit::html(found),
            (Answer::Review(made), Document::Markdown) => Ok(review::markdown(made)),
            (Answer::Review(made), Document::Html) => review::html(made),
            (Answer::Rules, Document::Markdown) => Ok(super::rules::markdown()),
            (_, _) => Err(Error::unusable("there is no report of that format").help("use --format human or --format json")),
        }
    }

    /// For what has been said: an audit goes with the process. To free each finding of a large one takes as long as
    /// to write it.
    pub fn leave(self) {
        if let Answer::Audit(found) = self {
            std::mem::forget(found);
        }
    }

    pub fn text(&self, look: Look) -> String {
        match self {
            Answer::Phase(migrated) => phases::phase(migrated, look),
            Answer::Migrated(migrated) => migrated.iter().map(|migrated| phases::phase(migrated, look)).collect(),
            Answer::Ended(ended) => summary::ended(ended, look),
            Answer::Recovered(recovered) => summary::recovered(recovered, look),
            Answer::Audit(found) => audit::human(found, look),
            Answer::Backup(answer) => answer.text(look),
            Answer::Fixed(fixed) => audit::fixed(fixed, look),
            // There is no other form for people to read.
            Answer::Review(made) => review::markdown(made),
            Answer::Rule(rule) => explain::rule(rule, look),
            Answer::Rules => explain::list(),
            Answer::Fetched(ended, fetched) => images::fetched(ended, fetched, look),
            Answer::Built(built) => images::built(built, look),
            Answer::Refused(refused) => explain::refused(refused, look),
            Answer::History(runs) => history::table(runs),
            Answer::Releases(listed) => releases::tables(listed),
            Answer::Doctor(checkups) => doctor::list(checkups, look),
            Answer::Env(answer) => answer.text(look),
            Answer::Status(phases) => status::text(phases, look),
            Answer::Metrics(measured) => metrics::text(measured, look),
            Answer::Model(model) => format!("{model:#}\n"),
            Answer::Tried(tried) => summary::tried(tried, look),
            Answer::Measured(measured) => bench::tables(measured, look),
            Answer::Downtime(measured) => downtime::table(measured, look),
            Answer::Backups(measured) => backup_bench::table(measured, look),
            Answer::Everyday(answer) => answer.text(look),
            Answer::Preflight(preflight) => preflight::text(preflight, look),
            Answer::Wrote(path) => look.line(Style::Good, "Written", &path.display().to_string()),
            Answer::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// All but an audit, which is written as it is made.
    fn json(&self) -> Value {
        match self {
            Answer::Phase(migrated) => phases::json(migrated),
            Answer::Migrated(migrated) => migrated.iter().map(phases::json).collect(),
            Answer::Ended(ended) => json!({"ended": ended.word(), "run": ended.run()}),
            Answer::Recovered(recovered) => match recovered {
                Recovered::Nothing => json!({"recovered": null, "would_put_back": null}),
                Recovered::WouldPutBack { run, steps } => json!({"recovered": null, "would_put_back": {"run": run, "steps": steps}}),
                Recovered::PutBack(run) => json!({"recovered": run, "would_put_back": null}),
                Recovered::WouldFinish { run, steps } => {
                    json!({"recovered": null, "would_put_back": null, "would_finish": {"run": run, "steps": steps}})
                }
                Recovered::Finished(run) => json!({"recovered": run, "would_put_back": null, "would_finish": null}),
            },
            Answer::Audit(_) => Value::Null,
            Answer::Backup(answer) => answer.json(),
            Answer::Fixed(fixed) => audit::fixed_json(fixed),
            Answer::Review(made) => review::json(made),
            Answer::Rule(rule) => explain::json(rule),
            Answer::Rules => rules::all().map(explain::json).collect(),
            Answer::Fetched(ended, images) => json!({"ended": ended.word(), "run": ended.run(), "images": images}),
            Answer::Built(images) => json!({"images": images}),
            Answer::Refused(refused) => json!(refused),
            Answer::History(runs) => json!(runs),
            Answer::Releases(listed) => json!(listed),
            Answer::Doctor(checkups) => json!(checkups),
            Answer::Env(answer) => answer.json(),
            Answer::Status(phases) => json!(phases),
            Answer::Metrics(measured) => json!(measured),
            Answer::Model(model) => model.clone(),
            Answer::Tried(tried) => json!(tried),
            Answer::Measured(measured) => json!(measured),
            Answer::Downtime(measured) => json!(measured),
            Answer::Backups(measured) => json!(measured),
            Answer::Everyday(answer) => answer.json(),
            Answer::Preflight(preflight) => json!(preflight),
            Answer::Wrote(path) => json!({"written": path}),
            Answer::Text(bytes) => json!(String::from_utf8_lossy(bytes)),
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Answer::Audit(found) => audit::Json(found).serialize(serializer),
            other => other.json().serialize(serializer),
        }
    }
}
