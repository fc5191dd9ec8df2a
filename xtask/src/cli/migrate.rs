//! The phases of the migration, by number, by name and all together.

use super::Exit;
use super::args::{ChangingArgs, CleanupArgs, EnvStandardizeArgs, MigrateArgs, OnConflictArg, SecurityFixArgs};
use crate::error::Result;
use crate::report::answer::Answer;
use crate::tasks::migrate::{Wish, all, one, phase};
use crate::tasks::status::phases;
use crate::tasks::{Context, Overrides};

/// `by_name`: something is agreed to by its name.
pub fn migrate(cx: &Context<'_>, args: &MigrateArgs, by_name: bool) -> Result<(Exit, Answer)> {
    let changing = &args.security_fix.changing;
    if args.status {
        let phases = phases(cx, &changing.stacks)?;
        let holds = phases.iter().all(|phase| phase.holds);
        return Ok((if holds { Exit::Done } else { Exit::NotAsItShouldBe }, Answer::Status(phases)));
    }
    let SecurityFixArgs { strict, untrack, .. } = args.security_fix;
    let wish = Wish { strict, untrack, cleanup: args.cleanup.options(), ..wish(changing, args.on_conflict) };
    match args.phase {
        Some(number) => carry_out(cx, number, &wish, &overrides(changing)),
        None => Ok((Exit::Done, Answer::Migrated(all(cx, &wish, &args.skip, by_name)?))),
    }
}

pub fn security_fix(cx: &Context<'_>, args: &SecurityFixArgs) -> Result<(Exit, Answer)> {
    let wish = Wish { strict: args.strict, untrack: args.untrack, ..wish(&args.changing, None) };
    carry_out(cx, 1, &wish, &overrides(&args.changing))
}

pub fn env_standardize(cx: &Context<'_>, args: &EnvStandardizeArgs) -> Result<(Exit, Answer)> {
    carry_out(cx, 2, &wish(&args.changing, args.on_conflict), &overrides(&args.changing))
}

pub fn cleanup(cx: &Context<'_>, args: &CleanupArgs) -> Result<(Exit, Answer)> {
    let wish = Wish { stacks: args.stacks.clone(), cleanup: args.unused.options(), ..Wish::default() };
    let reason = args.reason.clone().unwrap_or_default();
    carry_out(cx, 3, &wish, &Overrides { guards: args.overrides.clone(), reason })
}

pub(super) fn carry_out(cx: &Context<'_>, number: u8, wish: &Wish, overrides: &Overrides) -> Result<(Exit, Answer)> {
    let migrated = phase(number).map(|phase| one(cx, phase, wish, overrides)).transpose()?;
    Ok((Exit::Done, migrated.map_or(Answer::Migrated(Vec::new()), Answer::Phase)))
}

fn wish(args: &ChangingArgs, on_conflict: Option<OnConflictArg>) -> Wish {
    let ChangingArgs { stacks, commit, recreate, rehearse, allow_dirty, require_live, overrides: _, reason: _ } = args.clone();
    let on_conflict = on_conflict.map(Into::into);
    Wish { stacks, commit, recreate, rehearse, allow_dirty, require_live, on_conflict, ..Wish::default() }
}

fn overrides(args: &ChangingArgs) -> Overrides {
    Overrides { guards: args.overrides.clone(), reason: args.reason.clone().unwrap_or_default() }
}
