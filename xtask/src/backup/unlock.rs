//! Opens a repository with its key, once: to stretch a key takes half a second, on purpose, and a backup opens its
//! repository several times, the first time while it still looks at what it is to back up.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustic_core::repofile::MasterKey;
use rustic_core::{Credentials, OpenStatus, RusticResult};

use super::Place;
use super::reach::Files;
use super::repository::{Inner, over};
use crate::error::Result;
use crate::saga::Sha;
use crate::secret::Secret;

/// What the keys of repositories that this process has opened have opened. By a hash of the location and the key, so that
/// another key is tried, though the file is the same.
static OPENED: Mutex<Vec<(Sha, MasterKey)>> = Mutex::new(Vec::new());

/// # Errors
/// The library's own: the key is another one's, or something cannot be read.
pub fn unlock(files: &Files, place: &Place, key: &Secret) -> Result<RusticResult<Inner<OpenStatus>>> {
    let which = which(place, key);
    // Whoever comes meanwhile waits, and need not stretch it again.
    let mut all = all();
    // Another repository may be there by now.
    if let Some(known) = all.iter().find(|(one, _)| *one == which).map(|(_, key)| key.clone())
        && let Ok(opened) = over(files)?.open(&Credentials::Masterkey(known))
    {
        return Ok(Ok(opened));
    }
    let opened = over(files)?.open(&Credentials::password(key.expose()));
    if let Ok(opened) = &opened {
        keep(&mut all, which, opened);
    }
    Ok(opened)
}

/// What opens it from here on.
pub fn note(place: &Place, key: &Secret, opened: &Inner<OpenStatus>) {
    keep(&mut all(), which(place, key), opened);
}

fn all() -> MutexGuard<'static, Vec<(Sha, MasterKey)>> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(all: &mut Vec<(Sha, MasterKey)>, which: Sha, opened: &Inner<OpenStatus>) {
    all.retain(|(one, _)| *one != which);
    all.push((which, opened.key()));
}

fn which(place: &Place, key: &Secret) -> Sha {
    Sha::of(format!("{}\n{}", place.location, key.expose()).as_bytes())
}
