use super::{Draft, Rule, Spot};
use crate::finding::{Finding, FixKind, Severity};

/// Takes what one rule finds.
pub struct Found<'a> {
    rule: &'static Rule,
    severity: Severity,
    /// Whether fixes are wanted: they cost more than the finding.
    fixes: bool,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Found<'a> {
    pub fn new(rule: &'static Rule, severity: Severity, fixes: bool, findings: &'a mut Vec<Finding>) -> Self {
        Found { rule, severity, fixes, findings }
    }

    /// Reports a finding: one sentence that names keys and services but never a value that could be
    /// secret, and what to do.
    pub fn report(&mut self, spot: Spot, message: impl Into<String>, help: impl Into<String>) -> Reported<'_> {
        self.findings.push(Finding {
            rule: self.rule.name,
            severity: self.severity,
            file: spot.file,
            span: spot.span,
            place: spot.place,
            service: spot.service,
            message: message.into(),
            help: help.into(),
            about: String::new(),
            fix: None,
        });
        let kind = self.rule.fix;
        Reported { finding: self.findings.last_mut(), fixes: self.fixes, kind }
    }
}

/// A finding that was just reported.
pub struct Reported<'a> {
    finding: Option<&'a mut Finding>,
    fixes: bool,
    kind: FixKind,
}

impl Reported<'_> {
    /// What tells it from others at the same place, for example the host port.
    pub fn about(mut self, about: impl Into<String>) -> Self {
        if let Some(finding) = &mut self.finding {
            finding.about = about.into();
        }
        self
    }

    /// How it is fixed; `None` where this one cannot be.
    pub fn fix(self, draft: impl FnOnce() -> Option<Draft>) -> Self {
        let kind = self.kind;
        self.fix_as(kind, draft)
    }

    /// The same with another kind of fix than the rule's.
    pub fn fix_as(mut self, kind: FixKind, draft: impl FnOnce() -> Option<Draft>) -> Self {
        if let (true, Some(finding)) = (self.fixes, &mut self.finding) {
            finding.fix = draft().map(|draft| Box::new(draft.finish(kind)));
        }
        self
    }
}
