//! Production images.

use super::args::DockerfileProdArgs;
use super::{Exit, migrate};
use crate::error::Result;
use crate::report::answer::Answer;
use crate::tasks::migrate::Wish;
use crate::tasks::{Context, Overrides};

pub fn run(cx: &Context<'_>, args: &DockerfileProdArgs) -> Result<(Exit, Answer)> {
    let DockerfileProdArgs { stacks, activate, commit, allow_dirty, require_live, overrides, reason } = args.clone();
    let wish = Wish { stacks, activate, commit, allow_dirty, require_live, ..Wish::default() };
    migrate::carry_out(cx, 4, &wish, &Overrides { guards: overrides, reason: reason.unwrap_or_default() })
}
