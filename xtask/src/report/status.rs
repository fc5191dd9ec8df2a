//! The phases of the migration, and what stands against each.

use super::findings::{Shown, human};
use super::{Look, Style};
use crate::tasks::status::{PhaseStatus, Standing};
use crate::text::LineIndex;

pub fn text(phases: &[PhaseStatus], look: Look) -> String {
    let mut text = String::new();
    for phase in phases {
        for finding in &phase.findings {
            let shown = Shown {
                rule: &finding.rule,
                error: finding.error,
                path: &finding.path,
                text: &finding.text,
                lines: &LineIndex::new(&finding.text),
                span: finding.span,
                secrets: &finding.secrets,
                message: &finding.message,
                label: &finding.place,
                help: &finding.help,
            };
            text.push_str(&human(&shown, look));
        }
        for open in &phase.open {
            text.push_str(&look.line(Style::Warn, "Open", open));
        }
        for unread in &phase.unread {
            text.push_str(&look.line(Style::Bad, "Unread", unread));
        }
        let (style, word) = match phase.standing {
            Standing::Done => (Style::Good, "Done"),
            Standing::Pending => (Style::Bad, "Pending"),
            Standing::Drifted => (Style::Bad, "Drifted"),
            Standing::Unjudged => (Style::Info, "Not judged"),
        };
        text.push_str(&look.line(style, word, &format!("phase {} {}: {}", phase.number, phase.name, phase.state)));
    }
    text
}
