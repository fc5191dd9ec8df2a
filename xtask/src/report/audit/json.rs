//! For programs. Written as it is made: an audit of a large tree has more findings than should be held twice.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Region, Regions};
use crate::audit::{Audit, By, Entry, Gap, Looked, Suppressed};
use crate::finding::{Category, FixKind, Priority, Severity};
use crate::policy::Date;
use crate::rules::{self, Rule};

/// `{since, summary, stacks, findings, suppressed, gaps}`; paths are relative to the audit's root.
pub struct Json<'a>(pub &'a Audit);

/// What is the same for all findings.
struct Common<'a> {
    audit: &'a Audit,
    regions: Regions<'a>,
    rules: HashMap<&'static str, &'static Rule, RandomState>,
}

#[derive(Serialize)]
struct Stack<'a> {
    id: &'a str,
    role: Option<crate::project::Role>,
    files: Vec<String>,
    services: &'a [String],
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    severity: Severity,
    category: Option<Category>,
    priority: Option<Priority>,
    file: String,
    region: Region,
    place: &'a str,
    about: &'a str,
    service: Option<&'a str>,
    stacks: &'a [String],
    message: &'a str,
    help: &'a str,
    fingerprint: String,
    fix: Option<Fix<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<Suppression<'a>>,
}

#[derive(Serialize)]
struct Fix<'a> {
    kind: FixKind,
    caveat: Option<&'a str>,
}

#[derive(Serialize)]
struct Suppression<'a> {
    reason: &'a str,
    until: Option<Date>,
    by: By,
}

#[derive(Serialize)]
struct NotJudged<'a> {
    stack: &'a str,
    error: String,
    help: Option<&'a str>,
}

/// A sequence whose items are made one after the other.
struct Each<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Each<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// How many findings have each severity.
struct Counts<'a>(&'a Audit);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.counts().map(|(severity, count)| (severity.name(), count)))
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let audit = self.0;
        let rules = rules::all().map(|rule| (rule.name, rule)).collect();
        let common = Common { audit, regions: Regions::new(audit), rules };
        let mut document = serializer.serialize_map(Some(6))?;
        document.serialize_entry("since", &audit.since)?;
        document.serialize_entry("summary", &Counts(audit))?;
        document.serialize_entry("stacks", &Each(audit.stacks.iter().map(|stack| common.stack(stack))))?;
        document.serialize_entry("findings", &Each(audit.findings.iter().map(|entry| common.finding(entry))))?;
        document.serialize_entry("suppressed", &Each(audit.suppressed.iter().map(|one| common.suppressed(one))))?;
        document.serialize_entry("gaps", &Each(audit.gaps.iter().map(not_judged)))?;
        document.end()
    }
}

impl<'a> Common<'a> {
    fn stack(&self, stack: &'a Looked) -> Stack<'a> {
        let files = stack.files.iter().map(|file| self.audit.relative(file).display().to_string()).collect();
        Stack { id: &stack.id, role: stack.role, files, services: &stack.services }
    }

    fn finding(&self, entry: &'a Entry) -> Finding<'a> {
        let finding = &entry.finding;
        let rule = self.rules.get(finding.rule);
        let path = self.regions.shown(&finding.file);
        Finding {
            rule: finding.rule,
            severity: finding.severity,
            category: rule.map(|rule| rule.category),
            priority: rule.map(|rule| rule.priority),
            file: path.display().to_string(),
            region: self.regions.of(entry),
            place: &finding.place,
            about: &finding.about,
            service: finding.service.as_deref(),
            stacks: &entry.stacks,
            message: &finding.message,
            help: &finding.help,
            fingerprint: finding.fingerprint(path),
            fix: finding.fix.as_ref().map(|fix| Fix { kind: fix.kind, caveat: fix.caveat.as_deref() }),
            suppressed: None,
        }
    }

    fn suppressed(&self, one: &'a Suppressed) -> Finding<'a> {
        let suppressed = Some(Suppression { reason: &one.reason, until: one.until, by: one.by });
        Finding { suppressed, ..self.finding(&one.entry) }
    }
}

fn not_judged(gap: &Gap) -> NotJudged<'_> {
    NotJudged { stack: &gap.stack, error: gap.error.to_string(), help: gap.error.help.as_deref() }
}
