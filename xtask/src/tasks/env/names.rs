//! The variables of one file, to be compared with those of another: values are held, and never told.

use std::collections::BTreeMap;
use std::path::Path;

use super::history::{How, VariableChange};
use crate::dotenv;
use crate::yaml::{self, Data, Limits, Value};

/// Which kind of file holds variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Env,
    Compose,
}

/// By service, `None` in an env file, and name; what it is set to, as it is written.
#[derive(Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<(Option<String>, String), String>);

/// By the file's name: `.env`, `.env.example`, `.env.prod`, `docker.env`; YAML may be a compose file.
pub fn kind_of(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?;
    if name == ".env" || name.starts_with(".env.") || name.ends_with(".env") {
        return Some(Kind::Env);
    }
    (name.ends_with(".yaml") || name.ends_with(".yml")).then_some(Kind::Compose)
}

/// # Errors
/// Why they cannot be told; no value is quoted.
pub fn variables(kind: Kind, bytes: &[u8]) -> Result<Variables, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it was no text".to_string())?;
    match kind {
        Kind::Env => of_env_file(text),
        Kind::Compose => of_compose_file(text),
    }
}

fn of_env_file(text: &str) -> Result<Variables, String> {
    // A variable stands for itself: what it would be replaced by is another file's business.
    let itself = |name: &str| Some(format!("${{{name}}}"));
    let entries = dotenv::parse(text, &itself).map_err(|error| format!("line {} could not be read: {}", error.line, error.why))?;
    Ok(Variables(entries.into_iter().map(|entry| ((None, entry.key), entry.value)).collect()))
}

fn of_compose_file(text: &str) -> Result<Variables, String> {
    let documents = yaml::read(text, Limits::default()).map_err(|_| "it was no YAML that could be read".to_string())?;
    let mut found = Variables::default();
    for document in &documents {
        let value = yaml::expand(document, 0).map_err(|_| "it was no YAML that could be read".to_string())?;
        for (service, field) in value.get("services").and_then(Value::as_map).into_iter().flatten() {
            let Some(environment) = field.value.get("environment") else { continue };
            found.0.extend(entries(environment).into_iter().map(|(name, value)| ((Some(service.clone()), name), value)));
        }
    }
    Ok(found)
}

/// Of a map or of a list.
fn entries(environment: &Value) -> Vec<(String, String)> {
    if let Some(map) = environment.as_map() {
        return map.iter().map(|(name, field)| (name.clone(), written(&field.value.data))).collect();
    }
    let items = environment.as_seq().into_iter().flatten().filter_map(Value::as_str);
    items
        .map(|item| item.split_once('=').map_or((item.to_string(), written(&Data::Null)), |(name, value)| (name.into(), value.into())))
        .collect()
}

/// A name without a value is not the same as an empty one.
fn written(data: &Data) -> String {
    crate::model::scalar_text(data).unwrap_or_else(|| "\0".to_string())
}

/// By service and name.
pub fn differences(before: &Variables, after: &Variables) -> Vec<VariableChange> {
    let told = |(service, name): &(Option<String>, String), how| VariableChange { service: service.clone(), name: name.clone(), how };
    let mut found = Vec::new();
    for (key, value) in &after.0 {
        match before.0.get(key) {
            None => found.push(told(key, How::Added)),
            Some(old) if old != value => found.push(told(key, How::Changed)),
            Some(_) => {}
        }
    }
    found.extend(before.0.keys().filter(|key| !after.0.contains_key(*key)).map(|key| told(key, How::Removed)));
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(kind: Kind, before: &str, after: &str) -> Vec<(Option<String>, String, How)> {
        let read = |text: &str| variables(kind, text.as_bytes()).unwrap_or_else(|why| panic!("{why}"));
        differences(&read(before), &read(after)).into_iter().map(|change| (change.service, change.name, change.how)).collect()
    }

    #[test]
    fn names_of_env_files_are_told_by_what_became_of_them() {
        let found = changed(Kind::Env, "A=1\nB=2\nC='3'\nD=${X}\n", "# new\nA=1\nB=3\nC=3\nD=${Y}\nE=\n");
        let named = |name: &str, how| (None, name.to_string(), how);
        assert_eq!(found, [named("B", How::Changed), named("D", How::Changed), named("E", How::Added)]);
        assert_eq!(changed(Kind::Env, "A=1\n", ""), [named("A", How::Removed)]);
    }

    #[test]
    fn a_compose_file_is_told_by_service_in_both_forms() {
        let before = "services:\n  a: {environment: {K: v, L: ''}}\n  b: {environment: [K=v, L]}\n";
        let after = "services:\n  a: {environment: [K=v, L]}\n  b: {image: x, environment: {K: '${K}', L: }}\n";
        let of = |service: &str, name: &str, how| (Some(service.to_string()), name.to_string(), how);
        assert_eq!(changed(Kind::Compose, before, after), [of("a", "L", How::Changed), of("b", "K", How::Changed)]);
    }

    #[test]
    fn what_cannot_be_read_is_said_without_its_text() {
        let why = variables(Kind::Env, b"A='canary-in-a-file").err().unwrap();
        assert!(why.starts_with("line 1 ") && !why.contains("canary"), "{why}");
        assert!(variables(Kind::Compose, b"a: [canary").err().is_some_and(|why| !why.contains("canary")));
        assert!(variables(Kind::Env, &[0xff]).is_err());
    }

    #[test]
    fn files_are_told_by_their_names() {
        let of = |name: &str| kind_of(Path::new(name));
        assert_eq!([of("a/.env"), of(".env.example"), of("config/docker.env")], [Some(Kind::Env); 3]);
        assert_eq!((of("compose.prod.yml"), of("environment"), of("a.txt")), (Some(Kind::Compose), None, None));
    }
}
