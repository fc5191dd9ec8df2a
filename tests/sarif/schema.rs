//! As much of JSON Schema (draft 7) as the schema of SARIF uses; any other word in it is an error.

use regex::Regex;
use serde_json::Value;

/// Words that say nothing about validity; `format` is an annotation.
const SILENT: [&str; 8] = ["description", "default", "format", "title", "$schema", "$id", "definitions", "properties"];

/// Everything that is wrong with a value, each with its place.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, value, "", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    let words = schema.as_object().unwrap_or_else(|| panic!("{place}: a schema is an object"));
    for (word, says) in words {
        let mut fault = |what: String| faults.push(format!("{place}: {what}"));
        match word.as_str() {
            "type" if !is(value, says.as_str().unwrap()) => fault(format!("is no {says}")),
            "enum" if !says.as_array().unwrap().contains(value) => fault(format!("{value} is not one of {says}")),
            "minimum" if value.as_f64().is_some_and(|number| number < says.as_f64().unwrap()) => fault(format!("is less than {says}")),
            "maximum" if value.as_f64().is_some_and(|number| number > says.as_f64().unwrap()) => fault(format!("is more than {says}")),
            "pattern" if value.as_str().is_some_and(|text| !fits(says, text)) => fault(format!("{value} does not fit {says}")),
            "minItems" if value.as_array().is_some_and(|items| (items.len() as u64) < says.as_u64().unwrap()) => {
                fault(format!("has fewer than {says} items"))
            }
            "uniqueItems" if says == true && value.as_array().is_some_and(|items| twice(items)) => fault("has an item twice".into()),
            "required" if value.is_object() => {
                let missing = says.as_array().unwrap().iter().filter(|key| value.get(key.as_str().unwrap()).is_none());
                missing.for_each(|key| fault(format!("lacks {key}")));
            }
            "anyOf" | "oneOf" => {
                let hold = says.as_array().unwrap().iter().filter(|one| holds(root, one, value)).count();
                if hold == 0 || (word == "oneOf" && hold > 1) {
                    fault(format!("{hold} choices of {word} hold"));
                }
            }
            "$ref" => {
                let target = root.pointer(says.as_str().unwrap().trim_start_matches('#')).unwrap();
                check(root, target, value, place, faults);
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, item, &format!("{place}[{number}]"), faults);
                }
            }
            "additionalProperties" => {}
            "type" | "enum" | "minimum" | "maximum" | "pattern" | "minItems" | "uniqueItems" | "required" => {}
            other => assert!(SILENT.contains(&other), "the validator does not know `{other}`"),
        }
    }
    entries(root, schema, value, place, faults);
}

fn entries(root: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    for (key, below) in value.as_object().into_iter().flatten() {
        let at = format!("{place}.{key}");
        match (schema["properties"].get(key), schema.get("additionalProperties")) {
            (Some(known), _) => check(root, known, below, &at, faults),
            (None, Some(Value::Bool(false))) => faults.push(format!("{at}: is not known")),
            (None, Some(other @ Value::Object(_))) => check(root, other, below, &at, faults),
            (None, _) => {}
        }
    }
}

fn holds(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut faults = Vec::new();
    check(root, schema, value, "", &mut faults);
    faults.is_empty()
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the validator does not know the type `{other}`"),
    }
}

fn fits(pattern: &Value, text: &str) -> bool {
    Regex::new(pattern.as_str().unwrap()).unwrap().is_match(text)
}

fn twice(items: &[Value]) -> bool {
    items.iter().enumerate().any(|(number, item)| items[..number].contains(item))
}
