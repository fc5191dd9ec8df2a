//! The command `history`.

use clap::Args;

use super::Exit;
use crate::error::Result;
use crate::report::answer::Answer;
use crate::tasks::{Context, history, releases};

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// List the releases instead: of STACK, or of all stacks
    #[arg(long, value_name = "STACK", num_args = 0..=1, default_missing_value = "")]
    pub releases: Option<String>,
}

pub fn answer(cx: &Context<'_>, args: &HistoryArgs) -> Result<(Exit, Answer)> {
    let answer = match args.releases.as_deref() {
        None => Answer::History(history::runs(&cx.store)?),
        Some(stack) => Answer::Releases(releases::releases(cx, Some(stack).filter(|stack| !stack.is_empty()))?),
    };
    Ok((Exit::Done, answer))
}
