//! The commands that bring stacks into production.

use super::Exit;
use super::args::{PreflightArgs, ProdUpArgs, RollbackArgs};
use crate::error::Result;
use crate::release::Accepted;
use crate::report::answer::Answer;
use crate::report::runbook::markdown;
use crate::tasks::deploy::preflight::{self, runbook};
use crate::tasks::deploy::{Request, WantedBack, WantedData, prod_up, rollback_release};
use crate::tasks::{Context, Ended, Overrides};

pub fn up(cx: &Context<'_>, args: &ProdUpArgs) -> Result<(Exit, Answer)> {
    let reason = args.reason.clone().unwrap_or_default();
    let request = Request {
        stack: args.stack.clone(),
        services: args.services.clone(),
        tag: args.tag.clone(),
        accepted: args.accepted.iter().map(|rule| Accepted { rule: rule.clone(), reason: reason.clone() }).collect(),
        no_rehearse: args.no_rehearse,
        rehearse_with_data: args.rehearse_with_data,
    };
    let ended = prod_up(cx, &request, &Overrides { guards: args.overrides.clone(), reason })?;
    let differs = args.check && matches!(ended, Ended::Planned);
    Ok((if differs { Exit::NotAsItShouldBe } else { Exit::Done }, Answer::Ended(ended)))
}

pub fn back(cx: &Context<'_>, args: &RollbackArgs, overrides: &Overrides) -> Result<(Exit, Answer)> {
    let backup = |named: &String| Some(named.clone()).filter(|named| !named.is_empty());
    let data = args.with_data.as_ref().map(|named| WantedData { backup: backup(named), no_backup: args.no_backup });
    let ended = rollback_release(cx, args.run.as_deref(), &WantedBack { to: args.to.clone(), data }, overrides)?;
    Ok((Exit::Done, Answer::Ended(ended)))
}

pub fn preflight(cx: &Context<'_>, args: &PreflightArgs) -> Result<(Exit, Answer)> {
    let request = preflight::Request { stack: args.stack.clone(), tag: args.tag.clone(), no_rehearse: args.no_rehearse };
    let Some(file) = &args.runbook else {
        let answered = preflight::preflight(cx, &request)?;
        let exit = match answered.answer() {
            preflight::Answer::Ok => Exit::Done,
            preflight::Answer::NotOk => Exit::NotAsItShouldBe,
            preflight::Answer::NotTried => Exit::Unusable,
        };
        return Ok((exit, Answer::Preflight(Box::new(answered))));
    };
    let exits = Exit::ALL.map(|exit| (exit.code(), exit.meaning()));
    let text = markdown(&runbook::of(cx, &request)?, &exits);
    if file.as_os_str() == "-" {
        return Ok((Exit::Done, Answer::Text(text.into_bytes())));
    }
    runbook::write(file, &text, args.force)?;
    Ok((Exit::Done, Answer::Wrote(file.clone())))
}
