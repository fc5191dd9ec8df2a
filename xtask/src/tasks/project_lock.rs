//! One changing run at a time for each compose project of an engine, whatever checkout it comes from.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;

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
    let folder = cx.state_folder()?.join("locks");
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
