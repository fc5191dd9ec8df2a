//! Rendered models, made such that Compose reads them again.

use serde_json::Value;

use crate::error::{Error, Result};

/// The model without the optional dependencies whose services it does not have.
///
/// Compose 2.40 prints `required: false` on a service of a profile that is not chosen, without that
/// service, and then refuses what it printed: the service is not disabled any more but unknown. A
/// configuration hash does not depend on `depends_on`.
///
/// # Errors
/// It is not JSON (`Unusable`); only the place is said.
pub(super) fn readable(frozen_json: &[u8]) -> Result<Vec<u8>> {
    let mut model: Value = serde_json::from_slice(frozen_json).map_err(|error| {
        let place = format!("line {} column {} is not JSON", error.line(), error.column());
        Error::unusable("read the rendered model").why(place)
    })?;
    let Some(services) = model.get_mut("services").and_then(Value::as_object_mut) else { return Ok(frozen_json.to_vec()) };
    let there: Vec<String> = services.keys().cloned().collect();
    for service in services.values_mut() {
        if let Some(needs) = service.get_mut("depends_on").and_then(Value::as_object_mut) {
            needs.retain(|name, how| there.contains(name) || how.get("required") != Some(&Value::Bool(false)));
        }
    }
    Ok(model.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_optional_dependencies_that_are_not_there_go() {
        let needs = json!({
            "db": {"condition": "service_started", "required": false},
            "queue": {"condition": "service_started", "required": false},
            "unknown": {"condition": "service_started", "required": true},
        });
        let model = json!({"name": "p", "services": {"db": {"image": "i"}, "web": {"image": "i", "depends_on": needs}}});
        let read: Value = serde_json::from_slice(&readable(model.to_string().as_bytes()).unwrap()).unwrap();
        let left: Vec<&String> = read["services"]["web"]["depends_on"].as_object().unwrap().keys().collect();
        assert_eq!(left, ["db", "unknown"]);
        assert_eq!(read["services"]["db"], model["services"]["db"]);
    }

    #[test]
    fn what_is_no_json_is_refused_without_its_text() {
        let error = readable(b"{canary").unwrap_err();
        assert!(!format!("{error:?}").contains("canary") && error.to_string().contains("rendered model"), "{error}");
    }
}
