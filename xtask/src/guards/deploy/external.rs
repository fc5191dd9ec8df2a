//! What the stack expects others to have made is there.

use serde_json::Value;

use crate::engine::Engine;
use crate::error::Result;
use crate::guards::Checked;

/// # Errors
/// `Failed`: the engine does not answer.
pub fn external_things_exist(engine: &dyn Engine, model: &Value) -> Result<Checked> {
    let mut why = Vec::new();
    for name in external(model, "networks") {
        if engine.network(&name)?.is_none() {
            why.push(format!("the external network {name} is not there"));
        }
    }
    for name in external(model, "volumes") {
        if engine.volume(&name)?.is_none() {
            why.push(format!("the external volume {name} is not there"));
        }
    }
    let help = "start the stack that makes them first, or `docker network create NAME`; a volume that is gone is data that is gone";
    Ok(Checked::new("external", why, help))
}

fn external(model: &Value, kind: &str) -> Vec<String> {
    let things = model.get(kind).and_then(Value::as_object).into_iter().flatten();
    let external = things.filter(|(_, thing)| thing.get("external") == Some(&Value::Bool(true)));
    external.map(|(key, thing)| thing.get("name").and_then(Value::as_str).unwrap_or(key).to_string()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_external_is_asked_for_by_its_own_name() {
        let model =
            json!({"networks": {"own": {"name": "p_own"}, "edge": {"name": "traefik", "external": true}, "other": {"external": true}}});
        assert_eq!(external(&model, "networks"), ["traefik", "other"]);
        assert!(external(&model, "volumes").is_empty());
    }
}
