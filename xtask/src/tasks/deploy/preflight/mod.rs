//! The eight questions before a stack first goes into production, each answered by trying. Nothing live is
//! touched: what is started is a throwaway copy, in a run of its own, so that `recover` takes it away after a kill.

mod backups;
mod declared;
mod limits;
mod places;
pub mod runbook;
mod subject;
mod trial;

use serde::Serialize;

use super::chosen;
use crate::audit::Audit;
use crate::error::Result;
use crate::event::Event;
use crate::project::{Role, Stack};
use crate::proof::Seen;
use crate::tasks::Context;
use subject::Subject;

/// What its runs are called.
pub const TASK: &str = "preflight";

#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The stack, by id or a part of it; the only one for production when it is left out.
    pub stack: Option<String>,
    /// The value for the tag variable.
    pub tag: Option<String>,
    /// Start nothing.
    pub no_rehearse: bool,
}

/// All points together.
#[derive(Debug, Serialize)]
pub struct Preflight {
    pub stack: String,
    /// The compose project's name.
    pub project: String,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Ok,
    NotOk,
    NotTried,
}

/// One point with its answer. The texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// From 1, in the order of the README's table.
    pub number: usize,
    pub name: &'static str,
    /// What holds when it is ok.
    pub title: &'static str,
    pub answer: Answer,
    pub good: Vec<String>,
    pub wrong: Vec<String>,
    pub not_tried: Vec<String>,
    /// What to do when it is not ok.
    pub help: String,
}

impl Preflight {
    /// Of all points: what is wrong outweighs what was not tried.
    pub fn answer(&self) -> Answer {
        let is = |answer| self.points.iter().any(|point| point.answer == answer);
        match (is(Answer::NotOk), is(Answer::NotTried)) {
            (true, _) => Answer::NotOk,
            (false, true) => Answer::NotTried,
            (false, false) => Answer::Ok,
        }
    }
}

/// What a point came to, and what to do about it.
struct Told {
    seen: Seen,
    help: String,
}

impl Told {
    fn new(seen: Seen, help: impl Into<String>) -> Told {
        Told { seen, help: help.into() }
    }

    /// Both as one: each remedy only where its part is not as it should be.
    fn and(mut self, other: Told) -> Told {
        if self.seen.wrong.is_empty() {
            self.help = other.help;
        } else if !other.help.is_empty() {
            self.help = format!("{}; {}", self.help, other.help);
        }
        self.seen.good.extend(other.seen.good);
        self.seen.wrong.extend(other.seen.wrong);
        self.seen.not_tried.extend(other.seen.not_tried);
        self
    }
}

const POINTS: [(&str, &str); 8] = [
    ("secrets", "secrets are made, and no finding blocks"),
    ("variables", "variables are set"),
    ("external", "external networks and volumes are there"),
    ("places", "services may write where they keep data"),
    ("health", "health checks exist and pass"),
    ("limits", "limits fit the host"),
    ("restart", "services come back when their main process is killed"),
    ("rollback", "the way back is written down, and backed up where that is asked for"),
];

/// Answers all eight points; none stops the others.
///
/// # Errors
/// The files cannot be read (`Unusable`); somebody wants to stop (`Interrupted`); a throwaway copy could not be
/// removed (`Stuck`).
pub fn preflight(cx: &Context<'_>, request: &Request) -> Result<Preflight> {
    let stack = meant(cx, request)?;
    let first = backups::first(cx, stack)?;
    let subject = Subject::look(cx, stack, request.tag.as_deref())?;
    let audit = subject.audit()?;
    let tried = trial::tried(&subject, request)?;
    let told = [
        declared::secrets(&subject, &audit)?,
        declared::variables(&subject)?,
        declared::external(&subject)?,
        places::places(&subject, &audit, tried.as_ref())?,
        trial::health(&subject, &audit, tried.as_ref())?,
        limits::limits(&subject, &audit)?,
        trial::restart(tried.as_ref()),
        runbook::documented(&subject)?.and(backups::backed_up(&subject, first)?),
    ];
    let points = POINTS.iter().zip(told).enumerate().map(|(index, ((name, title), told))| point(index + 1, name, title, told));
    Ok(Preflight { stack: stack.id.clone(), project: subject.model.name.clone(), points: points.collect() })
}

/// A stack for development may be named: it is judged as if it went into production.
fn meant<'c>(cx: &'c Context<'_>, request: &Request) -> Result<&'c Stack> {
    let Some(name) = &request.stack else { return chosen(cx, None) };
    let stack = cx.project.select(std::slice::from_ref(name))?[0];
    if stack.role == Some(Role::Dev) {
        let text = format!("{} is a stack for development; prod-up refuses it until xtask.yaml says `role: prod`", stack.id);
        cx.events.emit(Event::Warning(text));
    }
    Ok(stack)
}

fn point(number: usize, name: &'static str, title: &'static str, told: Told) -> Point {
    let Told { seen: Seen { good, wrong, not_tried }, help } = told;
    let answer = match (wrong.is_empty(), not_tried.is_empty()) {
        (false, _) => Answer::NotOk,
        (true, false) => Answer::NotTried,
        (true, true) => Answer::Ok,
    };
    Point { number, name, title, answer, good, wrong, not_tried, help }
}

/// What these rules find in services that the stack starts.
fn found(subject: &Subject<'_>, audit: &Audit, rules: &[&str]) -> Vec<(Option<String>, String)> {
    let findings = audit.findings.iter().map(|entry| &entry.finding).filter(|finding| rules.contains(&finding.rule));
    let starts = |service: &Option<String>| service.as_ref().is_none_or(|name| subject.services().any(|(started, _)| started == name));
    findings.filter(|finding| starts(&finding.service)).map(|finding| (finding.service.clone(), finding.message.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_outweighs_what_was_not_tried() {
        let seen = |wrong: &[&str], not_tried: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
            Told::new(Seen { good: vec!["g".into()], wrong: owned(wrong), not_tried: owned(not_tried) }, "")
        };
        let answer = |told: Vec<Told>| {
            let points = told.into_iter().map(|told| point(1, "a", "b", told)).collect();
            Preflight { stack: String::new(), project: String::new(), points }.answer()
        };
        assert_eq!(answer(vec![seen(&[], &[]), seen(&[], &[])]), Answer::Ok);
        assert_eq!(answer(vec![seen(&[], &["x"]), seen(&[], &[])]), Answer::NotTried);
        assert_eq!(answer(vec![seen(&[], &["x"]), seen(&["y"], &["x"])]), Answer::NotOk);
    }
}
