//! The schema's text made into rules that a tree of nodes can be held against.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use serde::Deserialize;

/// Kinds of scalars, joined by `|`.
pub(super) type Scalars = u8;
pub(super) const NULL: Scalars = 1;
pub(super) const BOOL: Scalars = 2;
pub(super) const INT: Scalars = 4;
pub(super) const NUMBER: Scalars = 8;
pub(super) const STRING: Scalars = 16;

/// What one value may be: the alternatives of the schema side by side. They differ by kind, so a
/// value's kind alone chooses.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// Whatever it is.
    pub any: bool,
    pub scalars: Scalars,
    /// The only strings that are taken; empty: all.
    pub words: Vec<String>,
    pub list: Option<Arc<Rule>>,
    pub map: Option<Arc<Record>>,
}

/// What one mapping may hold.
#[derive(Debug)]
pub(super) struct Record {
    /// Sorted by key.
    keys: Vec<(String, Arc<Rule>)>,
    /// Keys that the user chooses, and what they hold.
    names: Option<(Names, Arc<Rule>)>,
    extensions: bool,
    /// Other keys are taken and mean nothing.
    open: bool,
}

/// The characters of a key that the user chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Any,
    /// Letters, digits, `.`, `_` and `-`.
    Resource,
    Lowercase,
}

/// What a record says of a key.
pub(super) enum Key<'r> {
    Holds(&'r Arc<Rule>),
    Free,
    Unknown,
    /// The record is one of names, and this cannot be one.
    BadName,
}

/// The rule of a whole compose file.
pub(super) static FILE: LazyLock<Arc<Rule>> = LazyLock::new(|| {
    let text = include_str!("../../../../policies/schema/compose-spec.json");
    let mut schema: Schema = serde_json::from_str(text).expect("policies/schema is built in and held by a test");
    // Compose reads this key before it applies the schema, and an empty one is none to it.
    if let Some(include) = schema.properties.get_mut("include") {
        include.kinds = Kinds::Many(vec!["array".into(), "null".into()]);
    }
    Builder { definitions: &schema.definitions, done: HashMap::new() }.rule(&schema)
});

impl Record {
    pub fn key(&self, key: &str) -> Key<'_> {
        if let Ok(at) = self.keys.binary_search_by(|(known, _)| known.as_str().cmp(key)) {
            return Key::Holds(&self.keys[at].1);
        }
        if self.extensions && key.starts_with("x-") {
            return Key::Free;
        }
        match &self.names {
            Some((names, rule)) if names.take(key) => Key::Holds(rule),
            _ if self.open => Key::Free,
            Some(_) => Key::BadName,
            None => Key::Unknown,
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(key, _)| key.as_str())
    }

    /// The rules below, each with its key or `*` for the user's own.
    pub fn below(&self) -> impl Iterator<Item = (&str, &Arc<Rule>)> {
        let named = self.names.iter().map(|(_, rule)| ("*", rule));
        self.keys.iter().map(|(key, rule)| (key.as_str(), rule)).chain(named)
    }
}

impl Names {
    fn of(pattern: &str) -> Names {
        match pattern {
            ".+" | "^.+$" => Names::Any,
            "^[a-zA-Z0-9._-]+$" => Names::Resource,
            "^[a-z]+$" => Names::Lowercase,
            _ => panic!("policies/schema has a pattern of keys that is not known here: {pattern}"),
        }
    }

    fn take(self, key: &str) -> bool {
        !key.is_empty()
            && match self {
                Names::Any => true,
                Names::Resource => key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
                Names::Lowercase => key.bytes().all(|b| b.is_ascii_lowercase()),
            }
    }
}

/// The part of JSON Schema's draft 7 that says which keys and kinds there are. Ranges, patterns of
/// values and required keys are judged by the model, after merging.
#[derive(Debug, Deserialize)]
struct Schema {
    #[serde(rename = "type", default)]
    kinds: Kinds,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "oneOf", default)]
    one_of: Vec<Schema>,
    #[serde(default)]
    properties: IndexMap<String, Schema>,
    #[serde(rename = "patternProperties", default)]
    patterns: IndexMap<String, Schema>,
    #[serde(rename = "additionalProperties", default = "yes")]
    additional: bool,
    items: Option<Box<Schema>>,
    #[serde(rename = "enum", default)]
    words: Vec<String>,
    #[serde(default)]
    definitions: IndexMap<String, Schema>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Kinds {
    #[default]
    Unsaid,
    One(String),
    Many(Vec<String>),
}

