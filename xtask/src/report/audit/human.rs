//! For people: each finding at its line, then what it comes to.

use super::Regions;
use crate::audit::{Audit, Entry};
use crate::finding::Severity;
use crate::report::findings::{self, Shown};
use crate::report::{Look, Style};

pub fn human(audit: &Audit, look: Look) -> String {
    let mut text = String::new();
    for gap in &audit.gaps {
        text.push_str(&look.line(Style::Bad, "Not read", &format!("{}: {}", gap.stack, gap.error)));
        if let Some(help) = &gap.error.help {
            text.push_str(&look.line(Style::Info, "To do", help));
        }
    }
    if !look.quiet {
        let regions = Regions::new(audit);
        audit.findings.iter().for_each(|entry| text.push_str(&shown(&regions, entry, look)));
    }
    text.push_str(&summary(audit, look));
    text
}

fn shown(regions: &Regions<'_>, entry: &Entry, look: Look) -> String {
    let finding = &entry.finding;
    let path = regions.audit.relative(&finding.file).display().to_string();
    let file = regions.file(&finding.file);
    findings::human(
        &Shown {
            rule: finding.rule,
            error: finding.severity >= Severity::High,
            path: &path,
            text: file.text,
            lines: &file.lines,
            span: finding.span,
            secrets: file.secrets,
            message: &finding.message,
            label: finding.severity.name(),
            help: &finding.help,
        },
        look,
    )
}

fn summary(audit: &Audit, look: Look) -> String {
    let counted: Vec<String> =
        audit.counts().iter().filter(|(_, count)| *count > 0).map(|(severity, count)| format!("{count} {}", severity.name())).collect();
    let files: std::collections::BTreeSet<_> = audit.stacks.iter().flat_map(|stack| &stack.files).collect();
    let services: usize = audit.stacks.iter().map(|stack| stack.services.len()).sum();
    let of = format!("in {} services of {} stacks, {} files", services, audit.stacks.len(), files.len());
    let mut text = match counted.is_empty() {
        true => look.line(Style::Good, "Clean", &format!("nothing found {of}")),
        false => look.line(Style::Warn, "Found", &format!("{} {of}", counted.join(", "))),
    };
    if !audit.suppressed.is_empty() {
        text.push_str(&look.line(Style::Dim, "Suppressed", &format!("{} findings, each with its reason", audit.suppressed.len())));
    }
    if !audit.gaps.is_empty() {
        text.push_str(&look.line(Style::Bad, "Not read", &format!("{} stacks could not be judged", audit.gaps.len())));
    }
    text
}
