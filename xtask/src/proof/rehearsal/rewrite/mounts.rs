//! What a service mounts: volumes by name become fresh ones, bound paths their copies.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Facts, items, leave_out, unknown};
use crate::error::Result;

/// The paths that a service binds.
pub(super) fn bound(service: &Value) -> Vec<PathBuf> {
    items(service, "volumes").filter(|mount| kind(mount) == "bind").map(|mount| PathBuf::from(source(mount))).collect()
}

/// Why a service cannot be rehearsed because of what it mounts.
pub(super) fn reason(service: &Value, facts: &Facts) -> Option<String> {
    for mount in items(service, "volumes") {
        match kind(mount) {
            "bind" if !facts.copies.contains_key(Path::new(source(mount))) => {
                return Some(leave_out::not_copied(Path::new(source(mount)), facts));
            }
            "volume" if mount.pointer("/volume/subpath").is_some() => {
                return Some(format!("it mounts a folder inside the volume {}, which would be empty", source(mount)));
            }
            "bind" | "volume" | "tmpfs" => {}
            other => return Some(format!("it mounts a {other}")),
        }
    }
    None
}

/// Called for services that [`reason`] does not leave out.
pub(super) fn rewrite(name: &str, mounts: &Value, facts: &Facts) -> Result<Value> {
    let mut rewritten = Vec::new();
    for mount in mounts.as_array().into_iter().flatten() {
        let known = ["type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs"];
        super::only(&format!("a mount of service {name}"), mount, &known)?;
        let mut kept = json!({"type": kind(mount)});
        for key in ["source", "target", "read_only", "tmpfs"] {
            if let Some(value) = mount.get(key) {
                kept[key] = value.clone();
            }
        }
        if kind(mount) == "bind" {
            let copy = facts.copies.get(Path::new(source(mount)));
            let copy = copy.ok_or_else(|| unknown(&format!("service {name}"), source(mount)))?;
            // Without this a copy that went missing would be made anew, empty.
            kept["bind"] = json!({"create_host_path": false});
            kept["source"] = json!(copy);
        }
        if let Some(nocopy) = mount.pointer("/volume/nocopy") {
            kept["volume"] = json!({"nocopy": nocopy});
        }
        rewritten.push(kept);
    }
    Ok(Value::Array(rewritten))
}

fn kind(mount: &Value) -> &str {
    mount.get("type").and_then(Value::as_str).unwrap_or("volume")
}

fn source(mount: &Value) -> &str {
    mount.get("source").and_then(Value::as_str).unwrap_or_default()
}
