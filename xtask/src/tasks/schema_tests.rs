use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// What is wrong with a value by a schema that uses only words that ours use.
fn wrong(value: &Value, schema: &Value, root: &Value, place: &str) -> Vec<String> {
    let mut why = Vec::new();
    for (word, says) in schema.as_object().unwrap() {
        match word.as_str() {
            "$ref" => {
                let pointer = says.as_str().unwrap().trim_start_matches('#');
                why.extend(wrong(value, root.pointer(pointer).unwrap(), root, place));
            }
            "type" => {
                let allowed: Vec<&str> =
                    says.as_array().map_or(vec![says.as_str().unwrap_or("")], |all| all.iter().filter_map(Value::as_str).collect());
                let whole = (value.is_u64() || value.is_i64()) && allowed.contains(&"integer");
                if !whole && !allowed.contains(&kind(value)) {
                    why.push(format!("{place}: {} instead of {allowed:?}", kind(value)));
                }
            }
            "enum" if !says.as_array().unwrap().contains(value) => why.push(format!("{place}: none of {says}")),
            "const" if says != value => why.push(format!("{place}: not {says}")),
            "anyOf" | "oneOf" if says.as_array().unwrap().iter().all(|one| !wrong(value, one, root, place).is_empty()) => {
                why.push(format!("{place}: nothing of {word}"));
            }
            "items" => {
                value.as_array().into_iter().flatten().for_each(|item| why.extend(wrong(item, says, root, &format!("{place}[]"))));
            }
            "required" => {
                let missing = |name: &&Value| value.is_object() && value.get(name.as_str().unwrap()).is_none();
                why.extend(says.as_array().unwrap().iter().filter(missing).map(|name| format!("{place}: no {name}")));
            }
            "minimum" if value.as_f64().is_some_and(|number| number < says.as_f64().unwrap()) => why.push(format!("{place}: below {says}")),
            "properties" | "additionalProperties" | "minimum" => {}
            "$schema" | "title" | "description" | "default" | "definitions" | "format" | "enum" | "const" | "anyOf" | "oneOf" => {}
            other => panic!("the schema says {other}, which this test does not know"),
        }
    }
    for (name, below) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        match (schema.get("properties").and_then(|known| known.get(name)), schema.get("additionalProperties")) {
            (Some(schema), _) => why.extend(wrong(below, schema, root, &place)),
            (None, Some(Value::Bool(false))) => why.push(format!("{place}: unknown")),
            (None, Some(schema @ Value::Object(_))) => why.extend(wrong(below, schema, root, &place)),
            (None, _) => {}
        }
    }
    why
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn judged(text: &str, schema: &Value) -> Vec<String> {
    let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    wrong(&serde_json::to_value(value).unwrap(), schema, schema, "")
}

#[test]
fn the_copies_in_policies_are_what_is_printed() {
    let mut written = Vec::new();
    for (name, schema) in [("policy", policy()), ("settings", settings())] {
        let path = workspace().join(format!("policies/schema/{name}.schema.json"));
        let text = format!("{schema:#}\n");
        if fs::read_to_string(&path).unwrap_or_default() != text {
            fs::write(&path, text).unwrap();
            written.push(path);
        }
    }
    assert!(written.is_empty(), "{written:?} were not up to date; they are now: look at the difference and commit it");
}

#[test]
fn our_own_files_hold() {
    for (file, schema) in [
        ("policies/prod.yaml", policy()),
        ("policies/dev.yaml", policy()),
        ("stacks/agent/xtask.yaml", settings()),
        ("stacks/trading/xtask.yaml", settings()),
    ] {
        assert_eq!(judged(&fs::read_to_string(workspace().join(file)).unwrap(), &schema), [""; 0], "{file}");
    }
}

#[test]
fn what_the_readers_refuse_the_schemas_refuse() {
    let exception = "rules:\n  restart-policy:\n    level: off\n    exceptions: [{service: a, reason: x, until: '2027-01-31'}]\n";
    assert_eq!(judged(exception, &policy()), [""; 0]);
    for text in [
        "rules: {restart-polizy: off}",
        "rules: {restart-policy: loud}",
        "rules: {restart-policy: {level: off, colour: red}}",
        "rules: {restart-policy: {exceptions: [{service: a}]}}",
        "rules: {restart-policy: {exceptions: [{reason: a, why: b}]}}",
        "rulez: {}",
    ] {
        assert!(!judged(text, &policy()).is_empty(), "{text}");
    }
    assert_eq!(judged("stacks: {a: {files: [x], role: dev}}\nnetworks: [n]", &settings()), [""; 0]);
    for text in ["stacks: {a: {role: dev}}", "stacks: {a: {files: [x], role: test}}", "network: []", "stacks: {a: {files: x}}"] {
        assert!(!judged(text, &settings()).is_empty(), "{text}");
    }
}
