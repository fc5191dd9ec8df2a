//! Rendered equality: two models compared key by key. Differences are places, never values.

use std::collections::BTreeSet;

use serde_json::Value;

/// What differs between two rendered models of one stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Environment variables that a service gains: service and name.
    pub gained: BTreeSet<(String, String)>,
    /// Environment variables of a service that have another value.
    pub changed: BTreeSet<(String, String)>,
    /// Every other difference, as `services.web.image has changed`.
    pub other: Vec<String>,
}

impl Differences {
    /// The same without what a phase declared: services that load a file which it writes may gain
    /// exactly its own variables, and some may come to have another value.
    pub fn beyond(&self, may_gain: impl Fn(&str, &str) -> bool, may_change: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let gained = self.gained.iter().filter(|(service, name)| !may_gain(service, name));
        let changed = self.changed.iter().filter(|(service, name)| !may_change(service, name));
        let mut beyond: Vec<String> = gained.map(|(service, name)| format!("services.{service}.environment.{name} is new")).collect();
        beyond.extend(changed.map(|(service, name)| format!("services.{service}.environment.{name} has changed")));
        beyond.extend(self.other.iter().cloned());
        beyond
    }
}

pub fn differences(before: &Value, after: &Value) -> Differences {
    let mut found = Differences::default();
    compare(before, after, &mut Vec::new(), &mut found);
    found
}

fn compare(before: &Value, after: &Value, path: &mut Vec<String>, found: &mut Differences) {
    // What stands under a key of one's own at the top only serves anchors: nothing runs by it.
    if path.first().is_some_and(|key| key.starts_with("x-")) {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                path.push(key.clone());
                match new.get(key) {
                    Some(other) => compare(value, other, path, found),
                    None => found.other.push(format!("{} is gone", path.join("."))),
                }
                path.pop();
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                path.push(key.clone());
                added(path, value, found);
                path.pop();
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (value, other)) in old.iter().zip(new).enumerate() {
                path.push(index.to_string());
                compare(value, other, path, found);
                path.pop();
            }
        }
        (Value::Null, new) if in_environment(path) => added(path, new, found),
        _ if before == after => {}
        _ => match path.as_slice() {
            [services, service, environment, name] if services == "services" && environment == "environment" => {
                found.changed.insert((service.clone(), name.clone()));
            }
            _ => found.other.push(format!("{} has changed", path.join("."))),
        },
    }
}

fn added(path: &[String], value: &Value, found: &mut Differences) {
    match (path, value) {
        ([services, service, environment, name], _) if services == "services" && environment == "environment" => {
            found.gained.insert((service.clone(), name.clone()));
        }
        // A service without any environment gains its first variables.
        ([.., service, _], Value::Object(fields)) if in_environment(path) => {
            found.gained.extend(fields.keys().map(|name| (service.clone(), name.clone())));
        }
        _ => found.other.push(format!("{} is new", path.join("."))),
    }
}

fn in_environment(path: &[String]) -> bool {
    matches!(path, [services, _, environment] if services == "services" && environment == "environment")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_models_have_no_differences() {
        let shared = |word: &str| json!({"x-shared": {"env_file": [word]}, "services": {}});
        assert_eq!(differences(&shared("a.env"), &shared(".env")), Differences::default());
        let model = json!({"name": "x", "services": {"a": {"command": ["one"], "environment": {"A": "1"}}}});
        assert_eq!(differences(&model, &model), Differences::default());
    }

    #[test]
    fn a_gained_variable_is_told_apart_from_every_other_difference() {
        let before =
            json!({"services": {"a": {"environment": {"A": "old-secret"}, "command": ["x"]}, "b": {"environment": null}, "c": {}}});
        let after = json!({"services": {"a": {"environment": {"A": "new-secret", "N": "1"}, "command": ["x", "y"]}, "b": {"environment": {"N": "1"}}, "c": {"environment": {"N": "1"}}}, "extra": 1});
        let found = differences(&before, &after);
        assert_eq!(found.gained.iter().map(|(s, n)| format!("{s}/{n}")).collect::<Vec<_>>(), ["a/N", "b/N", "c/N"]);
        assert_eq!(found.changed.iter().map(|(s, n)| format!("{s}/{n}")).collect::<Vec<_>>(), ["a/A"]);
        assert_eq!(found.other, ["services.a.command has changed", "extra is new"]);
        assert!(!format!("{found:?}").contains("secret"));
        assert_eq!(found.beyond(|service, name| service == "a" && name == "N", |_, _| false).len(), 5);
        let declared = |service: &str, name: &str| service == "a" && name == "A";
        assert_eq!(found.beyond(|_, _| true, declared), ["services.a.command has changed", "extra is new"]);
    }

    #[test]
    fn a_variable_that_is_gone_is_never_permitted() {
        let found = differences(&json!({"services": {"a": {"environment": {"A": "1"}}}}), &json!({"services": {"a": {"environment": {}}}}));
        assert_eq!(found.beyond(|_, _| true, |_, _| true), ["services.a.environment.A is gone"]);
    }
}
