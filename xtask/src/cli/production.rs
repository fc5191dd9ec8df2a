//! Production images.

use super::Exit;
use super::args::{DockerfileProdArgs, SecurityFixArgs};
use super::run::overrides;
use crate::error::Result;
use crate::report::answer::Answer;
use crate::tasks::Context;
use crate::tasks::dockerfile_prod::{self, Options};

pub fn run(cx: &Context<'_>, args: &DockerfileProdArgs) -> Result<(Exit, Answer)> {
    let options = Options {
        stacks: args.stacks.clone(),
        activate: args.activate,
        commit: args.commit,
        allow_dirty: args.allow_dirty,
        require_live: args.require_live,
    };
    let (ended, report) = dockerfile_prod::run(cx, &options, &overrides(&args.overrides, args.reason.as_deref()))?;
    Ok((Exit::Done, Answer::Production(ended, Box::new(report))))
}

/// As a phase of the migration: with the options that phases have in common.
pub fn phase(cx: &Context<'_>, args: &SecurityFixArgs) -> Result<(Exit, Answer)> {
    run(
        cx,
        &DockerfileProdArgs {
            stacks: args.stacks.clone(),
            activate: false,
            commit: args.commit,
            allow_dirty: args.allow_dirty,
            require_live: args.require_live,
            overrides: args.overrides.clone(),
            reason: args.reason.clone(),
        },
    )
}
