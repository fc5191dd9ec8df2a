//! Which phases of the migration hold, and what stands against them.

use serde::Serialize;

use super::Context;
use super::security_fix::{self, StandingCredential};
use crate::error::Result;
use crate::text::Span;

/// One phase as it stands today.
#[derive(Serialize)]
pub struct PhaseStatus {
    pub number: u8,
    pub name: &'static str,
    pub holds: bool,
    /// One sentence.
    pub state: String,
    pub findings: Vec<FindingStatus>,
    /// Stacks that cannot be judged, and why.
    pub unread: Vec<String>,
}

/// A finding with what its report needs. The source text stays inside the program.
#[derive(Serialize)]
pub struct FindingStatus {
    pub rule: String,
    pub error: bool,
    pub path: String,
    pub line: usize,
    pub column: usize,
    pub place: String,
    pub message: String,
    pub help: String,
    #[serde(skip)]
    pub text: std::rc::Rc<str>,
    #[serde(skip)]
    pub span: Span,
    /// Where secrets stand in the text.
    #[serde(skip)]
    pub secrets: Vec<Span>,
}

/// All phases that there are so far, for the stacks named.
pub fn phases(cx: &Context<'_>, stacks: &[String]) -> Result<Vec<PhaseStatus>> {
    let standing = security_fix::standing(cx, stacks)?;
    let findings: Vec<FindingStatus> = standing.credentials.into_iter().map(finding).collect();
    let files = {
        let mut paths: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
        paths.dedup();
        paths.len()
    };
    let holds = findings.is_empty() && standing.unread.is_empty();
    let state = match (findings.len(), standing.unread.len()) {
        (0, 0) => "no credential stands in a file that git may see".to_string(),
        (0, unread) => format!("{unread} stacks cannot be judged"),
        (found, _) => format!("{found} credentials in {files} files; `cargo xtask migrate --phase 1 --dry-run` shows what to do"),
    };
    Ok(vec![PhaseStatus { number: 1, name: "security-fix", holds, state, findings, unread: standing.unread }])
}

fn finding(found: StandingCredential) -> FindingStatus {
    FindingStatus {
        rule: found.finding.rule.to_string(),
        error: found.finding.severity >= crate::finding::Severity::High,
        path: found.path,
        line: found.line,
        column: found.column,
        place: found.finding.place,
        message: found.finding.message,
        help: found.finding.help,
        text: found.text,
        span: found.finding.span,
        secrets: found.secrets,
    }
}
