//! Annotations of a GitHub workflow: one command a line, which the runner turns into a note at the line.

use super::Regions;
use crate::audit::Audit;
use crate::finding::Severity;
use crate::report::harmless;

pub fn github(audit: &Audit) -> String {
    let regions = Regions::new(audit);
    let mut text = String::new();
    for gap in &audit.gaps {
        let place = gap.error.at.as_ref().map(|at| {
            let file = property(&audit.relative(&at.path).display().to_string());
            format!("file={file},line={},col={},", at.line, at.column)
        });
        let said = message(&format!("{} was not judged: {}", gap.stack, gap.error));
        text.push_str(&format!("::error {}title=not judged::{said}\n", place.unwrap_or_default()));
    }
    for entry in &audit.findings {
        let finding = &entry.finding;
        let command = match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low | Severity::Info => "notice",
        };
        let region = regions.of(entry);
        let file = property(&audit.relative(&finding.file).display().to_string());
        let end = if region.end_line == region.line { format!(",endColumn={}", region.end_column) } else { String::new() };
        let said = message(&format!("{}\n{}", finding.message, finding.help));
        let (line, column, end_line) = (region.line, region.column, region.end_line);
        text.push_str(&format!(
            "::{command} file={file},line={line},endLine={end_line},col={column}{end},title={}::{said}\n",
            finding.rule
        ));
    }
    text
}

/// What would end the message is written as the runner decodes it.
fn message(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| harmless(line).replace('%', "%25")).collect();
    lines.join("%0A")
}

/// What would end the property, too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_the_command() {
        assert_eq!(property("a,b:c\n::error::x%"), "a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ax%25");
        assert_eq!(message("a\r\n::error::x"), "a\\u{d}%0A::error::x");
        assert_eq!(message("a\u{202e}b\u{1b}[2J"), "a\\u{202e}b\\u{1b}[2J");
    }
}
