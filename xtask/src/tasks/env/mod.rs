//! Looks at the variables of a project, and writes the files that they live in.

mod check;
mod diff;
mod history;
mod init;
mod names;
mod own;
mod template;

use std::path::PathBuf;

use super::Context;
use crate::error::{Error, Result};

pub use check::{EnvCheck, Problem, check};
pub use diff::{EnvDiff, Row, diff};
pub use history::{EnvChange, How, VariableChange, changes};
pub use init::{EnvInit, init};
pub use template::template;

/// The env file of an environment that `xtask.yaml` names; absolute.
fn file_of(cx: &Context<'_>, environment: &str) -> Result<PathBuf> {
    let named = &cx.project.settings.environments;
    named.get(environment).map(|path| crate::source::clean(&cx.project.root.join(path))).ok_or_else(|| {
        let known: Vec<&str> = named.keys().map(String::as_str).collect();
        let help = match known.is_empty() {
            true => "name it in xtask.yaml: `environments: {staging: .env.staging}`".to_string(),
            false => format!("the environments of xtask.yaml: {}", known.join(", ")),
        };
        Error::unusable(format!("there is no environment `{environment}`")).help(help)
    })
}
