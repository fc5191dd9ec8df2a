//! Settles a run that did not come to its end: everything is put back to before it.

use std::time::Duration;

use super::Context;
use crate::actions::{Action, World};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::saga::{self, Holder, Outcome, wait_lock};

/// How long a program that a killed run left behind may take to end, before recovery gives up.
const ORPHANS: Duration = Duration::from_secs(300);

/// Puts the open run back, if there is one, and says which. A second call finds nothing to do.
pub fn recover(cx: &Context<'_>) -> Result<Option<String>> {
    if cx.store.open_run()?.is_none() {
        return Ok(None);
    }
    // What the killed run started holds its lock; nothing may be undone beside it.
    let _lock = wait_lock(&cx.store.lock_path(), &Holder::me("recover"), ORPHANS)?.map_err(saga::Held::into_error)?;
    let Some(open) = cx.store.open_run()? else { return Ok(None) };
    if cx.dry_run {
        cx.events.emit(Event::Note(format!("the run {} would be put back", open.id)));
        return Ok(None);
    }
    let (mut journal, entries) = cx.store.reopen(&open)?;
    let world = cx.world(&open.id);
    match saga::recover::<World, Action>(&world, &mut journal, &entries, cx.events, cx.cancel)? {
        Some(Outcome::Stuck { why }) => Err(Error { kind: crate::error::Kind::Stuck, ..why }),
        _ => Ok(Some(open.id.to_string())),
    }
}
