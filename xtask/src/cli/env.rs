//! The commands about variables.

use super::Exit;
use super::args::{EnvArgs, EnvCommand};
use super::audit::today;
use crate::error::Result;
use crate::report::answer::Answer;
use crate::report::env::Env;
use crate::tasks::{Context, Ended, env};

pub fn run(cx: &Context<'_>, args: &EnvArgs) -> Result<(Exit, Answer)> {
    match &args.command {
        EnvCommand::Check { stacks, environment } => {
            let found = env::check(cx, stacks, environment.as_deref(), today())?;
            let exit = match (found.unread.is_empty(), found.problems.is_empty()) {
                (false, _) => Exit::Unusable,
                (true, false) => Exit::NotAsItShouldBe,
                (true, true) => Exit::Done,
            };
            Ok((exit, Answer::Env(Box::new(Env::Checked(found)))))
        }
        EnvCommand::Template { check, allow_dirty } => {
            let ended = env::template(cx, *allow_dirty)?;
            let differs = *check && matches!(ended, Ended::Planned);
            Ok((if differs { Exit::NotAsItShouldBe } else { Exit::Done }, Answer::Ended(ended)))
        }
        EnvCommand::Init { environment } => {
            let (ended, made) = env::init(cx, environment.as_deref())?;
            Ok((Exit::Done, Answer::Env(Box::new(Env::Init(ended, made)))))
        }
        EnvCommand::Diff { environments } => Ok((Exit::Done, Answer::Env(Box::new(Env::Diff(env::diff(cx, environments)?))))),
    }
}
