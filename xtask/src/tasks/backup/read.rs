//! What is in the repository: a list, one backup, a plain export, a check.

use std::io::{Read, Write};

use serde::Serialize;

use super::place;
use crate::backup::{Fault, Manifest, Repository, Stored};
use crate::error::{Error, Result};
use crate::tasks::Context;

/// One backup with all that its manifest says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    pub backup: Stored,
    pub manifest: Manifest,
}

/// The backups of these stacks, of all when none is named; oldest first. None without a repository.
pub fn list(cx: &Context<'_>, stacks: &[String], to: Option<&str>) -> Result<Vec<Stored>> {
    let place = place::of(cx, to)?;
    if !place::there(cx, &place)? && to.is_none() {
        return Ok(Vec::new());
    }
    // A repository may hold those of other projects, and of stacks that are gone.
    let ids: Vec<String> =
        if stacks.is_empty() { Vec::new() } else { cx.project.select(stacks)?.into_iter().map(|stack| stack.id.clone()).collect() };
    let mut stored = place::open(cx, &place)?.stored()?;
    stored.retain(|stored| ids.is_empty() || ids.contains(&stored.summary.stack));
    Ok(stored)
}

/// # Errors
/// `Unusable`: there is none of that name, or several begin so.
pub fn show(cx: &Context<'_>, name: &str, to: Option<&str>) -> Result<Shown> {
    let repository = place::open(cx, &place::of(cx, to)?)?;
    let backup = find(&repository, name)?;
    let manifest = repository.content(&backup.summary.name, false)?.manifest()?;
    Ok(Shown { backup, manifest })
}

/// Writes the dump `SERVICE` or `SERVICE/WHAT` of a backup as its client wrote it.
///
/// # Errors
/// `Unusable`: it has none, or several.
pub fn dump(cx: &Context<'_>, name: &str, which: &str, to: Option<&str>, into: &mut dyn Write) -> Result<()> {
    let repository = place::open(cx, &place::of(cx, to)?)?;
    let backup = find(&repository, name)?;
    let content = repository.content(&backup.summary.name, false)?;
    let manifest = content.manifest()?;
    let (service, what) = which.split_once('/').unwrap_or((which, ""));
    let fits = |of: &str| what.is_empty() || of == what || of.split_once('/').is_some_and(|(_, name)| name == what);
    let found: Vec<_> = manifest.dumps.iter().filter(|dump| dump.service == service && fits(&dump.what)).collect();
    let named =
        |dumps: &[&crate::backup::Dump]| dumps.iter().map(|dump| format!("{}/{}", dump.service, dump.what)).collect::<Vec<_>>().join(", ");
    let [one] = found.as_slice() else {
        let all = if found.is_empty() { manifest.dumps.iter().collect() } else { found };
        return Err(
            Error::unusable(format!("`{which}` is not one dump of {}", backup.summary.name)).help(format!("name one of {}", named(&all)))
        );
    };
    let mut from = content.stream(&one.path, &one.stream);
    let mut piece = vec![0; 1 << 20];
    loop {
        let failed = |error: std::io::Error| Error::failed(format!("write the dump {which}")).why(error.to_string());
        let read = from.read(&mut piece).map_err(failed)?;
        if read == 0 {
            return into.flush().map_err(failed);
        }
        into.write_all(&piece[..read]).map_err(failed)?;
    }
}

/// Looks whether everything is there that the backups need; `read_data` reads all of it.
pub fn check(cx: &Context<'_>, read_data: bool, to: Option<&str>) -> Result<Vec<Fault>> {
    place::open(cx, &place::of(cx, to)?)?.check(read_data)
}

/// By its name, a beginning of it that fits only one, or `latest`.
pub fn find(repository: &Repository, name: &str) -> Result<Stored> {
    let mut stored = repository.stored()?;
    if name == "latest" {
        return stored.pop().ok_or_else(|| Error::unusable("there is no backup yet").help("`cargo xtask backup` makes one"));
    }
    stored.retain(|stored| stored.summary.name.starts_with(name));
    match stored.len() {
        1 => Ok(stored.remove(0)),
        0 => Err(Error::unusable(format!("there is no backup `{name}`")).help("`cargo xtask backup list` shows them")),
        _ => {
            let names: Vec<String> = stored.into_iter().map(|stored| stored.summary.name).collect();
            Err(Error::unusable(format!("`{name}` fits several backups: {}", names.join(", "))).help("name one of them in full"))
        }
    }
}
