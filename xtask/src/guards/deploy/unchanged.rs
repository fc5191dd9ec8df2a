//! Networks and volumes that exist are as the files say. Compose recreates a network that changed, stopping
//! all that is in it, and offers to delete a volume that did; older versions ignore the change silently.

use serde_json::Value;

use crate::engine::Engine;
use crate::error::Result;
use crate::guards::Checked;

/// # Errors
/// `Failed`: the engine does not answer.
pub fn definitions_are_unchanged(engine: &dyn Engine, model: &Value) -> Result<Checked> {
    let mut why = Vec::new();
    for (name, wanted) in own(model, "volumes") {
        if let Some(there) = engine.volume(&name)? {
            let driver = text(wanted, "driver").unwrap_or("local");
            let same = there.driver == driver && same_options(wanted, &there.options);
            if !same {
                why.push(format!("the volume {name} was made with another driver or other options: Compose would offer to delete it"));
            }
        }
    }
    for (name, wanted) in own(model, "networks") {
        let there = engine.networks(&[("com.docker.compose.project", text(model, "name").unwrap_or_default())])?;
        if let Some(there) = there.into_iter().find(|there| there.name == name) {
            let internal = wanted.get("internal").and_then(Value::as_bool).unwrap_or(false);
            let driver = text(wanted, "driver").unwrap_or("bridge");
            if there.internal != internal || there.driver != driver || !same_options(wanted, &there.options) {
                why.push(format!("the network {name} was made otherwise: to change it, everything in it stops"));
            }
        }
    }
    let help = "take the change back; or give the network or volume another name, and move the data of a volume by hand";
    Ok(Checked::new("definitions", why, help))
}

fn own<'m>(model: &'m Value, kind: &str) -> Vec<(String, &'m Value)> {
    let things = model.get(kind).and_then(Value::as_object).into_iter().flatten();
    let own = things.filter(|(_, thing)| thing.get("external") != Some(&Value::Bool(true)));
    own.map(|(key, thing)| (text(thing, "name").unwrap_or(key).to_string(), thing)).collect()
}

fn same_options(wanted: &Value, there: &std::collections::BTreeMap<String, String>) -> bool {
    let options = wanted.get("driver_opts").and_then(Value::as_object);
    let wanted: std::collections::BTreeMap<&str, String> = options
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), |text| text.replace("$$", "$"))))
        .collect();
    // Engines add options of their own to networks; none that was asked for may differ.
    let asked_as_made = wanted.iter().all(|(name, value)| there.get(*name) == Some(value));
    let made_as_asked = there.keys().all(|name| wanted.contains_key(name.as_str()) || name.starts_with("com.docker."));
    asked_as_made && made_as_asked
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_compared_both_ways() {
        let there = BTreeMap::from([("type".to_string(), "nfs".to_string()), ("com.docker.network.x".to_string(), "1".to_string())]);
        assert!(same_options(&json!({"driver_opts": {"type": "nfs"}}), &there));
        assert!(!same_options(&json!({"driver_opts": {"type": "tmpfs"}}), &there));
        assert!(!same_options(&json!({}), &there));
        assert!(!same_options(&json!({"driver_opts": {"type": "nfs", "o": "rw"}}), &there));
    }
}
