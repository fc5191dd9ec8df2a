//! A renamed project or volume starts with empty volumes: the data seems lost.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::guards::Checked;

/// The names under which a release keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub project: String,
    /// Each service that mounts named volumes: the place in the container, and the volume's name.
    pub mounts: BTreeMap<(String, String), String>,
}

impl Names {
    /// Of a rendered model.
    pub fn of(model: &Value) -> Names {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(String::from);
        let volumes = model.get("volumes");
        let mut mounts = BTreeMap::new();
        for (service, body) in model.get("services").and_then(Value::as_object).into_iter().flatten() {
            for mount in body.get("volumes").and_then(Value::as_array).into_iter().flatten() {
                let (Some("volume"), Some(source), Some(target)) =
                    (mount.get("type").and_then(Value::as_str), text(mount, "source"), text(mount, "target"))
                else {
                    continue;
                };
                let name = volumes.and_then(|volumes| volumes.get(&source)).and_then(|volume| text(volume, "name"));
                mounts.insert((service.clone(), target), name.unwrap_or(source));
            }
        }
        Names { project: text(model, "name").unwrap_or_default(), mounts }
    }
}

pub fn names_are_kept(last: Option<&Names>, next: &Names) -> Checked {
    let Some(last) = last else { return Checked::new("names", Vec::new(), "") };
    let mut why = Vec::new();
    if last.project != next.project {
        why.push(format!("the project is called {} now, and was {} in the last release", next.project, last.project));
    }
    let moved: BTreeSet<String> = last
        .mounts
        .iter()
        .filter_map(|(place, name)| {
            let now = next.mounts.get(place).filter(|now| *now != name)?;
            Some(format!("{} has the volume {now} at {} now, and had {name} in the last release", place.0, place.1))
        })
        .collect();
    why.extend(moved);
    Checked::new("names", why, "give back the old name (`name:` of the project or the volume), or copy the data first")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(project: &str, volume: &str) -> Names {
        Names::of(&json!({"name": project, "volumes": {"data": {"name": volume}}, "services": {"db": {"volumes": [
            {"type": "volume", "source": "data", "target": "/data"},
            {"type": "bind", "source": "/x", "target": "/x"},
            {"type": "volume", "target": "/anonymous"},
        ]}}}))
    }

    #[test]
    fn a_new_name_is_refused_and_a_first_release_is_not() {
        let next = names("shop", "shop_data");
        assert_eq!(next.mounts.len(), 1);
        assert_eq!(names_are_kept(None, &next).refusal, None);
        assert_eq!(names_are_kept(Some(&next), &next).refusal, None);
        let why = names_are_kept(Some(&names("old", "old_data")), &next).refusal.unwrap().why;
        assert_eq!(why.len(), 2);
        assert_eq!(why[1], "db has the volume shop_data at /data now, and had old_data in the last release");
    }
}
