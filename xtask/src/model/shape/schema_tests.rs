//! The tables against the official schema: the same keys, and the same kinds of values under each.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{BOOL, FILE, INT, NULL, NUMBER, STRING, Shape, Takes};

const LIST: u8 = 32;
const MAP: u8 = 64;
const ANYTHING: u8 = 128;

/// What stands at each place, as kinds joined by `|`: `services.*.ports[].target`.
type Kinds = BTreeMap<String, u8>;

fn say(kinds: &mut Kinds, way: &str, kind: u8) {
    let all = kinds.entry(way.to_string()).or_default();
    *all |= kind;
    // Integers are numbers.
    if *all & NUMBER != 0 {
        *all &= !INT;
    }
}

fn ours(shape: &Shape, way: &str, kinds: &mut Kinds) {
    let scalars: Takes = STRING | NUMBER | BOOL | NULL;
    match shape {
        Shape::Leaf(takes, _) => say(kinds, way, *takes),
        Shape::Enum(_) | Shape::Tested(..) => say(kinds, way, STRING),
        Shape::Within(..) => say(kinds, way, INT | STRING),
        Shape::Any => say(kinds, way, ANYTHING),
        Shape::OrNull(shape) => {
            say(kinds, way, NULL);
            ours(shape, way, kinds);
        }
        Shape::Either(shapes) => shapes.iter().for_each(|shape| ours(shape, way, kinds)),
        Shape::OneOrMany { of, .. } => {
            ours(of, way, kinds);
            ours(&Shape::List { of, unique: false }, way, kinds);
        }
        Shape::Command => ours(&Shape::OrNull(&Shape::Test), way, kinds),
        Shape::Test => ours(&Shape::OneOrMany { of: &super::TEXT, unique: false }, way, kinds),
        Shape::List { of, .. } => {
            say(kinds, way, LIST);
            ours(of, &format!("{way}[]"), kinds);
        }
        Shape::Map { of, .. } => {
            say(kinds, way, MAP);
            ours(of, &format!("{way}.*"), kinds);
        }
        Shape::Record(keys) => {
            say(kinds, way, MAP);
            keys.iter().for_each(|key| ours(&key.shape, &format!("{way}.{}", key.name), kinds));
        }
        Shape::Dict { .. } | Shape::SshKeys => {
            ours(&super::STRINGS, way, kinds);
            say(kinds, way, MAP);
            say(kinds, &format!("{way}.*"), scalars);
        }
        Shape::Hosts => {
            ours(&super::STRINGS, way, kinds);
            say(kinds, way, MAP);
            ours(&super::STRING_OR_LIST, &format!("{way}.*"), kinds);
        }
        Shape::Ulimit => {
            say(kinds, way, MAP | INT | STRING);
            ["soft", "hard"].iter().for_each(|key| say(kinds, &format!("{way}.{key}"), INT | STRING));
        }
    }
}

fn theirs(schema: &Json, all: &Json, way: &str, kinds: &mut Kinds) {
    if let Some(reference) = schema["$ref"].as_str() {
        return theirs(&all["definitions"][reference.trim_start_matches("#/definitions/")], all, way, kinds);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().for_each(|schema| theirs(schema, all, way, kinds));
    }
    let named = match &schema["type"] {
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
        kind => Vec::from_iter(kind.as_str()),
    };
    let bits =
        [("null", NULL), ("boolean", BOOL), ("integer", INT), ("number", NUMBER), ("string", STRING), ("array", LIST), ("object", MAP)];
    say(kinds, way, named.iter().map(|kind| bits.iter().find(|(name, _)| name == kind).expect(kind).1).fold(0, |all, bit| all | bit));
    if named.contains(&"array") {
        theirs(&schema["items"], all, &format!("{way}[]"), kinds);
    }
    if named.contains(&"object") {
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            theirs(below, all, &format!("{way}.{key}"), kinds);
        }
        for (_, below) in schema["patternProperties"].as_object().into_iter().flatten().filter(|(key, _)| *key != "^x-") {
            theirs(below, all, &format!("{way}.*"), kinds);
        }
    }
}

fn words(kind: u8) -> String {
    let bits = [
        (NULL, "null"),
        (BOOL, "boolean"),
        (INT, "integer"),
        (NUMBER, "number"),
        (STRING, "string"),
        (LIST, "list"),
        (MAP, "mapping"),
        (ANYTHING, "anything"),
    ];
    bits.iter().filter(|(bit, _)| kind & bit != 0).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

/// A table that knows more or less than the schema is a decision; each stands here with its reason.
#[test]
fn the_tables_differ_from_the_schema_only_where_they_mean_to() {
    let schema: Json = serde_json::from_str(include_str!("../../../../policies/schema/compose-spec.json")).unwrap();
    let (mut here, mut there) = (Kinds::new(), Kinds::new());
    ours(&Shape::Record(FILE), "", &mut here);
    theirs(&schema, &schema, "", &mut there);
    assert!(there.len() > 400, "the schema has shrunk to {} places", there.len());

    // What is read as it is, is compared nowhere below.
    let opaque: Vec<String> = here.iter().filter(|(_, kind)| **kind == ANYTHING).map(|(way, _)| way.clone()).collect();
    let below = |way: &String| opaque.iter().any(|known| way.starts_with(known.as_str()));
    let places: std::collections::BTreeSet<&String> = here.keys().chain(there.keys()).filter(|way| !below(way)).collect();
    let differences: Vec<String> = places
        .into_iter()
        .filter(|way| here.get(*way) != there.get(*way))
        .map(|way| {
            let [a, b] = [&here, &there].map(|kinds| kinds.get(way).map_or("unknown".to_string(), |kind| words(*kind)));
            format!("{way}: {a}; schema: {b}")
        })
        .collect();
    let meant = [
        // Compose falls over a null here.
        ".services.*.pid: string; schema: null string",
        // Compose's own types take nothing else, and refuse a mapping or a text that the schema lets through.
        ".services.*.storage_opt.*: null boolean number string; schema: unknown",
        ".services.*.volumes[].tmpfs.mode: number; schema: number string",
    ];
    assert_eq!(differences, meant, "{}", differences.join("\n"));
}
