//! Two env files side by side, values masked where they could be secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::file_of;
use crate::dotenv;
use crate::error::{Error, Result};
use crate::source::{Disk, text_of};
use crate::tasks::phase::lines::example_path;
use crate::tasks::phase::show;
use crate::tasks::{Context, security_fix};

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvDiff {
    pub left: String,
    pub right: String,
    pub rows: Vec<Row>,
    /// So many variables have one value in both.
    pub equal: usize,
}

/// One variable; `None` where a file does not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub name: String,
    pub left: Option<String>,
    pub right: Option<String>,
}

/// Without names the root's `.env` beside its example; one name: the root's beside that environment's; two: both.
pub fn diff(cx: &Context<'_>, names: &[String]) -> Result<EnvDiff> {
    let main = cx.project.root.join(".env");
    let (left, right) = match names {
        [] => (main, example_path(&cx.project.root)),
        [one] => (main, file_of(cx, one)?),
        [one, other, ..] => (file_of(cx, one)?, file_of(cx, other)?),
    };
    let masker = security_fix::secrets(cx);
    let (ours, theirs) = (values(&left)?, values(&right)?);
    let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let differing: Vec<&String> = all.iter().copied().filter(|name| ours.get(*name) != theirs.get(*name)).collect();
    let equal = all.len() - differing.len();
    let value = |values: &BTreeMap<String, String>, name: &String| values.get(name).map(|value| show::value(name, value, &masker));
    let rows = differing.into_iter().map(|name| Row { name: name.clone(), left: value(&ours, name), right: value(&theirs, name) });
    let shown = |path: &PathBuf| cx.project.relative(path).display().to_string();
    Ok(EnvDiff { left: shown(&left), right: shown(&right), rows: rows.collect(), equal })
}

/// As they are written where they are made of other variables, else as they read.
fn values(path: &Path) -> Result<BTreeMap<String, String>> {
    let Some(text) = text_of(&Disk, path)? else {
        return Err(Error::unusable(format!("read {}", path.display()))
            .why("there is no such file")
            .help("`cargo xtask env init` makes it"));
    };
    let entries = dotenv::parse(&text, &|_| Some("set".to_string()))
        .map_err(|error| Error::unusable("read it").at(path, error.line, error.column).why(error.why))?;
    let value = |entry: &dotenv::Entry| {
        let written = entry.value_span.slice(&text);
        if written.contains("${") { written.to_string() } else { entry.value.clone() }
    };
    Ok(entries.iter().map(|entry| (entry.key.clone(), value(entry))).collect())
}
