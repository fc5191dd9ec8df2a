//! One service, key by key.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Facts, entries, healthcheck, mounts, only, unknown};
use crate::engine::remove::RUN_LABEL;
use crate::error::Result;

/// These mean the same beside the live stack as in it.
const KEPT: &[&str] = &[
    "cap_add",
    "cap_drop",
    "command",
    "configs",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "environment",
    "expose",
    "group_add",
    "hostname",
    "image",
    "init",
    "isolation",
    "links",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "oom_kill_disable",
    "oom_score_adj",
    "pids_limit",
    "platform",
    "post_start",
    "pre_stop",
    "read_only",
    "runtime",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "user",
    "working_dir",
];
/// These tie a service to the machine, to the outside, to its live name or to a proxy that would send
/// it visitors; or they say how it is built and pulled, which a rehearsal does not do.
const DROPPED: &[&str] = &[
    "annotations",
    "attach",
    "blkio_config",
    "build",
    "cgroup",
    "cgroup_parent",
    "container_name",
    "credential_spec",
    "develop",
    "device_cgroup_rules",
    "devices",
    "dns",
    "env_file",
    "external_links",
    "gpus",
    "label_file",
    "labels",
    "logging",
    "mac_address",
    "models",
    "ports",
    "privileged",
    "profiles",
    "provider",
    "pull_policy",
    "pull_refresh_after",
    "replicas",
    "restart",
    "scale",
    "use_api_socket",
    "userns_mode",
    "uts",
    "volumes_from",
];
/// Those of `deploy` that limit what a container may take.
const LIMITS: &[&str] = &["cpus", "memory", "pids"];

/// `leans_out`: it may need what is not rehearsed, so it is not waited for as long as the others.
pub(super) fn rewrite(name: &str, service: &Value, left_out: &BTreeMap<String, String>, leans_out: bool, facts: &Facts) -> Result<Value> {
    let place = format!("service {name}");
    let mut rewritten = Map::new();
    for (key, value) in service.as_object().into_iter().flatten() {
        let new = match key.as_str() {
            kept if KEPT.contains(&kept) => value.clone(),
            "restart" if facts.keep_restart => value.clone(),
            dropped if DROPPED.contains(&dropped) || dropped.starts_with("x-") => continue,
            "depends_on" => depends_on(value, left_out),
            "deploy" => deploy(&place, value, facts.keep_restart)?,
            "extra_hosts" => extra_hosts(value),
            "volumes" => mounts::rewrite(name, value, facts)?,
            // Both are looked at below, also when they are absent.
            "networks" | "network_mode" | "healthcheck" => continue,
            "pid" | "ipc" if value.as_str() == Some("host") => continue,
            "pid" | "ipc" => value.clone(),
            unknown_key => return Err(unknown(&place, unknown_key)),
        };
        rewritten.insert(key.clone(), new);
    }
    networks(&place, service, &mut rewritten)?;
    let image = service.get("image").and_then(Value::as_str).unwrap_or_default();
    let inherited = facts.images.get(image).and_then(Option::as_ref);
    if let Some(check) = healthcheck::rewrite(service.get("healthcheck"), inherited, leans_out) {
        rewritten.insert("healthcheck".into(), check);
    }
    rewritten.insert("labels".into(), json!({RUN_LABEL: facts.run}));
    rewritten.insert("logging".into(), json!({"driver": "json-file"}));
    if !facts.keep_restart {
        rewritten.insert("restart".into(), json!("no"));
    }
    Ok(Value::Object(rewritten))
}

/// What is left out and not required is not waited for.
fn depends_on(value: &Value, left_out: &BTreeMap<String, String>) -> Value {
    let kept = value.as_object().into_iter().flatten().filter(|(name, _)| !left_out.contains_key(*name));
    Value::Object(kept.map(|(name, how)| (name.clone(), how.clone())).collect())
}

fn deploy(place: &str, value: &Value, keep_restart: bool) -> Result<Value> {
    let known =
        ["mode", "replicas", "endpoint_mode", "labels", "resources", "restart_policy", "update_config", "rollback_config", "placement"];
    only(&format!("deploy of {place}"), value, &known)?;
    let limits = value.pointer("/resources/limits").and_then(Value::as_object);
    let kept = limits.into_iter().flatten().filter(|(key, _)| LIMITS.contains(&key.as_str()));
    let kept: Map<String, Value> = kept.map(|(key, limit)| (key.clone(), limit.clone())).collect();
    let mut deploy = json!({"resources": {"limits": kept}});
    if let Some(policy) = value.get("restart_policy").filter(|_| keep_restart) {
        deploy["restart_policy"] = policy.clone();
    }
    Ok(deploy)
}

/// Names that lead to the machine itself go.
fn extra_hosts(value: &Value) -> Value {
    let kept = value.as_array().into_iter().flatten().filter(|entry| !entry.as_str().is_some_and(|entry| entry.contains("host-gateway")));
    Value::Array(kept.cloned().collect())
}

/// The same networks by the same keys, without addresses of their own; the container's name, which
/// goes, stays as an alias, since others may address it by that.
fn networks(place: &str, service: &Value, rewritten: &mut Map<String, Value>) -> Result<()> {
    match service.get("network_mode").and_then(Value::as_str) {
        Some(mode) if mode == "none" || mode.starts_with("service:") => {
            rewritten.insert("network_mode".into(), json!(mode));
            return Ok(());
        }
        _ => {}
    }
    let alias = service.get("container_name").and_then(Value::as_str);
    let mut attached = Map::new();
    for (key, settings) in entries(service, "networks") {
        let known = [
            "aliases",
            "priority",
            "gw_priority",
            "interface_name",
            "ipv4_address",
            "ipv6_address",
            "link_local_ips",
            "mac_address",
            "driver_opts",
        ];
        only(&format!("network {key} of {place}"), settings, &known)?;
        attached.insert(key.to_string(), attachment(settings, alias));
    }
    if attached.is_empty() {
        attached.insert("default".into(), attachment(&Value::Null, alias));
    }
    rewritten.insert("networks".into(), Value::Object(attached));
    Ok(())
}

fn attachment(settings: &Value, alias: Option<&str>) -> Value {
    let mut aliases: Vec<Value> = super::items(settings, "aliases").cloned().collect();
    aliases.extend(alias.filter(|alias| !aliases.iter().any(|known| known == alias)).map(|alias| json!(alias)));
    if aliases.is_empty() { Value::Null } else { json!({"aliases": aliases}) }
}
