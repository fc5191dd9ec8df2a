//! The commands of every day.

use std::path::PathBuf;

use super::Exit;
use super::args::{Cli, Command, Everyday, Format, Global, LogsArgs};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::report::answer::Answer;
use crate::report::everyday::{self as said, Printer};
use crate::report::live::Live;
use crate::report::{self, Look};
use crate::tasks::everyday::{self, Wanted};
use crate::tasks::{Context, Doors, deploy};

pub fn run(cx: &Context<'_>, command: &Everyday) -> Result<(Exit, Answer)> {
    let (well, answer) = match command {
        Everyday::DevUp(args) => {
            let up = everyday::dev_up(cx, &args.words)?;
            (up.is_well(), said::Everyday::Up(up))
        }
        Everyday::DevDown(args) => (true, said::Everyday::Down(everyday::dev_down(cx, &args.stacks, args.volumes)?)),
        Everyday::ProdDown(args) => (true, said::Everyday::Down(everyday::prod_down(cx, &args.stacks, args.all)?)),
        Everyday::Restart(args) => {
            let restarted = everyday::restart(cx, &args.words)?;
            (restarted.ill.is_empty(), said::Everyday::Restarted(restarted))
        }
        Everyday::Ps(args) => {
            let services = everyday::services(cx, &args.words)?;
            (services.is_well(), said::Everyday::Services(services))
        }
        Everyday::Status(args) => {
            let status = deploy::status(cx, &args.stacks)?;
            let exit = match (status.is_whole(), status.drifts()) {
                (false, _) => Exit::Unusable,
                (true, drifts) => {
                    if drifts {
                        Exit::NotAsItShouldBe
                    } else {
                        Exit::Done
                    }
                }
            };
            return Ok((exit, Answer::Everyday(Box::new(said::Everyday::Status(status)))));
        }
        Everyday::Logs(_) => return Err(Error::unusable("logs are printed as they are read")),
    };
    let exit = if well { Exit::Done } else { Exit::NotAsItShouldBe };
    Ok((exit, Answer::Everyday(Box::new(answer))))
}

/// Logs are no document at the end: they are printed as they come.
pub fn asks_for_logs(cli: &Cli) -> Option<&LogsArgs> {
    match &cli.command {
        Command::Everyday(Everyday::Logs(args)) => Some(args),
        _ => None,
    }
}

/// Ctrl-C is the usual way to end it, so that is no interruption.
pub fn logs(global: &Global, args: &LogsArgs, look: Look) -> Exit {
    let json = match global.format {
        Format::Human => false,
        Format::Json => true,
        _ => {
            let error = Error::unusable("logs have no report of that format").help("use --format human or --format json");
            report::err(&report::error(&error, look));
            return Exit::Unusable;
        }
    };
    match print(global, args, look, json) {
        Ok(()) => Exit::Done,
        Err(error) => {
            report::err(&report::error(&error, look));
            Exit::from(error.kind)
        }
    }
}

fn print(global: &Global, args: &LogsArgs, look: Look, json: bool) -> Result<()> {
    let (live, cancel) = (Live::new(look, false), Cancel::on_signals(|_| {})?);
    let folder = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let nobody = |_: &str| Ok(false);
    let mut cx = Context::open(&folder, &live, &cancel, global.dry_run, &nobody)?;
    cx.doors = Doors::open(&cancel)?;
    let wanted = Wanted { follow: args.follow, since: args.since.clone(), tail: args.tail };
    let printer = Printer::new(look, json);
    everyday::logs(&cx, &args.words, &wanted, &mut |services| printer.names(services), &mut |line| printer.print(line))
}
