//! `pull` and `build`.

use super::Exit;
use super::args::{BuildArgs, PullArgs};
use crate::error::Result;
use crate::report::answer::Answer;
use crate::tasks::{Context, images};

pub fn pull(cx: &Context<'_>, args: &PullArgs) -> Result<(Exit, Answer)> {
    let (ended, fetched) = images::pull(cx, &args.stacks, args.tag.as_deref())?;
    Ok((Exit::Done, Answer::Fetched(ended, fetched)))
}

pub fn build(cx: &Context<'_>, args: &BuildArgs) -> Result<(Exit, Answer)> {
    Ok((Exit::Done, Answer::Built(images::build(cx, &args.stacks, args.tag.as_deref(), args.push)?)))
}
