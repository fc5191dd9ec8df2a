//! Which services cannot be rehearsed, and whoever depends on them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{Facts, entries, items, mounts, services};

/// The label, or its value `off`, by which an owner says so.
const LABEL: &str = "xtask.rehearse";
/// What lets a container reach around its own walls.
const STRONG_CAPABILITIES: &[&str] =
    &["ALL", "BPF", "DAC_READ_SEARCH", "MKNOD", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_RAWIO", "SYS_TIME"];

/// Service by service, why it is left out.
pub(super) fn decide(model: &Value, facts: &Facts) -> BTreeMap<String, String> {
    let mut left_out = BTreeMap::new();
    for (name, service) in services(model) {
        if let Some(why) = own_reason(model, service, facts) {
            left_out.insert(name.to_string(), why);
        }
    }
    // A chain of dependencies is followed to its end.
    loop {
        let mut more = BTreeMap::new();
        for (name, service) in services(model).filter(|(name, _)| !left_out.contains_key(*name)) {
            if let Some(missing) = depends_on(service).into_iter().find(|needed| left_out.contains_key(needed)) {
                more.insert(name.to_string(), format!("it depends on {missing}, which is left out"));
            }
        }
        if more.is_empty() {
            return left_out;
        }
        left_out.append(&mut more);
    }
}

fn own_reason(model: &Value, service: &Value, facts: &Facts) -> Option<String> {
    let text = |key: &str| service.get(key).and_then(Value::as_str).unwrap_or_default();
    if service.get("labels").and_then(|labels| labels.get(LABEL)?.as_str()) == Some("off") {
        return Some(format!("its label {LABEL} is off"));
    }
    match text("image") {
        "" => return Some("it has no image, and a rehearsal does not build".into()),
        image if !facts.images.contains_key(image) => return Some(format!("its image {image} is not on this engine")),
        _ => {}
    }
    if service.get("privileged") == Some(&Value::Bool(true)) {
        return Some("it is privileged".into());
    }
    let strong = |name: &&str| STRONG_CAPABILITIES.contains(&name.trim_start_matches("CAP_"));
    if let Some(name) = items(service, "cap_add").filter_map(Value::as_str).find(strong) {
        return Some(format!("it has the capability {name}"));
    }
    let hooks = items(service, "post_start").chain(items(service, "pre_stop"));
    if hooks.into_iter().any(|hook| hook.get("privileged") == Some(&Value::Bool(true))) {
        return Some("it has a privileged hook".into());
    }
    for key in ["volumes_from", "credential_spec", "provider", "models", "use_api_socket"] {
        if service.get(key).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))) {
            return Some(format!("it uses {key}"));
        }
    }
    for key in ["network_mode", "pid", "ipc"] {
        if text(key).starts_with("container:") {
            return Some(format!("its {key} is that of a running container"));
        }
    }
    if !matches!(text("runtime"), "" | "runc") {
        return Some(format!("it needs the runtime {}", text("runtime")));
    }
    mounts::reason(service, facts).or_else(|| files_reason(model, service, facts))
}

/// A secret or a config that is neither a file that is copied nor a content of the model.
fn files_reason(model: &Value, service: &Value, facts: &Facts) -> Option<String> {
    for kind in ["secrets", "configs"] {
        for item in items(service, kind) {
            let name = item.get("source").and_then(Value::as_str).or(item.as_str()).unwrap_or_default();
            let definition = model.get(kind).and_then(|all| all.get(name)).unwrap_or(&Value::Null);
            let file = definition.get("file").and_then(Value::as_str).map(Path::new);
            match file {
                Some(file) if facts.copies.contains_key(file) => {}
                Some(file) => return Some(not_copied(file, facts)),
                None if definition.get("content").is_some() => {}
                None => return Some(format!("{name} of its {kind} is not in a file")),
            }
        }
    }
    None
}

pub(super) fn not_copied(path: &Path, facts: &Facts) -> String {
    let why = facts.not_copied.get(path).map_or("it was not looked at", String::as_str);
    format!("{} is not copied: {why}", path.display())
}

/// The services that this one cannot start without.
pub(super) fn depends_on(service: &Value) -> BTreeSet<String> {
    let required = |(_, how): &(&str, &Value)| how.get("required") != Some(&Value::Bool(false));
    let mut needed: BTreeSet<String> = entries(service, "depends_on").filter(required).map(|(name, _)| name.to_string()).collect();
    let links = items(service, "links").filter_map(Value::as_str);
    needed.extend(links.filter_map(|link| link.split(':').next()).map(String::from));
    for key in ["network_mode", "pid", "ipc"] {
        let other = service.get(key).and_then(|mode| mode.as_str()?.strip_prefix("service:"));
        needed.extend(other.map(String::from));
    }
    needed
}

/// Which services are in a network with something that is not rehearsed, or depend on one that is.
pub(super) fn needs(model: &Value, facts: &Facts) -> BTreeMap<String, String> {
    let mut needs: BTreeMap<String, String> = BTreeMap::new();
    for (name, service) in services(model) {
        let real = |key| super::real_name(model, key, model.pointer(&format!("/networks/{key}")).unwrap_or(&Value::Null));
        let outside = entries(service, "networks").find_map(|(key, _)| facts.outside.get(&real(key)));
        needs.extend(outside.map(|what| (name.to_string(), what.clone())));
    }
    // A chain of dependencies is no longer than there are services.
    for _ in services(model) {
        for (name, service) in services(model) {
            let below = depends_on(service).into_iter().find_map(|needed| needs.get(&needed).cloned());
            if let Some(what) = below {
                needs.entry(name.to_string()).or_insert(what);
            }
        }
    }
    needs
}

/// Paths that stand for the machine itself: never copied, whatever their size.
pub fn is_of_the_machine(path: &Path) -> bool {
    const WHOLE: &[&str] = &["/", "/var", "/var/lib"];
    const BELOW: &[&str] = &["/proc", "/sys", "/dev", "/run", "/var/run", "/var/lib/docker", "/var/lib/containerd"];
    WHOLE.iter().any(|whole| path == Path::new(whole)) || BELOW.iter().any(|above| path.starts_with(above))
}
