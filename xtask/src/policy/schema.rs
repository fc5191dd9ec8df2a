//! The JSON schema of a policy's file, for editors: every rule with its own parameters.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{Entry, Exception, Level, Policy};
use crate::finding::Severity;
use crate::project::Role;

/// The schema; `title` says in a few words what a rule finds.
pub fn schema(title: impl Fn(&str) -> String) -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let (level, exception) = (generator.subschema_for::<Level>(), generator.subschema_for::<Exception>());
    let rules: Map<String, Value> = Policy::of(Role::Prod)
        .rules
        .iter()
        .map(|(name, entry)| {
            let mut properties = Map::new();
            properties.insert("level".into(), json!(level));
            properties.insert("exceptions".into(), json!({"type": "array", "items": exception}));
            properties.extend(entry.parameters.iter().map(|(name, value)| (name.clone(), parameter(&value.written))));
            let full = json!({"type": "object", "properties": properties, "additionalProperties": false});
            (name.clone(), json!({"description": described(&title(name), entry), "anyOf": [level, full]}))
        })
        .collect();
    let severity = generator.subschema_for::<Severity>();
    let names: Vec<&String> = rules.keys().collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Policy of cargo xtask audit",
        "type": "object",
        "properties": {
            "blocking": {"description": "from which severity on a finding keeps a stack out of production", "anyOf": [severity]},
            "blocking_rules": {"description": "rules whose findings do so, however severe", "type": "array", "items": {"enum": names}},
            "rules": {"type": "object", "properties": rules, "additionalProperties": false},
        },
        "additionalProperties": false,
        "definitions": generator.take_definitions(true),
    })
}

fn described(title: &str, entry: &Entry) -> String {
    let level = serde_json::to_value(entry.level).ok();
    format!("{title}; in production {}", level.as_ref().and_then(Value::as_str).unwrap_or_default())
}

/// What may stand in place of a built-in parameter.
fn parameter(built_in: &serde_yaml::Value) -> Value {
    match built_in {
        serde_yaml::Value::Sequence(_) => json!({"type": "array", "items": {"type": ["string", "number", "boolean"]}}),
        serde_yaml::Value::Number(_) => json!({"type": "number"}),
        serde_yaml::Value::Bool(_) => json!({"type": "boolean"}),
        serde_yaml::Value::Mapping(_) => json!({"type": "object"}),
        _ => json!({"type": ["string", "number", "boolean"]}),
    }
}
