//! For people: each finding at its line, then what it comes to.

use super::Regions;
use super::patch::{Line, Patches};
use crate::audit::{Audit, Entry, Since, Suppressed};
use crate::finding::{Finding, FixKind, Severity};
use crate::report::findings::{self, Shown};
use crate::report::{Look, Style, harmless};
use crate::text::counted;

/// Whoever has more findings than this reads the diffs of `--fix`, which are one for each file.
const MOST_DIFFS: usize = 500;

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
        let patches = Patches::shown(audit, audit.findings.iter().take(MOST_DIFFS).map(|entry| &entry.finding));
        for entry in &audit.findings {
            text.push_str(&shown(&regions, entry, &patches, look));
        }
    }
    if look.verbose {
        audit.suppressed.iter().for_each(|one| text.push_str(&suppressed(audit, one, look)));
    }
    text.push_str(&summary(audit, look));
    text
}

fn shown<'a>(regions: &Regions<'a>, entry: &'a Entry, patches: &Patches<'_>, look: Look) -> String {
    let finding = &entry.finding;
    let path = regions.shown(&finding.file).display().to_string();
    let file = regions.file(&finding.file);
    let mut said = findings::human(
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
    );
    let lines = patches.lines(finding);
    if !lines.is_empty() {
        said.truncate(said.trim_end().len());
        let (last_line, _) = file.lines.line_column(file.text, finding.span.end);
        said.push_str(&format!("\n{}{}\n", fix_line(finding, last_line, look), painted(&lines, look)));
    }
    said
}

/// How the fix is meant, in the shape of the help above it, which stands behind as many digits as the last
/// line shown has.
fn fix_line(finding: &Finding, last_line: usize, look: Look) -> String {
    let Some(fix) = &finding.fix else { return String::new() };
    let word = match fix.kind {
        FixKind::Apply => "safe",
        _ => "to be confirmed",
    };
    let caveat = fix.caveat.as_ref().map(|caveat| format!("; {}", harmless(caveat))).unwrap_or_default();
    let margin = " ".repeat(last_line.to_string().len() + 1);
    format!("{margin}{} fix ({word}){caveat}\n", look.paint(Style::Info, "="))
}

fn painted(lines: &[Line], look: Look) -> String {
    let number = |line: &Line| line.number.map_or(String::new(), |number| number.to_string());
    let width = lines.iter().map(|line| number(line).len()).max().unwrap_or_default();
    let one = |line: &Line| {
        let body = format!("{:>width$} {} {}", number(line), line.sign, harmless(&line.text));
        let body = match line.sign {
            '+' => look.paint(Style::Good, body.trim_end()),
            '-' => look.paint(Style::Bad, body.trim_end()),
            _ => body.trim_end().to_string(),
        };
        format!("    {body}\n")
    };
    lines.iter().map(one).collect()
}

fn suppressed(audit: &Audit, one: &Suppressed, look: Look) -> String {
    let finding = &one.entry.finding;
    let until = one.until.map(|until| format!(" (until {until})")).unwrap_or_default();
    let place = format!("{} at {} of {}", finding.rule, finding.place, audit.relative(&finding.file).display());
    look.line(Style::Dim, "Suppressed", &format!("{place}: {}{until}", one.reason))
}

fn summary(audit: &Audit, look: Look) -> String {
    let found: Vec<String> =
        audit.counts().iter().filter(|(_, count)| *count > 0).map(|(severity, count)| format!("{count} {}", severity.name())).collect();
    let files: std::collections::BTreeSet<_> = audit.stacks.iter().flat_map(|stack| &stack.files).collect();
    let services: usize = audit.stacks.iter().map(|stack| stack.services.len()).sum();
    let [services, stacks, files] =
        [(services, "service"), (audit.stacks.len(), "stack"), (files.len(), "file")].map(|(n, of)| counted(n, of));
    let of = format!("in {services} of {stacks}, {files}");
    let change = match &audit.since {
        None => String::new(),
        Some(Since::Staged) => " that is not in the last commit,".into(),
        Some(Since::Revision(revision)) => format!(" that was not at {revision},"),
    };
    let mut text = match (found.is_empty(), audit.stacks.is_empty()) {
        // Nothing was looked at, which is not clean.
        (true, true) => String::new(),
        (true, false) => look.line(Style::Good, "Clean", &format!("nothing found{change} {of}")),
        (false, _) => look.line(Style::Warn, "Found", &format!("{}{change} {of}", found.join(", "))),
    };
    let safe = |entry: &&Entry| entry.finding.fix.as_ref().is_some_and(|fix| fix.kind == FixKind::Apply);
    let fixes = audit.findings.iter().filter(safe).count();
    if fixes > 0 {
        text.push_str(&look.line(
            Style::Info,
            "Fixes",
            &format!("`cargo xtask audit --fix` shows {}", if fixes == 1 { "1 safe fix".into() } else { format!("{fixes} safe fixes") }),
        ));
    }
    if !audit.suppressed.is_empty() {
        let where_to = if look.verbose { "" } else { "; -v lists them" };
        text.push_str(&look.line(
            Style::Dim,
            "Suppressed",
            &format!("{}, each with its reason{where_to}", counted(audit.suppressed.len(), "finding")),
        ));
    }
    if !audit.gaps.is_empty() {
        text.push_str(&look.line(Style::Bad, "Not read", &format!("{} could not be judged", counted(audit.gaps.len(), "stack"))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_numbered_like_the_lines_above_it() {
        let look = Look { colour: false, live: false, quiet: false, verbose: false };
        let line = |number, sign, text: &str| Line { number, sign, text: text.into() };
        let lines = [line(Some(9), ' ', "  web:"), line(Some(10), '-', "    a: 1"), line(None, '+', "    a: \u{1b}2"), line(None, '+', "")];
        assert_eq!(painted(&lines, look), "     9     web:\n    10 -     a: 1\n       +     a: \\u{1b}2\n       +\n");
    }
}
