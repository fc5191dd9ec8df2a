//! For comments on a change, and for people who read Markdown.

use std::fmt::Write;

use super::Regions;
use crate::audit::Audit;
use crate::report::markdown::{code, plain};

pub fn markdown(audit: &Audit) -> String {
    let regions = Regions::new(audit);
    let mut text = String::from("# Audit\n\n");
    let counted: Vec<String> = audit.counts().iter().map(|(severity, count)| format!("{count} {}", severity.name())).collect();
    let services: usize = audit.stacks.iter().map(|stack| stack.services.len()).sum();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{} in {services} services of {} stacks; {} suppressed.\n",
        counted.join(", "),
        audit.stacks.len(),
        audit.suppressed.len()
    );
    if !audit.gaps.is_empty() {
        text.push_str("## Not judged\n\n");
        for gap in &audit.gaps {
            let _ = writeln!(text, "- {}: {}", code(&gap.stack), plain(&gap.error.to_string()));
        }
        text.push('\n');
    }
    for (severity, count) in audit.counts() {
        if count == 0 {
            continue;
        }
        let _ = writeln!(text, "## {}\n\n| where | rule | what | what to do |\n|---|---|---|---|", capital(severity.name()));
        for entry in audit.findings.iter().filter(|entry| entry.finding.severity == severity) {
            let finding = &entry.finding;
            let place = format!("{}:{}", audit.relative(&finding.file).display(), regions.of(entry).line);
            let _ =
                writeln!(text, "| {} | {} | {} | {} |", code(&place), code(finding.rule), plain(&finding.message), plain(&finding.help));
        }
        text.push('\n');
    }
    if !audit.suppressed.is_empty() {
        text.push_str("## Suppressed\n\n| where | rule | reason | until |\n|---|---|---|---|\n");
        for one in &audit.suppressed {
            let finding = &one.entry.finding;
            let place = format!("{} {}", audit.relative(&finding.file).display(), finding.place);
            let until = one.until.map(|until| until.to_string()).unwrap_or_default();
            let _ = writeln!(text, "| {} | {} | {} | {until} |", code(&place), code(finding.rule), plain(&one.reason));
        }
        text.push('\n');
    }
    text
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
