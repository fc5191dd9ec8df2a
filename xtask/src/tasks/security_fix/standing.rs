//! What stands against phase 1 today.

use std::rc::Rc;

use super::show::telling_comments;
use super::survey::survey;
use crate::error::Result;
use crate::finding::Finding;
use crate::source::Disk;
use crate::tasks::Context;
use crate::text::{LineIndex, Span};

/// A credential in a file that git may see.
pub struct StandingCredential {
    pub finding: Finding,
    /// Relative to the project's root.
    pub path: String,
    pub line: usize,
    pub column: usize,
    /// The whole file, for its lines.
    pub text: Rc<str>,
    /// Where credentials stand in it.
    pub secrets: Vec<Span>,
}

pub struct Standing {
    pub credentials: Vec<StandingCredential>,
    /// Stacks that do not render.
    pub unread: Vec<String>,
}

/// Looks, and changes nothing.
pub fn standing(cx: &Context<'_>, stacks: &[String]) -> Result<Standing> {
    let chosen = cx.project.select(stacks)?;
    let found = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
    let masker = found.masker();
    let mut credentials = Vec::new();
    for looked in &found.files {
        let text: Rc<str> = looked.text.as_str().into();
        let mut secrets: Vec<Span> = looked.evidence.iter().map(|evidence| evidence.source).collect();
        secrets.extend(telling_comments(&looked.text, &masker));
        let lines = LineIndex::new(&looked.text);
        for evidence in &looked.evidence {
            let (line, column) = lines.line_column(&looked.text, evidence.finding.span.start);
            credentials.push(StandingCredential {
                finding: evidence.finding.clone(),
                path: cx.project.relative(&looked.path).display().to_string(),
                line,
                column,
                text: text.clone(),
                secrets: secrets.clone(),
            });
        }
    }
    let unread = found.broken.iter().filter(|broken| broken.chosen).map(|broken| format!("stack {}: {}", broken.stack.id, broken.why));
    Ok(Standing { credentials, unread: unread.collect() })
}
