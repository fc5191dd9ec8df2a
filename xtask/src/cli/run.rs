//! Which task a command means.

use std::path::PathBuf;

use super::args::{Cli, Command, Format, RenderArgs, RollbackArgs, SecurityFixArgs};
use super::{Exit, completions, manual};
use crate::error::{Error, Result};
use crate::event::{Event, Sink};
use crate::report::{self, Look, live::Live};
use crate::saga::Cancel;
use crate::tasks::security_fix::{self, Options};
use crate::tasks::{self, Context, Ended, Overrides};

pub fn run(cli: &Cli, look: Look) -> Result<Exit> {
    match &cli.command {
        Command::Completions { shell } => {
            report::bytes(&completions(*shell));
            return Ok(Exit::Done);
        }
        Command::Man => {
            report::bytes(&manual());
            return Ok(Exit::Done);
        }
        _ => {}
    }
    let cancel =
        Cancel::on_signals(move |doing| report::err(&look.line(report::Style::Warn, "Stopping", &format!("{doing} is being finished"))))?;
    let folder = cli.global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let live = Live::new(look);
    let confirm = |question: &str| consent(cli, question);
    let cx = Context::open(&folder, &live as &dyn Sink, &cancel, cli.global.dry_run, &confirm)?;
    match &cli.command {
        Command::History => history(&cx, cli.global.format),
        Command::Rollback(args) => rollback(&cx, args),
        Command::Recover => recover(&cx),
        Command::SecurityFix(args) => security_fix(&cx, args, cli.global.format),
        Command::Migrate(args) if args.phase == Some(1) => security_fix(&cx, &args.security_fix, cli.global.format),
        Command::Render(args) => render(&cx, args),
        Command::Doctor => doctor(&cx, cli.global.format, look),
        _ => Err(Error::unusable("not yet")),
    }
}

/// `--yes`, or a person at a terminal.
fn consent(cli: &Cli, question: &str) -> Result<bool> {
    if cli.global.yes {
        return Ok(true);
    }
    report::ask(question).ok_or_else(|| {
        Error::refused("nothing was touched").why("there is no terminal to ask on").help("add --yes, or look first with --dry-run")
    })
}

fn history(cx: &Context<'_>, format: Format) -> Result<Exit> {
    let runs = tasks::history::runs(&cx.store)?;
    match format {
        Format::Human => report::out(&report::history::table(&runs)),
        Format::Json => report::json(&runs)?,
    }
    Ok(Exit::Done)
}

fn recover(cx: &Context<'_>) -> Result<Exit> {
    tasks::recover::recover(cx)?;
    Ok(Exit::Done)
}

fn doctor(cx: &Context<'_>, format: Format, look: Look) -> Result<Exit> {
    let checkups = tasks::doctor::examine(cx)?;
    match format {
        Format::Human => report::out(&report::doctor::list(&checkups, look)),
        Format::Json => report::json(&checkups)?,
    }
    Ok(if checkups.iter().all(|checkup| checkup.ok) { Exit::Done } else { Exit::NotAsItShouldBe })
}

fn security_fix(cx: &Context<'_>, args: &SecurityFixArgs, _format: Format) -> Result<Exit> {
    let options = Options {
        stacks: args.stacks.clone(),
        commit: args.commit,
        recreate: args.recreate,
        rehearse: args.rehearse,
        strict: args.strict,
        untrack: args.untrack,
        allow_dirty: args.allow_dirty,
        require_live: args.require_live,
    };
    let overrides = Overrides { guards: args.overrides.clone(), reason: args.reason.clone().unwrap_or_default() };
    match security_fix::run(cx, &options, &overrides)? {
        Ended::NothingToDo => cx.events.emit(Event::Note("nothing to do: no credential stands in a compose file".into())),
        Ended::Planned => cx.events.emit(Event::Note("this is the plan; nothing was touched".into())),
        Ended::Committed { run, .. } => cx.events.emit(Event::Note(format!("committed; undo it with `cargo xtask rollback {run}`"))),
    }
    Ok(Exit::Done)
}

fn render(cx: &Context<'_>, args: &RenderArgs) -> Result<Exit> {
    report::json(&tasks::render::masked(cx, &args.stack)?)?;
    Ok(Exit::Done)
}

fn rollback(cx: &Context<'_>, args: &RollbackArgs) -> Result<Exit> {
    let overrides = Overrides { guards: args.overrides.clone(), reason: args.reason.clone().unwrap_or_default() };
    match tasks::rollback::rollback(cx, args.run.as_deref(), &overrides)? {
        Ended::NothingToDo => cx.events.emit(Event::Note("nothing to do".into())),
        Ended::Planned => cx.events.emit(Event::Note("this is the plan; nothing was touched".into())),
        Ended::Committed { .. } => cx.events.emit(Event::Note("rolled back".into())),
    }
    Ok(Exit::Done)
}
