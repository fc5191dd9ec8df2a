//! One changing run at a time for each compose project of an engine, whatever checkout it comes from.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use super::Context;
use crate::error::{Error, Result};
use crate::saga::{Held, Holder, Lock, Sha, try_lock};

/// Takes the locks of these compose projects, in one order for everybody; none without an engine.
/// They are freed when the process and every program that it started have ended.
pub fn lock_projects(cx: &Context<'_>, projects: &[String], doing: &str) -> Result<Vec<Lock>> {
    let Some(engine) = &cx.doors.engine else { return Ok(Vec::new()) };
    let mut names: Vec<&String> = projects.iter().collect();
    names.sort();
    names.dedup();
    let engine_id = engine.info()?.id;
    let folder = state_folder(&|name| cx.environment.get(name).cloned())?.join("locks");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| {
        Error::io("create the folder for locks", &folder, error).help("set XTASK_STATE to a folder that you may write to")
    })?;
    let mut locks = Vec::new();
    for name in names {
        // The engine's id may hold characters that no file name should.
        let engine = &Sha::of(engine_id.as_bytes()).as_str()[..12].to_string();
        let path = folder.join(format!("{engine}-{name}.lock"));
        locks.push(try_lock(&path, &Holder::me(format!("{doing}, compose project {name}")))?.map_err(Held::into_error)?);
    }
    Ok(locks)
}

/// What must outlive a checkout: `XTASK_STATE`, else root's `/var/lib/xtask`, else the user's state folder.
fn state_folder(variable: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if let Some(folder) = variable("XTASK_STATE").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/xtask"));
    }
    let set = |name: &str| variable(name).filter(|value| value.starts_with('/'));
    let home = set("XDG_STATE_HOME").map(PathBuf::from).or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    let home = home.ok_or_else(|| {
        Error::unusable("find the folder for locks").why("neither HOME nor XDG_STATE_HOME is set").help("set XTASK_STATE")
    })?;
    Ok(home.join("xtask"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_can_be_moved() {
        let set = |name: &str| (name == "XTASK_STATE").then(|| "/srv/state".to_string());
        assert_eq!(state_folder(&set).unwrap(), PathBuf::from("/srv/state"));
    }
}
