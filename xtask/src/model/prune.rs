//! Services of inactive profiles, and resources that nobody uses, leave the model.

use std::collections::HashSet;

use crate::yaml::Value;

/// Takes services out whose profiles are all inactive, and gives back their names.
pub fn profiles(root: &mut Value, active: &[String]) -> HashSet<String> {
    let mut inactive = HashSet::new();
    if let Some(services) = root.get_mut("services").and_then(Value::as_map_mut) {
        services.retain(|name, field| {
            let profiles = field.value.get("profiles").and_then(Value::as_seq).unwrap_or_default();
            let wanted = |profile: &Value| active.iter().any(|active| active == "*" || Some(active.as_str()) == profile.as_str());
            let stays = profiles.is_empty() || profiles.iter().any(wanted);
            if !stays {
                inactive.insert(name.clone());
            }
            stays
        });
    }
    inactive
}

/// Takes networks, volumes, secrets and configs out that no service refers to.
pub fn resources(root: &mut Value) {
    let mut used: [HashSet<String>; 4] = Default::default();
    for (_, field) in root.get("services").and_then(Value::as_map).into_iter().flatten() {
        let service = &field.value;
        used[0].extend(service.get("networks").and_then(Value::as_map).into_iter().flatten().map(|(name, _)| name.clone()));
        used[1].extend(volume_names(service).map(|volume| volume.as_str().unwrap_or_default().to_string()));
        used[2].extend(sources(service, "secrets"));
        used[2].extend(service.get("build").into_iter().flat_map(|build| sources(build, "secrets")));
        used[3].extend(sources(service, "configs"));
    }
    for (section, used) in ["networks", "volumes", "secrets", "configs"].into_iter().zip(used) {
        let Some(fields) = root.as_map_mut() else { return };
        if let Some(entries) = fields.get_mut(section).and_then(|field| field.value.as_map_mut()) {
            entries.retain(|name, _| used.contains(name));
            if entries.is_empty() {
                fields.shift_remove(section);
            }
        }
    }
}

/// The named volumes that a service mounts.
pub fn volume_names(service: &Value) -> impl Iterator<Item = &Value> {
    let mounts = service.get("volumes").and_then(Value::as_seq).into_iter().flatten();
    mounts.filter(|mount| mount.get("type").and_then(Value::as_str) == Some("volume")).filter_map(|mount| mount.get("source"))
}

fn sources<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = String> + 'a {
    let mounts = value.get(key).and_then(Value::as_seq).into_iter().flatten();
    mounts.filter_map(|mount| mount.get("source")?.as_str().map(String::from))
}
