//! SARIF 2.1.0, for code scanning: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::patch::Patches;
use super::{Region, Regions};
use crate::audit::{Audit, By, Entry, Gap};
use crate::finding::{Fix, FixKind, Severity};
use crate::rules::{self, Rule};
use crate::text::TextEdit;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The files that findings point into, and what the fixes write there.
struct Files<'a> {
    regions: &'a Regions<'a>,
    patches: Patches<'a>,
}

pub fn sarif(audit: &Audit) -> Value {
    let regions = Regions::new(audit);
    let all = audit.findings.iter().chain(audit.suppressed.iter().map(|one| &one.entry));
    let fixes = all.clone().filter_map(|entry| entry.finding.fix.as_deref()).filter(|fix| fix.kind != FixKind::Report);
    let files = Files { regions: &regions, patches: Patches::of(audit, fixes) };
    let named: BTreeSet<&str> = all.map(|entry| entry.finding.rule).collect();
    let used: Vec<&Rule> = rules::all().filter(|rule| named.contains(rule.name)).collect();
    let number = |name: &str| used.iter().position(|rule| rule.name == name);
    let mut results: Vec<Value> = audit.findings.iter().map(|entry| result(entry, &files, number(entry.finding.rule))).collect();
    for one in &audit.suppressed {
        let mut suppressed = result(&one.entry, &files, number(one.entry.finding.rule));
        let kind = if one.by == By::Comment { "inSource" } else { "external" };
        suppressed["suppressions"] = json!([{"kind": kind, "justification": one.reason}]);
        results.push(suppressed);
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "xtask",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": used.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"ROOT": {"description": {"text": "the folder that paths are relative to"}}},
            "invocations": [{
                "executionSuccessful": audit.gaps.is_empty(),
                "toolExecutionNotifications": audit.gaps.iter().map(|gap| notification(audit, gap)).collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    })
}

fn described(rule: &Rule) -> Value {
    let severity = crate::policy::Policy::of(crate::project::Role::Prod).severity(rule.name);
    let mut value = json!({
        "id": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.doc},
        "help": {"text": rule.doc, "markdown": rule.doc},
        "defaultConfiguration": {"enabled": severity.is_some(), "level": severity.map_or("none", level)},
        "properties": {
            "tags": ["security", rule.category],
            "precision": "high",
            "security-severity": severity.map_or("0.0", score),
            "priority": rule.priority,
            "fix": rule.fix,
        },
    });
    if let Some(address) = rule.references.iter().find_map(|reference| reference.address()) {
        value["helpUri"] = json!(address);
    }
    value
}

fn result(entry: &Entry, files: &Files<'_>, number: Option<usize>) -> Value {
    let finding = &entry.finding;
    let path = files.regions.audit.relative(&finding.file);
    let mut value = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": {"text": format!("{}; {}", finding.message, finding.help)},
        "locations": [{
            "physicalLocation": {"artifactLocation": artifact(path), "region": region(files.regions.of(entry))},
            "logicalLocations": [{"fullyQualifiedName": finding.place, "kind": "member"}],
        }],
        "partialFingerprints": {"xtask/v1": finding.fingerprint(path)},
        "properties": {"stacks": entry.stacks, "severity": finding.severity},
    });
    if let Some(number) = number {
        value["ruleIndex"] = json!(number);
    }
    let patch = finding.fix.as_deref().and_then(|fix| patch(files, fix));
    if let Some(patch) = patch {
        value["fixes"] = json!([patch]);
    }
    value
}

/// The fix as replacements of the file as it is; none where it cannot be written.
fn patch(files: &Files<'_>, fix: &Fix) -> Option<Value> {
    let file = files.regions.file(&fix.file);
    let edits = files.patches.edits(fix)?;
    let replacement = |edit: &TextEdit| {
        let (line, column) = file.lines.line_column(file.text, edit.span.start);
        let (end_line, end_column) = file.lines.line_column(file.text, edit.span.end);
        json!({"deletedRegion": region(Region { line, column, end_line, end_column }), "insertedContent": {"text": edit.text}})
    };
    let said = match (&fix.caveat, fix.kind) {
        (Some(caveat), _) => caveat.clone(),
        (None, FixKind::Apply) => "safe alone".to_string(),
        (None, _) => "look at it before you take it".to_string(),
    };
    let replacements: Vec<Value> = edits.iter().map(replacement).collect();
    let artifact = artifact(files.regions.audit.relative(&fix.file));
    Some(json!({"description": {"text": said}, "artifactChanges": [{"artifactLocation": artifact, "replacements": replacements}]}))
}

fn notification(audit: &Audit, gap: &Gap) -> Value {
    let mut value = json!({"level": "error", "message": {"text": format!("{} was not judged: {}", gap.stack, gap.error)}});
    if let Some(at) = &gap.error.at {
        let region = json!({"startLine": at.line, "startColumn": at.column});
        value["locations"] = json!([{"physicalLocation": {"artifactLocation": artifact(audit.relative(&at.path)), "region": region}}]);
    }
    value
}

/// A path as a relative URI.
fn artifact(path: &std::path::Path) -> Value {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    let encode = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let uri: String = path.to_string_lossy().bytes().map(encode).collect();
    json!({"uri": uri, "uriBaseId": "ROOT"})
}

fn region(region: Region) -> Value {
    json!({"startLine": region.line, "startColumn": region.column, "endLine": region.end_line, "endColumn": region.end_column})
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// On the scale of CVSS, by which code scanning sorts.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}
