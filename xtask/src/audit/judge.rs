//! One stack under its policy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exceptions::accepts;
use super::ignore::{Ignores, Note};
use super::{By, Text};
use crate::cancel::Cancel;
use crate::finding::{Finding, Severity};
use crate::model::Source;
use crate::policy::{Date, Policy};
use crate::rules::{self, Check, ComposeSource, EnvSource, Evidence, Fact, Found, Rule, Service, Spot, Subject};
use crate::text::Span;
use crate::yaml::expand;

/// How to judge.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    pub today: Date,
    /// Only these rules; none: all that the policy lets hold.
    pub only: &'a [&'static str],
    /// A judgement that somebody wants to stop lacks rules.
    pub cancel: &'a Cancel,
}

/// What one stack came to.
#[derive(Debug, Default)]
pub struct Judged {
    pub findings: Vec<Finding>,
    pub suppressed: Vec<(Finding, String, Option<Date>, By)>,
    /// For the rules that need all stacks.
    pub facts: Vec<(&'static str, Fact)>,
    pub texts: Vec<(PathBuf, Text)>,
    pub ignores: Ignores,
}

impl Judging<'_> {
    /// Whether a rule is among those that are wanted.
    pub fn asks(&self, rule: &str) -> bool {
        self.only.is_empty() || self.only.contains(&rule)
    }
}

/// Judges one stack. Findings of rules that look across stacks come later, from its facts.
pub fn judge(subject: &Subject<'_>, judging: Judging<'_>) -> Judged {
    let mut judged = Judged::default();
    let mut findings = Vec::new();
    let mut evidence = credentials(subject);
    judged.hide_comments(&subject.model.sources, &evidence);
    let services: Vec<Service<'_>> = subject.services().collect();
    for rule in rules::all().filter(|rule| judging.asks(rule.name)) {
        let Some(severity) = subject.policy.severity(rule.name) else { continue };
        if judging.cancel.requested() {
            break;
        }
        run(rule, severity, &services, subject, &mut findings, &mut judged.facts);
        take(rule, severity, &mut evidence, &mut findings, &mut judged);
    }
    // What no rule speaks of is secret all the same.
    judged.note_secrets(evidence.iter());
    judged.settle(findings, &subject.model.sources, subject.id, subject.policy, judging);
    judged
}

/// What can be said of the compose files of a stack that cannot be loaded: what the schema does not know.
pub fn judge_unloaded(id: &str, sources: &[Source], policy: &Policy, judging: Judging<'_>) -> Judged {
    let mut judged = Judged::default();
    let mut findings = Vec::new();
    let rule = rules::named("schema").filter(|rule| judging.asks(rule.name));
    if let Some((rule, severity)) = rule.and_then(|rule| Some((rule, policy.severity(rule.name)?))) {
        let mut found = Found::new(rule, severity, false, &mut findings);
        for (file, source) in (0_u32..).zip(sources) {
            let Some(evidence) = credentials_in(source, file) else { continue };
            judged.note_secrets(evidence.iter());
            for (number, document) in source.documents().iter().enumerate() {
                for slip in rules::slips(&source.path, document, file > 0 || number > 0) {
                    // No rule knows what is secret where a key or its value is not what it should be.
                    judged.hide(&source.path, slip.value);
                    found.report(slip.spot, slip.message, slip.help);
                }
            }
        }
    }
    judged.settle(findings, sources, id, policy, judging);
    judged
}

