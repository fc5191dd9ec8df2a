//! Which images their registry would give back as they are: those are not archived. Asked when the list is made, by
//! digest; where it does not answer, or says no, the image is archived.

use std::collections::BTreeSet;

use super::engine;
use super::look::Found;
use super::stock::{Kind, Thing};
use crate::engine::{Engine, Platform};
use crate::error::{Error, Kind as Wrong, Result};
use crate::registry::{Logins, Reference, Resolver, Trouble};
use crate::tasks::Context;

pub fn ask(cx: &Context<'_>, found: &mut Found) -> Result<()> {
    let logins = Logins::of_this_process();
    let engine = engine(cx)?;
    let resolver = Resolver::new(engine.as_ref(), &logins, cx.cancel)?;
    let host = engine.info()?.platform;
    // A host that does not answer takes its time for it: once.
    let mut away = BTreeSet::new();
    let named = |thing: &Thing| thing.kind == Kind::Image && !thing.is_untagged();
    for (thing, _) in found.unused.iter_mut().filter(|(thing, _)| named(thing)) {
        thing.served = by(engine.as_ref(), &resolver, &host, &thing.id, &mut away)?;
        if cx.cancel.requested() {
            return Err(Error::new(Wrong::Interrupted, "interrupted; nothing was touched"));
        }
    }
    Ok(())
}

/// The name by which it can be had.
fn by(engine: &dyn Engine, resolver: &Resolver<'_>, host: &Platform, id: &str, away: &mut BTreeSet<String>) -> Result<Option<String>> {
    let Some(image) = engine.image(id)? else { return Ok(None) };
    // Of a list, a pull takes the engine's own platform, and that is another image.
    if (&image.platform.os, &image.platform.architecture) != (&host.os, &host.architecture) {
        return Ok(None);
    }
    for name in &image.digests {
        let Ok(reference) = Reference::parse(name) else { continue };
        if away.contains(&reference.host) {
            continue;
        }
        // Logins that cannot be read are no reason to fail: the image is archived.
        match resolver.ask(&reference) {
            Ok(Ok(there)) if there.platforms.is_empty() || there.platforms.iter().any(|one| one.fits(host)) => {
                return Ok(Some(reference.to_string()));
            }
            Ok(Err(no)) if no.trouble == Trouble::Unreachable => {
                away.insert(reference.host);
            }
            _ => {}
        }
    }
    Ok(None)
}
