//! The model as Compose prints it.

use serde_json::{Map, Number, Value as Json};

use crate::yaml::{Data, Value};

use super::Model;

impl Model {
    /// What `docker compose config --format json` prints, keys sorted. A dollar sign is doubled.
    /// Values are shown: see [`Model::masked_json`] for people.
    pub fn json(&self) -> Json {
        json(&self.value, &|_, text| text.replace('$', "$$"))
    }

    /// The same with every string that `hide` names replaced by [`crate::secret::MASK`]; `hide`
    /// gets the value and its text.
    pub fn masked_json(&self, hide: &dyn Fn(&Value, &str) -> bool) -> Json {
        json(&self.value, &|value, text| if hide(value, text) { crate::secret::MASK.to_string() } else { text.replace('$', "$$") })
    }
}

fn json(value: &Value, show: &dyn Fn(&Value, &str) -> String) -> Json {
    match &value.data {
        Data::Null => Json::Null,
        Data::Bool(value) => Json::Bool(*value),
        Data::Int(value) => Json::Number((*value).into()),
        Data::Uint(value) => Json::Number((*value).into()),
        Data::Float(value) => Json::Number(float(*value)),
        Data::Str(text) => Json::String(show(value, text)),
        Data::Seq(items) => Json::Array(items.iter().map(|item| json(item, show)).collect()),
        Data::Map(fields) => {
            let mut entries: Vec<_> = fields.iter().map(|(key, field)| (key.replace('$', "$$"), json(&field.value, show))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(entries.into_iter().collect::<Map<_, _>>())
        }
    }
}

/// A whole number loses its point, as it does in Go.
fn float(value: f64) -> Number {
    let text = value.to_string();
    serde_json::from_str(&text).unwrap_or_else(|_| Number::from(0))
}
