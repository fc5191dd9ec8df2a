//! The commands that look by rules.

use std::path::PathBuf;
use std::time::SystemTime;

use super::Exit;
use super::args::{AuditArgs, ExplainArgs, Global, HostArg, ReviewArgs, RoleArg, Threshold};
use crate::audit::Since;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::finding::Severity;
use crate::policy::Date;
use crate::project::Role;
use crate::report::answer::Answer;
use crate::rules;
use crate::tasks;
use crate::tasks::audit::{Options, Request};
use crate::tasks::{Context, Overrides};

/// Shows or applies fixes.
pub fn fix(cx: &Context<'_>, global: &Global, args: &AuditArgs) -> Result<(Exit, Answer)> {
    let rules = args.fix.iter().flatten().filter(|rule| !rule.is_empty()).cloned().collect();
    let options = Options { request: request(args)?, folder: folder(global), rules, apply: args.apply, allow_dirty: args.allow_dirty };
    let fixed = tasks::audit::fix(cx, &options, &Overrides::default(), today())?;
    let exit = if fixed.audit.gaps.is_empty() { Exit::Done } else { Exit::Unusable };
    Ok((exit, Answer::Fixed(Box::new(fixed))))
}

fn request(args: &AuditArgs) -> Result<Request> {
    let host = match args.host {
        Some(HostArg::This) => Some(tasks::audit::this_machine()?),
        Some(HostArg::Described(host)) => Some(host),
        None => None,
    };
    Ok(Request {
        targets: args.targets.clone(),
        files: args.files.clone(),
        role: args.role.map(role),
        policy: args.policy.clone(),
        only: args.rules.clone(),
        fixes: true,
        since: match args.staged {
            true => Some(Since::Staged),
            false => args.since.clone().map(Since::Revision),
        },
        host,
        jobs: args.jobs,
        cancel: Cancel::default(),
    })
}

/// Findings do not fail a review: it is there to be read.
pub fn review(global: &Global, args: &ReviewArgs) -> Result<(Exit, Answer)> {
    let request = Request { targets: args.targets.clone(), policy: args.policy.clone(), ..Request::default() };
    let review = tasks::review::review(&request, &folder(global), &environment(), today())?;
    let exit = if review.audit.gaps.is_empty() { Exit::Done } else { Exit::Unusable };
    Ok((exit, Answer::Review(Box::new(review))))
}

pub fn audit(global: &Global, args: &AuditArgs) -> Result<(Exit, Answer)> {
    let request = request(args)?;
    let audit = tasks::audit::audit(&request, &folder(global), &environment(), today())?;
    let exit = match threshold(args.fail_on) {
        // What could not be looked at may hold anything.
        _ if !audit.gaps.is_empty() => Exit::Unusable,
        Some(threshold) if audit.reaches(threshold) => Exit::NotAsItShouldBe,
        _ => Exit::Done,
    };
    Ok((exit, Answer::Audit(Box::new(audit))))
}

pub fn explain(args: &ExplainArgs) -> Result<(Exit, Answer)> {
    let Some(name) = &args.rule else { return Ok((Exit::Done, Answer::Rules)) };
    if let Some(refused) = rules::refused(name) {
        return Ok((Exit::Done, Answer::Refused(refused)));
    }
    let names = tasks::audit::named_rules(std::slice::from_ref(name))?;
    let rule = names.first().and_then(|name| rules::named(name));
    Ok((Exit::Done, rule.map_or(Answer::Rules, Answer::Rule)))
}

fn folder(global: &Global) -> PathBuf {
    global.directory.clone().unwrap_or_else(|| PathBuf::from("."))
}

fn environment() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

pub(super) fn today() -> Date {
    Date::of_unix_seconds(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

fn role(role: RoleArg) -> Role {
    match role {
        RoleArg::Dev => Role::Dev,
        RoleArg::Prod => Role::Prod,
    }
}

fn threshold(threshold: Threshold) -> Option<Severity> {
    Some(match threshold {
        Threshold::Info => Severity::Info,
        Threshold::Low => Severity::Low,
        Threshold::Medium => Severity::Medium,
        Threshold::High => Severity::High,
        Threshold::Critical => Severity::Critical,
        Threshold::Never => return None,
    })
}
