//! Phase 1: credentials out of compose files, into `.env`, with nothing that renders changed.
//!
//! survey -> spots -> credentials -> variables -> draft -> plan; then the guarded way, then the
//! proof, which starts again from the files.

mod before;
mod draft;
mod equal;
mod group;
mod home;
mod lines;
mod live;
mod name;
mod prepare;
mod prove;
mod rendering;
mod rewrite;
mod show;
mod spot;
mod spots;
mod survey;
mod taken;

use before::Asked;
use prove::Rendered;

pub use show::credentials as credentials_in_text;

use super::{Context, Ended, Overrides, Prepared, carry_out};
use crate::error::Result;
use crate::saga::Proof;

/// What the caller chose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Stacks by name; none means all.
    pub stacks: Vec<String>,
    pub commit: bool,
    pub recreate: bool,
    pub rehearse: bool,
    pub strict: bool,
    pub untrack: bool,
    pub allow_dirty: bool,
    pub require_live: bool,
}

/// Carries phase 1 out.
pub fn run(cx: &Context<'_>, options: &Options, overrides: &Overrides) -> Result<Ended> {
    let stop = cx.stop();
    let asked = cx.doors.compose.as_deref().map(|compose| Asked { compose, masker: &cx.masker, cancel: &stop });
    let asked = asked.as_ref();
    carry_out(cx, "security-fix", overrides, |_| {
        let mut proposal = prepare::propose(cx, options, asked)?;
        let (plan, contents) = prepare::plan(cx, &proposal, options);
        let preview = prepare::preview(cx, &proposal);
        let guards = std::mem::take(&mut proposal.guards);
        let prove = move || {
            let mut proof = Proof::default();
            let rendered = Rendered {
                cx,
                before: &proposal.before,
                permitted: &proposal.permitted,
                chosen: &proposal.chosen,
                asked,
                left: proposal.left.len(),
            };
            rendered.prove(&mut proof)
        };
        Ok(Prepared { guards, plan, contents, preview, prove: Box::new(prove) })
    })
}
