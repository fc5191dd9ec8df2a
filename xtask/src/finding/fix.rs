//! How a finding is removed: changes of the file, and what they change in the rendered model.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::yaml::Operation;

/// How far the tool goes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FixKind {
    /// Safe alone: written by `--fix --apply`, verified by the rendered difference.
    Apply,
    /// Holds only when the service still becomes healthy on an engine; shown as a patch until then.
    Prove,
    /// A patch that a person has to confirm or complete.
    Propose,
    /// Nothing but words.
    Report,
}

impl FixKind {
    pub fn name(self) -> &'static str {
        match self {
            FixKind::Apply => "apply",
            FixKind::Prove => "prove",
            FixKind::Propose => "propose",
            FixKind::Report => "report",
        }
    }
}

/// Operations on one file, and every difference that they make to the rendered model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    pub kind: FixKind,
    /// Absolute.
    pub file: PathBuf,
    /// On the file as it was read.
    pub operations: Vec<Operation>,
    pub changes: Vec<Change>,
    /// What else it can mean for what runs; shown with the patch.
    pub caveat: Option<String>,
    /// Rules that had nothing to say of the service while the finding stood, and may have afterwards.
    pub reveals: &'static [&'static str],
}

/// A place of the rendered model, and what stands there afterwards: `None` when it is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The keys from the root on: `services`, `web`, `init`. Inside a sequence an item's place in it, from 0.
    pub path: Vec<String>,
    pub now: Option<Json>,
}

impl Change {
    /// Makes the change in a rendered model. Mappings on the way that are missing come to be; items do not.
    pub fn make(&self, model: &mut Json) {
        let Some((last, way)) = self.path.split_last() else { return };
        let mut at = model;
        for key in way {
            if let Json::Array(items) = at {
                let Some(item) = key.parse().ok().and_then(|index: usize| items.get_mut(index)) else { return };
                at = item;
                continue;
            }
            if !at.is_object() {
                *at = Json::Object(serde_json::Map::new());
            }
            let Some(fields) = at.as_object_mut() else { return };
            at = fields.entry(key.clone()).or_insert_with(|| Json::Object(serde_json::Map::new()));
        }
        if let (Json::Array(items), Ok(index)) = (&mut *at, last.parse::<usize>()) {
            match (items.get_mut(index), &self.now) {
                (Some(item), Some(now)) => item.clone_from(now),
                (Some(_), None) => drop(items.remove(index)),
                (None, _) => {}
            }
            return;
        }
        if !at.is_object() {
            *at = Json::Object(serde_json::Map::new());
        }
        let Some(fields) = at.as_object_mut() else { return };
        match &self.now {
            Some(now) => drop(fields.insert(last.clone(), now.clone())),
            None => drop(fields.shift_remove(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(path: &[&str], now: Option<Json>) -> Change {
        Change { path: path.iter().map(ToString::to_string).collect(), now }
    }

    #[test]
    fn changes_are_made_where_they_say() {
        let mut model = json!({"services": {"web": {"image": "x", "privileged": true}}});
        change(&["services", "web", "privileged"], None).make(&mut model);
        change(&["services", "web", "logging", "driver"], Some(json!("local"))).make(&mut model);
        assert_eq!(model, json!({"services": {"web": {"image": "x", "logging": {"driver": "local"}}}}));
    }
    #[test]
    fn items_of_sequences_are_changed_by_their_place() {
        let mut model = json!({"ports": [{"target": 80}, {"target": 81}]});
        change(&["ports", "1", "host_ip"], Some(json!("127.0.0.1"))).make(&mut model);
        change(&["ports", "2", "host_ip"], Some(json!("127.0.0.1"))).make(&mut model);
        assert_eq!(model, json!({"ports": [{"target": 80}, {"target": 81, "host_ip": "127.0.0.1"}]}));
        change(&["ports", "1"], Some(json!("82"))).make(&mut model);
        change(&["ports", "0"], None).make(&mut model);
        assert_eq!(model, json!({"ports": ["82"]}));
    }
}
