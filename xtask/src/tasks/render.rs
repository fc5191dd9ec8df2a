//! The canonical model of a stack with its secrets masked.

use serde_json::Value;

use super::security_fix::credentials_in_text;
use super::{Context, call};
use crate::catalogue::{key_shape, looks_random};
use crate::error::{Error, Result};
use crate::model::{self, Model, Unset};
use crate::rules::{self, ComposeSource};
use crate::secret::{MASK, Masker, Secret};
use crate::source::Disk;
use crate::text::redact;
use crate::yaml::expand;

/// What `docker compose config --format json` prints of a stack, every credential masked by its place.
///
/// The rules that find credentials in compose files look through the rendered model, which is YAML too:
/// what they find is masked, in URLs and arguments as well. A secret that a variable brings to a place
/// that does not look like one is masked by its value.
pub fn masked(cx: &Context<'_>, stack: &str) -> Result<Value> {
    let chosen = cx.project.select(&[stack.to_string()])?;
    let stack = chosen[0];
    let model = model::load(&Disk, &call::of(stack, Unset::Fail), &cx.environment)?;
    let unwritable = |error: serde_json::Error| {
        Error::failed(format!("mask {}", stack.id)).why(format!("line {} column {} is no JSON", error.line(), error.column()))
    };
    let text = serde_json::to_string_pretty(&model.json()).map_err(unwritable)?;
    let by_place = redact(&text, &credentials_in_text(&text), MASK).text;
    serde_json::from_str(&secret_variables(&model).mask(&by_place)).map_err(unwritable)
}

/// What stands in variables and env files under the name of a credential, or looks like one.
fn secret_variables(model: &Model) -> Masker {
    let entries = model.sources.iter().flat_map(|source| source.entries()).map(|entry| (entry.key.as_str(), entry.value.as_str()));
    let named = model.references.iter().filter_map(|reference| Some((reference.name.as_str(), model.lookup(&reference.name)?)));
    let secret = |(name, value): &(&str, &str)| key_shape(name).is_credential() || looks_random(value);
    let written = written_out(model);
    let values = entries.chain(named).filter(secret).map(|(_, value)| value);
    Masker::new(values.chain(written.iter().map(Secret::expose)))
}

/// What the files say where it is told for a credential, but rendering takes the sign away: the default of
/// `${DB_PASSWORD:-x}` stands there as `x`, and an alias under another key.
fn written_out(model: &Model) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for (file, source) in (0_u32..).zip(&model.sources) {
        let documents = source.documents();
        let Some(values) = documents.iter().map(|document| expand(document, file).ok()).collect::<Option<Vec<_>>>() else { continue };
        let compose = ComposeSource { path: &source.path, file, text: &source.text, documents, values: &values };
        secrets.extend(rules::credentials_in_compose(&compose).into_iter().filter(|one| !one.known_default).map(|one| one.secret));
    }
    secrets
}