fn run(
    rule: &'static Rule,
    severity: Severity,
    services: &[Service<'_>],
    subject: &Subject<'_>,
    findings: &mut Vec<Finding>,
    facts: &mut Vec<(&'static str, Fact)>,
) {
    let mut found = Found::new(rule, severity, subject.fixes, findings);
    match rule.check {
        Check::Service(check) => services.iter().for_each(|service| check(service, &mut found)),
        Check::Stack(check) => check(subject, &mut found),
        Check::Across { gather, .. } => facts.extend(gather(subject).into_iter().map(|fact| (rule.name, fact))),
        Check::Credential(_) | Check::Elsewhere => {}
    }
}

/// The credentials of all the stack's files.
fn credentials(subject: &Subject<'_>) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for (number, source) in (0_u32..).zip(&subject.model.sources) {
        if !source.documents().is_empty() {
            evidence.extend(credentials_in(source, number).into_iter().flatten());
            continue;
        }
        let tracked = subject.surroundings.tracked.as_ref().is_some_and(|tracked| tracked.contains(&source.path));
        if tracked {
            let loads = |files: &Vec<crate::model::EnvFile>| files.iter().any(|file| file.source == Some(number));
            let services: Vec<String> =
                subject.model.env_files.iter().filter(|(_, files)| loads(files)).map(|(name, _)| name.clone()).collect();
            let raw = subject.model.env_files.values().flatten().any(|file| file.source == Some(number) && file.raw);
            let (path, entries) = (&source.path, source.entries());
            let source = EnvSource { path, file: number, text: &source.text, entries, raw, tracked, services: &services };
            evidence.extend(rules::credentials_in_env_file(&source));
        }
    }
    evidence
}

/// The credentials of one compose file; `None` when it cannot be expanded, so that nobody knows what is secret in it.
fn credentials_in(source: &Source, file: u32) -> Option<Vec<Evidence>> {
    let documents = source.documents();
    let values: Vec<_> = documents.iter().map(|document| expand(document, file).ok()).collect::<Option<_>>()?;
    Some(rules::credentials_in_compose(&ComposeSource { path: &source.path, file, text: &source.text, documents, values: &values }))
}

/// Takes the findings of a rule about credentials out of the evidence.
fn take(rule: &Rule, severity: Severity, evidence: &mut Vec<Evidence>, findings: &mut Vec<Finding>, judged: &mut Judged) {
    if !matches!(rule.check, Check::Credential(_) | Check::Elsewhere) {
        return;
    }
    let (mine, others): (Vec<Evidence>, Vec<Evidence>) = evidence.drain(..).partition(|evidence| evidence.finding.rule == rule.name);
    judged.note_secrets(mine.iter());
    *evidence = others;
    findings.extend(mine.into_iter().map(|evidence| Finding { severity, ..evidence.finding }));
}

impl Judged {
    fn note_secrets<'e>(&mut self, evidence: impl Iterator<Item = &'e Evidence>) {
        evidence.for_each(|one| self.hide(&one.finding.file, one.source));
    }

    fn hide_comments(&mut self, sources: &[Source], evidence: &[Evidence]) {
        for (file, source) in (0_u32..).zip(sources) {
            let compose = ComposeSource { path: &source.path, file, text: &source.text, documents: source.documents(), values: &[] };
            rules::secrets_in_comments(&compose, evidence).into_iter().for_each(|span| self.hide(&source.path, span));
        }
    }

    fn hide(&mut self, path: &Path, secret: Span) {
        match self.texts.iter_mut().find(|(known, _)| known == path) {
            Some((_, text)) => text.secrets.push(secret),
            None => self.texts.push((path.to_path_buf(), Text { text: Arc::from(""), secrets: vec![secret] })),
        }
    }

    fn add_texts(&mut self, sources: &[Source]) {
        for source in sources {
            match self.texts.iter_mut().find(|(path, _)| *path == source.path) {
                Some((_, text)) => text.text = source.text.clone(),
                None => self.texts.push((source.path.clone(), Text { text: source.text.clone(), secrets: Vec::new() })),
            }
        }
    }

    /// Each finding stands, or is suppressed with a reason that holds today.
    fn settle(&mut self, findings: Vec<Finding>, sources: &[Source], stack: &str, policy: &Policy, judging: Judging<'_>) {
        self.add_texts(sources);
        let (ignores, complaints) = Ignores::read(sources, policy, judging);
        self.ignores = ignores;
        for finding in findings {
            if let Some(Note { reason, until }) = self.ignores.of(&finding) {
                self.suppressed.push((finding, reason, until, By::Comment));
                continue;
            }
            match accepts(policy, stack, &finding, judging.today) {
                Some(exception) => self.suppressed.push((finding, exception.reason.clone(), exception.until, By::Policy)),
                None => self.findings.push(finding),
            }
        }
        self.findings.extend(complaints);
    }
}

/// The findings of the rules that look across stacks; each with the stack that it is about.
pub fn across(facts: &[(&'static str, Fact)], severity: impl Fn(&str) -> Option<Severity>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules::all() {
        let Check::Across { judge, .. } = rule.check else { continue };
        let mine: Vec<Fact> = facts.iter().filter(|(name, _)| *name == rule.name).map(|(_, fact)| fact.clone()).collect();
        if let (false, Some(severity)) = (mine.is_empty(), severity(rule.name)) {
            judge(&mine, &mut Found::new(rule, severity, false, &mut findings));
        }
    }
    findings
}

impl Spot {
    /// A finding that the audit itself makes at this spot.
    pub(super) fn finding(self, rule: &'static str, severity: Severity, message: String, help: &str) -> Finding {
        let Spot { file, span, place, service } = self;
        Finding { rule, severity, file, span, place, service, message, help: help.to_string(), about: String::new(), fix: None }
    }
}
