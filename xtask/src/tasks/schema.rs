//! JSON schemas of the files that people write, generated from what reads them.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::project::Settings;
use crate::{policy, rules};

/// Of `policies/prod.yaml`, `policies/dev.yaml` and what `--policy` names.
pub fn policy() -> Value {
    policy::schema(|name| rules::named(name).map_or(String::new(), |rule| rule.title.to_string()))
}

/// Of `xtask.yaml`.
pub fn settings() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Settings>();
    schema.insert("title".to_string(), Value::from("Settings of cargo xtask"));
    schema.to_value()
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
