//! Exceptions of policies: which one accepts a finding, and which do not hold any more.

use super::ignore::INVALID;
use super::{Looked, Text};
use crate::finding::Finding;
use crate::policy::{Date, Exception, Policy};
use crate::rules::Spot;

/// The exception that accepts a stack's finding today.
pub fn accepts<'p>(policy: &'p Policy, stack: &str, finding: &Finding, today: Date) -> Option<&'p Exception> {
    let exceptions = policy.exceptions(finding.rule).iter();
    let fitting = exceptions.filter(|one| one.fits(stack, finding.service.as_deref(), &finding.place));
    fitting.into_iter().find(|one| one.until.is_none_or(|until| until >= today))
}

/// What is wrong with a policy's exceptions, as findings, with the texts that they point into. Which stacks
/// and services there are is only known when all stacks (`whole`) were looked at.
pub fn complaints(policy: &Policy, stacks: &[Looked], whole: bool, today: Date) -> Vec<(Finding, Text)> {
    let Some(severity) = policy.severity(INVALID) else { return Vec::new() };
    let mut found = Vec::new();
    for rule in policy.rules() {
        for exception in policy.exceptions(rule) {
            let Some(written) = &exception.written else { continue };
            let Some((why, help)) = wrong(exception, rule, stacks, whole, today) else { continue };
            let place = format!("rules.{rule}.exceptions");
            let spot = Spot { file: written.file.clone(), span: written.span, place, service: None };
            let finding = Finding { about: why.clone(), ..spot.finding(INVALID, severity, why, help) };
            found.push((finding, Text { text: written.text.clone(), secrets: Vec::new() }));
        }
    }
    found
}

fn wrong(exception: &Exception, rule: &str, stacks: &[Looked], whole: bool, today: Date) -> Option<(String, &'static str)> {
    if exception.until.is_some_and(|until| until < today) {
        return Some((format!("an exception from `{rule}` has ended"), "fix what it covered, or decide anew; then take it away"));
    }
    if !whole {
        return None;
    }
    let meant: Vec<&Looked> = stacks.iter().filter(|stack| exception.stack.as_ref().is_none_or(|named| *named == stack.id)).collect();
    if let (true, Some(stack)) = (meant.is_empty(), &exception.stack) {
        return Some((
            format!("an exception from `{rule}` names the stack `{stack}`, which is not there"),
            "name one of the stacks, as reports do",
        ));
    }
    let service = exception.service.as_ref()?;
    let there = meant.iter().any(|stack| stack.services.contains(service));
    (!there).then(|| {
        (format!("an exception from `{rule}` names the service `{service}`, which is not there"), "name a service, or take it away")
    })
}
