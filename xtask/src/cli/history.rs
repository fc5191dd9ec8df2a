//! The command `history`.

use clap::Args;

use super::Exit;
use crate::error::Result;
use crate::report::answer::Answer;
use crate::report::env::Env;
use crate::tasks::{Context, env, history, releases};

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// List the releases instead: of STACK, or of all stacks
    #[arg(long, value_name = "STACK", num_args = 0..=1, default_missing_value = "")]
    pub releases: Option<String>,
    /// List which variables of env files and compose files changed when, and by which run: names, never values
    #[arg(long, conflicts_with = "releases")]
    pub env: bool,
}

pub fn answer(cx: &Context<'_>, args: &HistoryArgs) -> Result<(Exit, Answer)> {
    if args.env {
        return Ok((Exit::Done, Answer::Env(Box::new(Env::History(env::changes(cx)?)))));
    }
    let answer = match args.releases.as_deref() {
        None => Answer::History(history::runs(&cx.store)?),
        Some(stack) => Answer::Releases(releases::releases(cx, Some(stack).filter(|stack| !stack.is_empty()))?),
    };
    Ok((Exit::Done, answer))
}
