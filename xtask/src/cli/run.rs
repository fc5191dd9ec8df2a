//! Which task a command means, and where its answer goes.

use std::path::PathBuf;

use super::args::{BackupCommand, Cli, Command, EnvArgs, EnvCommand, Format, SchemaArg};
use super::{Exit, audit, backup, bench, completions, deploy, env, everyday, history, images, manual, migrate, production};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::event::Sink;
use crate::report::answer::{Answer, Document};
use crate::report::collect::Collect;
use crate::report::live::Live;
use crate::report::{self, Look, Style};
use crate::tasks::recover::Recovered;
use crate::tasks::{self, Context, Doors, Overrides};

/// Carries a command out and says how it ended, in the form that was asked for.
pub fn run(cli: &Cli, look: Look) -> Exit {
    if let Some(args) = everyday::asks_for_logs(cli) {
        return everyday::logs(&cli.global, args, look);
    }
    match cli.global.format {
        Format::Sarif => document(cli, look, Document::Sarif),
        Format::Github => document(cli, look, Document::Github),
        Format::Markdown => document(cli, look, Document::Markdown),
        Format::Html => document(cli, look, Document::Html),
        Format::Human => {
            let live = Live::new(look, cli.global.dry_run);
            match carry_out(cli, &live, look) {
                Ok((exit, answer)) => {
                    report::out(&answer.text(look.for_output()));
                    answer.leave();
                    exit
                }
                Err(error) => {
                    report::err(&report::error(&error, look));
                    Exit::from(error.kind)
                }
            }
        }
        Format::Json => {
            let collect = Collect::default();
            let ended = carry_out(cli, &collect, look);
            let exit = ended.as_ref().map_or_else(|error| Exit::from(error.kind), |(exit, _)| *exit);
            collect.print(exit.code(), ended.map(|(_, answer)| answer));
            exit
        }
    }
}

/// A report of what was looked at; what happens meanwhile is told on standard error.
fn document(cli: &Cli, look: Look, document: Document) -> Exit {
    let looks = matches!(&cli.command, Command::Explain(_) | Command::Review(_))
        || matches!(&cli.command, Command::Audit(args) if args.fix.is_none());
    let ended = if looks {
        carry_out(cli, &Live::new(look, cli.global.dry_run), look)
    } else {
        Err(Error::unusable("this command has no report of that format").help("use --format human or --format json"))
    };
    match ended.and_then(|(exit, answer)| Ok((exit, answer.document(document)?, answer))) {
        Ok((exit, text, answer)) => {
            report::out(&text);
            answer.leave();
            exit
        }
        Err(error) => {
            report::err(&report::error(&error, look));
            Exit::from(error.kind)
        }
    }
}