fn yes() -> bool {
    true
}

impl Kinds {
    fn as_slice(&self) -> &[String] {
        match self {
            Kinds::Unsaid => &[],
            Kinds::One(kind) => std::slice::from_ref(kind),
            Kinds::Many(kinds) => kinds,
        }
    }
}

struct Builder<'s> {
    definitions: &'s IndexMap<String, Schema>,
    done: HashMap<&'s str, Arc<Rule>>,
}

impl<'s> Builder<'s> {
    fn rule(&mut self, schema: &'s Schema) -> Arc<Rule> {
        if let Some(reference) = &schema.reference {
            return self.definition(reference);
        }
        if !schema.one_of.is_empty() {
            let rules: Vec<_> = schema.one_of.iter().map(|schema| self.rule(schema)).collect();
            return Arc::new(joined(&rules));
        }
        let mut rule = Rule { any: schema.kinds.as_slice().is_empty(), words: schema.words.clone(), ..Rule::default() };
        for kind in schema.kinds.as_slice() {
            match kind.as_str() {
                "null" => rule.scalars |= NULL,
                "boolean" => rule.scalars |= BOOL,
                "integer" => rule.scalars |= INT,
                "number" => rule.scalars |= NUMBER,
                "string" => rule.scalars |= STRING,
                "array" => rule.list = Some(schema.items.as_ref().map_or_else(anything, |items| self.rule(items))),
                "object" => rule.map = Some(Arc::new(self.record(schema))),
                _ => panic!("policies/schema has a type that is not known here: {kind}"),
            }
        }
        Arc::new(rule)
    }

    fn definition(&mut self, reference: &'s str) -> Arc<Rule> {
        let name = reference.strip_prefix("#/definitions/").unwrap_or(reference);
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let schema = self.definitions.get(name).expect("policies/schema refers to what it defines");
        let rule = self.rule(schema);
        self.done.insert(name, rule.clone());
        rule
    }

    fn record(&mut self, schema: &'s Schema) -> Record {
        let mut keys: Vec<_> = schema.properties.iter().map(|(key, schema)| (key.clone(), self.rule(schema))).collect();
        keys.sort_by(|(a, _), (b, _)| a.cmp(b));
        let names = schema.patterns.iter().find(|(pattern, _)| *pattern != "^x-");
        let names = names.map(|(pattern, schema)| (Names::of(pattern), self.rule(schema)));
        Record { keys, names, extensions: schema.patterns.contains_key("^x-"), open: schema.additional }
    }
}

fn anything() -> Arc<Rule> {
    Arc::new(Rule { any: true, ..Rule::default() })
}

fn joined(rules: &[Arc<Rule>]) -> Rule {
    let mut all = Rule::default();
    for rule in rules {
        assert!(all.map.is_none() || rule.map.is_none(), "policies/schema has two mappings to choose from");
        assert!(all.list.is_none() || rule.list.is_none(), "policies/schema has two lists to choose from");
        assert!(all.scalars & rule.scalars & STRING == 0, "policies/schema has two strings to choose from");
        all.any |= rule.any;
        all.scalars |= rule.scalars;
        all.words.extend(rule.words.iter().cloned());
        all.list = all.list.take().or_else(|| rule.list.clone());
        all.map = all.map.take().or_else(|| rule.map.clone());
    }
    all
}

impl Rule {
    /// What is taken, in words: `a string or a list`.
    pub fn wanted(&self) -> String {
        let mut words = Vec::new();
        if !self.words.is_empty() {
            words.extend(self.words.iter().map(|word| format!("`{word}`")));
        } else if self.scalars & STRING != 0 {
            words.push("a string".to_string());
        }
        let kinds = [(BOOL, "true or false"), (NUMBER, "a number"), (INT, "an integer")];
        words.extend(kinds.iter().filter(|(bit, _)| self.scalars & bit != 0).map(|(_, word)| (*word).to_string()));
        words.extend(self.list.iter().map(|_| "a list".to_string()));
        words.extend(self.map.iter().map(|_| "a mapping".to_string()));
        words.extend((self.scalars & NULL != 0).then(|| "nothing".to_string()));
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.concat(),
        }
    }
}
