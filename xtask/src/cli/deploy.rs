//! The commands that bring stacks into production.

use super::Exit;
use super::args::{ProdUpArgs, RollbackArgs};
use crate::error::Result;
use crate::release::Accepted;
use crate::report::answer::Answer;
use crate::tasks::deploy::{Request, prod_up, rollback_release};
use crate::tasks::{Context, Ended, Overrides};

pub fn up(cx: &Context<'_>, args: &ProdUpArgs) -> Result<(Exit, Answer)> {
    let reason = args.reason.clone().unwrap_or_default();
    let request = Request {
        stack: args.stack.clone(),
        services: args.services.clone(),
        tag: args.tag.clone(),
        accepted: args.accepted.iter().map(|rule| Accepted { rule: rule.clone(), reason: reason.clone() }).collect(),
        no_rehearse: args.no_rehearse,
    };
    let ended = prod_up(cx, &request, &Overrides { guards: args.overrides.clone(), reason })?;
    let differs = args.check && matches!(ended, Ended::Planned);
    Ok((if differs { Exit::NotAsItShouldBe } else { Exit::Done }, Answer::Ended(ended)))
}

pub fn back(cx: &Context<'_>, args: &RollbackArgs, overrides: &Overrides) -> Result<(Exit, Answer)> {
    let ended = rollback_release(cx, args.run.as_deref(), args.to.as_deref(), overrides)?;
    Ok((Exit::Done, Answer::Ended(ended)))
}