fn carry_out(cli: &Cli, events: &dyn Sink, look: Look) -> Result<(Exit, Answer)> {
    match &cli.command {
        Command::Completions { shell } => return Ok((Exit::Done, Answer::Text(completions(*shell)))),
        Command::Schema { of } => return Ok((Exit::Done, Answer::Text(schema(*of)))),
        Command::Man => return Ok((Exit::Done, Answer::Text(manual()))),
        Command::Audit(args) if args.fix.is_none() => return audit::audit(&cli.global, args),
        Command::Review(args) => return audit::review(&cli.global, args),
        Command::Explain(args) => return audit::explain(args),
        _ => {}
    }
    let cancel = Cancel::on_signals(move |doing| {
        report::err(&look.line(Style::Warn, "Stopping", &format!("already; being finished: {doing}")));
    })?;
    let folder = cli.global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let confirm = |question: &str| consent(cli, question, &cancel);
    if let Command::Try(args) = &cli.command {
        return tasks::try_out::try_out(&args.example, args.keep, events, &cancel).map(|tried| (Exit::Done, Answer::Tried(tried)));
    }
    if let Command::Bench(args) = &cli.command {
        return bench::bench(args, events, &cancel);
    }
    let confirm_by_name = |question: &str, name: &str| typed_consent(cli, question, name, &cancel);
    let checks_template = matches!(&cli.command, Command::Env(EnvArgs { command: EnvCommand::Template { check: true, .. } }));
    let dry_run = cli.global.dry_run || checks_template || matches!(&cli.command, Command::ProdUp(args) if args.check);
    let mut cx = Context { confirm_by_name: &confirm_by_name, ..Context::open(&folder, events, &cancel, dry_run, &confirm)? };
    let live = matches!(
        cli.command,
        Command::Migrate(_)
            | Command::SecurityFix(_)
            | Command::EnvStandardize(_)
            | Command::Cleanup(_)
            | Command::DockerfileProd(_)
            | Command::Rollback(_)
            | Command::Recover
    );
    if live
        || matches!(cli.command, Command::Pull(_) | Command::Build(_) | Command::Everyday(_) | Command::ProdUp(_) | Command::Backup(_))
        || matches!(cli.command, Command::Restore(_) | Command::Metrics(_))
    {
        cx.doors = Doors::open(&cancel)?;
    }
    if matches!(&cli.command, Command::Preflight(args) if args.runbook.is_none()) {
        cx.doors = Doors::open(&cancel)?;
    }
    match &cli.command {
        Command::Audit(args) => audit::fix(&cx, &cli.global, args),
        Command::SecurityFix(args) => migrate::security_fix(&cx, args),
        Command::EnvStandardize(args) => migrate::env_standardize(&cx, args),
        Command::Cleanup(args) => migrate::cleanup(&cx, args),
        Command::Env(args) => env::run(&cx, args),
        Command::DockerfileProd(args) => production::run(&cx, args),
        Command::Metrics(args) => Ok((Exit::Done, Answer::Metrics(tasks::metrics::metrics(&cx, &args.stacks)?))),
        Command::Everyday(command) => everyday::run(&cx, command),
        Command::Migrate(args) => migrate::migrate(&cx, args, !cli.global.confirm.is_empty()),
        Command::Rollback(args) => {
            let overrides = overrides(&args.overrides, args.reason.as_deref());
            if args.release {
                return deploy::back(&cx, args, &overrides);
            }
            Ok((Exit::Done, Answer::Ended(tasks::rollback::rollback(&cx, args.run.as_deref(), &overrides)?)))
        }
        Command::ProdUp(args) => deploy::up(&cx, args),
        Command::Preflight(args) => deploy::preflight(&cx, args),
        Command::Pull(args) => images::pull(&cx, args),
        Command::Backup(args) => backup::run(&cx, args),
        Command::Restore(args) => backup::restore(&cx, args),
        Command::Build(args) => images::build(&cx, args),
        Command::Recover => {
            let recovered = tasks::recover::recover(&cx)?;
            let open = matches!(recovered, Recovered::WouldPutBack { .. } | Recovered::WouldFinish { .. });
            Ok((if open { Exit::NotAsItShouldBe } else { Exit::Done }, Answer::Recovered(recovered)))
        }
        Command::History(args) => history::answer(&cx, args),
        Command::Render(args) => Ok((Exit::Done, Answer::Model(tasks::render::masked(&cx, &args.stack)?))),
        Command::Doctor => {
            let checkups = tasks::doctor::examine(&cx)?;
            let well = checkups.iter().all(|checkup| checkup.ok);
            Ok((if well { Exit::Done } else { Exit::NotAsItShouldBe }, Answer::Doctor(checkups)))
        }
        Command::Completions { .. }
        | Command::Schema { .. }
        | Command::Man
        | Command::Try(_)
        | Command::Bench(_)
        | Command::Explain(_)
        | Command::Review(_) => Ok((Exit::Done, Answer::Text(Vec::new()))),
    }
}

fn schema(of: SchemaArg) -> Vec<u8> {
    let schema = match of {
        SchemaArg::Policy => tasks::schema::policy(),
        SchemaArg::Settings => tasks::schema::settings(),
    };
    format!("{schema:#}\n").into_bytes()
}

/// `--yes`, or a person at a terminal.
fn consent(cli: &Cli, question: &str, cancel: &Cancel) -> Result<bool> {
    // What a pull brings runs only when somebody starts it; what a preflight starts is its own, and whoever a
    // backup pauses goes on. A restore was agreed to by name, and so is a release that
    // goes back with its data.
    let forgets = matches!(&cli.command, Command::Backup(args) if matches!(args.command, Some(BackupCommand::Forget { .. })));
    let by_name = matches!(&cli.command, Command::Rollback(args) if args.with_data.is_some());
    let asks_nothing =
        by_name || !forgets && matches!(cli.command, Command::Pull(_) | Command::Preflight(_) | Command::Backup(_) | Command::Restore(_));
    if cli.global.yes || asks_nothing {
        return Ok(true);
    }
    let nobody =
        || Error::refused("nothing was touched").why("there is no terminal to ask on").help("add --yes, or look first with --dry-run");
    report::ask(question, &|| cancel.requested()).ok_or_else(nobody)
}

/// The name by `--confirm`, or typed by a person at a terminal.
fn typed_consent(cli: &Cli, question: &str, name: &str, cancel: &Cancel) -> Result<bool> {
    if cli.global.confirm.iter().any(|given| given == name) {
        return Ok(true);
    }
    let help = format!("add --confirm {name}, or look first with --dry-run; --yes does not answer this");
    let nobody = || Error::refused("nothing was touched").why("there is no terminal to type a name on").help(help);
    let asked = format!("{question}\nType {name} to go on: ");
    report::ask_line(&asked, &|| cancel.requested()).map(|typed| typed.trim() == name).ok_or_else(nobody)
}

fn overrides(guards: &[String], reason: Option<&str>) -> Overrides {
    Overrides { guards: guards.to_vec(), reason: reason.unwrap_or_default().to_string() }
}
