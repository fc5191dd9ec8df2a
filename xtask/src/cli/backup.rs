//! `backup` and what belongs to it.

use super::Exit;
use super::args::{BackupArgs, BackupCommand, Command, CreateArgs, RestoreArgs};
use crate::error::Result;
use crate::project::KeepSettings;
use crate::report;
use crate::report::answer::Answer;
use crate::report::backup::Backup;
use crate::tasks::backup::{self, Forget, Request};
use crate::tasks::{Context, restore};

/// Opens the repository that the command needs while engine and Compose are looked for.
pub fn open_ahead(cx: &Context<'_>, command: &Command) {
    let repository = match command {
        Command::Backup(BackupArgs { command: None, create }) => &create.repository,
        Command::Backup(BackupArgs { command: Some(BackupCommand::Verify { repository, .. }), .. }) => repository,
        Command::Restore(args) => &args.repository,
        _ => return,
    };
    backup::open_ahead(cx, repository.to.as_deref());
}

pub fn run(cx: &Context<'_>, args: &BackupArgs) -> Result<(Exit, Answer)> {
    let answer = |exit, answer| Ok((exit, Answer::Backup(Box::new(answer))));
    match &args.command {
        None => create(cx, &args.create),
        Some(BackupCommand::List { stacks, repository }) => {
            answer(Exit::Done, Backup::Listed(backup::list(cx, stacks, repository.to.as_deref())?))
        }
        Some(BackupCommand::Show { backup: name, dump: None, repository }) => {
            answer(Exit::Done, Backup::Shown(Box::new(backup::show(cx, name, repository.to.as_deref())?)))
        }
        Some(BackupCommand::Show { backup: name, dump: Some(which), repository }) => {
            backup::dump(cx, name, which, repository.to.as_deref(), &mut report::Raw)?;
            Ok((Exit::Done, Answer::Text(Vec::new())))
        }
        Some(BackupCommand::Forget { keep_last, keep_daily, keep_weekly, keep_monthly, prune, repository }) => {
            let keep = KeepSettings { last: *keep_last, daily: *keep_daily, weekly: *keep_weekly, monthly: *keep_monthly };
            let ended = backup::forget(cx, &Forget { keep, prune: *prune, to: repository.to.clone() })?;
            Ok((Exit::Done, Answer::Ended(ended)))
        }
        Some(BackupCommand::Schedule) => answer(Exit::Done, Backup::Scheduled(backup::schedule(cx)?)),
        Some(BackupCommand::Check { read_data, repository }) => {
            let faults = backup::check(cx, *read_data, repository.to.as_deref())?;
            let exit = if faults.iter().any(|fault| fault.severe) { Exit::NotAsItShouldBe } else { Exit::Done };
            answer(exit, Backup::Checked { read_data: *read_data, faults })
        }
        Some(BackupCommand::Verify { backup: name, deep, repository }) => {
            let looked = backup::verify(cx, name, *deep, repository.to.as_deref())?;
            let exit = if looked.fault.is_some() { Exit::NotAsItShouldBe } else { Exit::Done };
            answer(exit, Backup::Verified(Box::new(looked)))
        }
    }
}

fn create(cx: &Context<'_>, args: &CreateArgs) -> Result<(Exit, Answer)> {
    let to = args.repository.to.as_deref();
    if args.key_saved && args.stacks.is_empty() {
        backup::key_saved(cx, to)?;
        return Ok((Exit::Done, Answer::Text(Vec::new())));
    }
    let request = Request {
        stacks: args.stacks.clone(),
        services: args.services.clone(),
        to: to.map(String::from),
        key_saved: args.key_saved,
        deep: args.deep,
        full: args.full,
    };
    let mut made = backup::create(cx, &request)?;
    if args.verify {
        backup::verify_made(cx, &mut made, &request)?;
    }
    let whole = made.verified.iter().all(|looked| looked.fault.is_none());
    Ok((if whole { Exit::Done } else { Exit::NotAsItShouldBe }, Answer::Backup(Box::new(Backup::Made(made)))))
}

pub fn restore(cx: &Context<'_>, args: &RestoreArgs) -> Result<(Exit, Answer)> {
    let to = args.repository.to.as_deref();
    if let Some(path) = &args.what.file {
        restore::file(cx, &args.backup, path, to, &mut report::Raw)?;
        return Ok((Exit::Done, Answer::Text(Vec::new())));
    }
    if args.what.list {
        let paths = restore::list(cx, &args.backup, to)?;
        return Ok((Exit::Done, Answer::Backup(Box::new(Backup::Paths(paths)))));
    }
    let request = restore::Request {
        backup: args.backup.clone(),
        services: args.services.clone(),
        stop: args.stop,
        no_backup: args.no_backup,
        to: to.map(String::from),
    };
    if args.what.to_scratch {
        let laying = restore::to_scratch(cx, &request)?;
        return Ok((Exit::Done, Answer::Backup(Box::new(Backup::Laid(laying)))));
    }
    Ok((Exit::Done, Answer::Ended(restore::in_place(cx, &request)?)))
}
