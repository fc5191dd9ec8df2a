//! For programs.

use serde_json::{Value, json};

use super::Regions;
use crate::audit::{Audit, Entry};
use crate::rules;

/// `{summary, stacks, findings, suppressed, gaps}`; paths are relative to the audit's root.
pub fn json(audit: &Audit) -> Value {
    let regions = Regions::new(audit);
    let counts: serde_json::Map<String, Value> = audit.counts().iter().map(|(severity, n)| (severity.name().into(), json!(n))).collect();
    let stacks: Vec<Value> = audit
        .stacks
        .iter()
        .map(|stack| {
            let files: Vec<String> = stack.files.iter().map(|file| audit.relative(file).display().to_string()).collect();
            json!({"id": stack.id, "role": stack.role, "files": files, "services": stack.services})
        })
        .collect();
    let findings: Vec<Value> = audit.findings.iter().map(|entry| finding(audit, entry, &regions)).collect();
    let suppressed: Vec<Value> = audit
        .suppressed
        .iter()
        .map(|one| {
            let mut value = finding(audit, &one.entry, &regions);
            value["suppressed"] = json!({"reason": one.reason, "until": one.until, "by": one.by});
            value
        })
        .collect();
    let gaps: Vec<Value> =
        audit.gaps.iter().map(|gap| json!({"stack": gap.stack, "error": gap.error.to_string(), "help": gap.error.help})).collect();
    json!({"summary": counts, "stacks": stacks, "findings": findings, "suppressed": suppressed, "gaps": gaps})
}

fn finding(audit: &Audit, entry: &Entry, regions: &Regions<'_>) -> Value {
    let finding = &entry.finding;
    let rule = rules::named(finding.rule);
    json!({
        "rule": finding.rule,
        "severity": finding.severity,
        "category": rule.map(|rule| rule.category),
        "priority": rule.map(|rule| rule.priority),
        "file": audit.relative(&finding.file).display().to_string(),
        "region": regions.of(entry),
        "place": finding.place,
        "about": finding.about,
        "service": finding.service,
        "stacks": entry.stacks,
        "message": finding.message,
        "help": finding.help,
        "fingerprint": finding.fingerprint(audit.relative(&finding.file)),
        "fix": finding.fix.as_ref().map(|fix| json!({"kind": fix.kind, "caveat": fix.caveat})),
    })
}
