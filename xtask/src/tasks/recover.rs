//! Settles a run that did not come to its end: everything is put back to before it.

use std::cell::Cell;
use std::time::Duration;

use super::{Context, security_fix};
use crate::actions::{Action, World};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::saga::{self, Held, Holder, Lock, Outcome, wait_lock};

/// How long a program that a killed run left behind may take to end, before recovery gives up.
const ORPHANS: Duration = Duration::from_secs(300);

/// Puts the open run back, if there is one, and says which. A second call finds nothing to do.
pub fn recover(cx: &Context<'_>) -> Result<Option<String>> {
    if cx.store.open_run()?.is_none() {
        return Ok(None);
    }
    cx.check_state()?;
    let _lock = lock(cx)?;
    let Some(open) = cx.store.open_run()? else { return Ok(None) };
    if cx.dry_run {
        cx.events.emit(Event::Note(format!("the run {} would be put back", open.id)));
        return Ok(None);
    }
    let (mut journal, entries) = cx.store.reopen(&open)?;
    // What containers say while they are put back is told with its secrets masked.
    cx.masker.replace(security_fix::secrets(cx));
    let world = cx.world(&open.id);
    match saga::recover::<World, Action>(&world, &mut journal, &entries, cx.events, cx.cancel)? {
        Some(Outcome::Stuck { why }) => Err(Error { kind: Kind::Stuck, ..why }),
        _ => Ok(Some(open.id.to_string())),
    }
}

/// What the killed run started holds its lock; nothing may be undone beside it.
fn lock(cx: &Context<'_>) -> Result<Lock> {
    let said = Cell::new(false);
    let go_on = |held: &Held| {
        if !said.replace(true) {
            cx.events.emit(Event::Note(format!("waiting: {}", held.clone().into_error().why.unwrap_or_default())));
        }
        !cx.cancel.requested()
    };
    match wait_lock(&cx.store.lock_path(), &Holder::me("recover"), ORPHANS, &go_on)? {
        Err(_) if cx.cancel.requested() => Err(Error::new(Kind::Interrupted, "waiting for the run was interrupted; nothing was touched")),
        tried => tried.map_err(Held::into_error),
    }
}
