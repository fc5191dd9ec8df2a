//! The canonical model of a stack with its secrets masked.

use serde_json::Value;

use super::Context;
use super::security_fix::credentials_in_text;
use crate::error::{Error, Result};
use crate::model::{self, Call};
use crate::secret::MASK;
use crate::source::Disk;
use crate::text::redact;

/// What `docker compose config --format json` prints of a stack, every credential masked by its place.
///
/// The rules that find credentials in compose files look through the rendered model, which is YAML too:
/// what they find is masked, in URLs and arguments as well.
pub fn masked(cx: &Context<'_>, stack: &str) -> Result<Value> {
    let chosen = cx.project.select(&[stack.to_string()])?;
    let stack = chosen[0];
    let call =
        Call { files: stack.files.clone(), env_files: stack.env_files.clone(), profiles: stack.profiles.clone(), project_name: None };
    let model = model::load(&Disk, &call, &cx.environment)?;
    let unwritable = |error: serde_json::Error| {
        Error::failed(format!("mask {}", stack.id)).why(format!("line {} column {} is no JSON", error.line(), error.column()))
    };
    let text = serde_json::to_string_pretty(&model.json()).map_err(unwritable)?;
    serde_json::from_str(&redact(&text, &credentials_in_text(&text), MASK).text).map_err(unwritable)
}
