//! Opens a repository with its key, once: to stretch a key takes half a second, on purpose, and a backup opens its
//! repository four times.

use std::sync::{Mutex, PoisonError};

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
    let known = OPENED.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|(one, _)| *one == which).map(|(_, key)| key.clone());
    // Another repository may be there by now.
    if let Some(known) = known
        && let Ok(opened) = over(files)?.open(&Credentials::Masterkey(known))
    {
        return Ok(Ok(opened));
    }
    let opened = over(files)?.open(&Credentials::password(key.expose()));
    if let Ok(opened) = &opened {
        note(place, key, opened);
    }
    Ok(opened)
}

/// What opens it from here on.
pub fn note(place: &Place, key: &Secret, opened: &Inner<OpenStatus>) {
    let which = which(place, key);
    let mut all = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|(one, _)| *one != which);
    all.push((which, opened.key()));
}

fn which(place: &Place, key: &Secret) -> Sha {
    Sha::of(format!("{}\n{}", place.location, key.expose()).as_bytes())
}
