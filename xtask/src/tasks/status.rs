//! Which phases of the migration hold, and what stands against them.

use serde::Serialize;

use super::history::{self, Standing as OfRun};
use super::migrate::{PHASES, Phase};
use super::security_fix::StandingCredential;
use super::{Context, cleanup as phase_3, dockerfile_prod as phase_4, env_standardize as phase_2, security_fix as phase_1};
use crate::error::Result;
use crate::text::{Span, counted};

/// One phase as it stands today.
#[derive(Serialize)]
pub struct PhaseStatus {
    pub number: u8,
    pub name: &'static str,
    pub holds: bool,
    pub standing: Standing,
    /// One sentence.
    pub state: String,
    pub findings: Vec<FindingStatus>,
    /// What else is to be done, a line each.
    pub open: Vec<String>,
    /// Stacks that cannot be judged, and why.
    pub unread: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nothing stands against it.
    Done,
    Pending,
    /// It was carried out, and something stands against it again.
    Drifted,
    /// This machine cannot tell, and that is nothing against it.
    Unjudged,
}

/// What stands against a phase.
pub struct Look {
    pub findings: Vec<FindingStatus>,
    pub open: Vec<String>,
    pub unread: Vec<String>,
    /// One sentence.
    pub state: String,
    /// Whether there was anything to look at.
    pub judged: bool,
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

/// All phases, for the stacks named.
pub fn phases(cx: &Context<'_>, stacks: &[String]) -> Result<Vec<PhaseStatus>> {
    let runs = history::runs(&cx.store)?;
    // What nobody uses any more comes by itself: it undoes no cleanup, it waits for one.
    let was_done =
        |phase: &Phase| phase.name != phase_3::TASK && runs.iter().any(|run| run.task == phase.name && run.standing == OfRun::Committed);
    PHASES.iter().map(|phase| Ok(status(phase, (phase.look)(cx, stacks)?, was_done(phase)))).collect()
}

fn status(phase: &Phase, look: Look, was_done: bool) -> PhaseStatus {
    let Look { findings, open, unread, state, judged } = look;
    let holds = findings.is_empty() && open.is_empty() && unread.is_empty();
    let standing = match (holds, was_done) {
        _ if !judged => Standing::Unjudged,
        (true, _) => Standing::Done,
        (false, true) => Standing::Drifted,
        (false, false) => Standing::Pending,
    };
    PhaseStatus { number: phase.number, name: phase.name, holds, standing, state, findings, open, unread }
}

/// Of phase 1.
pub fn security_fix(cx: &Context<'_>, stacks: &[String]) -> Result<Look> {
    let standing = phase_1::standing(cx, stacks)?;
    let findings: Vec<FindingStatus> = standing.credentials.into_iter().map(finding).collect();
    let files = {
        let mut paths: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
        paths.dedup();
        paths.len()
    };
    let state = match (findings.len(), standing.unread.len()) {
        (0, 0) => "no credential stands in a file that git may see".to_string(),
        (0, unread) => format!("{unread} stacks cannot be judged"),
        (found, _) => format!("{found} credentials in {files} files; `cargo xtask migrate --phase 1 --dry-run` shows what to do"),
    };
    Ok(Look { findings, open: Vec::new(), unread: standing.unread, state, judged: true })
}

/// Of phase 2.
pub fn env_standardize(cx: &Context<'_>, stacks: &[String]) -> Result<Look> {
    let standing = phase_2::standing(cx, stacks)?;
    let state = match (standing.changes.len(), standing.unread.len()) {
        (0, 0) => "every service gets its variables from the root's .env, and the example names them all".to_string(),
        (0, unread) => format!("{unread} stacks cannot be judged"),
        (changes, _) => format!(
            "{} elsewhere, {} to change; `cargo xtask migrate --phase 2 --dry-run` shows what to do",
            counted(standing.elsewhere.len(), "env_file"),
            counted(changes, "file")
        ),
    };
    let mut open: Vec<String> = standing.elsewhere.iter().map(|place| format!("{place} names another file than the root's .env")).collect();
    if open.is_empty() {
        open = standing.changes.iter().map(|path| format!("{path} is not complete")).collect();
    }
    Ok(Look { findings: Vec::new(), open, unread: standing.unread, state, judged: true })
}

/// Of phase 3: by what carries the project's labels; what others leave on the same engine is not this project's standing.
pub fn cleanup(cx: &Context<'_>, stacks: &[String]) -> Result<Look> {
    if cx.live().is_none() {
        let state = "no engine answers, so nothing is looked at".to_string();
        return Ok(Look { findings: Vec::new(), open: Vec::new(), unread: Vec::new(), state, judged: false });
    }
    let options = phase_3::Options { stacks: stacks.to_vec(), only_labelled: true, ..phase_3::Options::default() };
    let found = phase_3::survey(cx, &options)?;
    let state = match found.unused.len() {
        0 => "nothing of this project is on the engine that nobody uses".to_string(),
        some => format!("{} unused; `cargo xtask migrate --phase 3 --dry-run` shows what to do", counted(some, "thing")),
    };
    let open = found.unused.iter().map(|(thing, why)| format!("the {} {}: {why}", thing.kind.word(), thing.name)).collect();
    Ok(Look { findings: Vec::new(), open, unread: found.unread, state, judged: true })
}

/// Of phase 4.
pub fn dockerfile_prod(cx: &Context<'_>, stacks: &[String]) -> Result<Look> {
    let standing = phase_4::standing(cx, stacks)?;
    let state = match (standing.open.len(), standing.unread.len()) {
        (0, 0) => format!("{} with a production image, all files as they were written", counted(standing.held.len(), "service")),
        (0, unread) => format!("{unread} services or stacks cannot be judged"),
        (open, _) => format!("{} to write; `cargo xtask migrate --phase 4 --dry-run` shows what to do", counted(open, "file")),
    };
    let open = standing.open.iter().map(|path| format!("{path} is not there, or not as it would be written")).collect();
    Ok(Look { findings: Vec::new(), open, unread: standing.unread, state, judged: true })
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
