//! What Compose checks when the model is whole: references that lead nowhere, settings that
//! exclude each other.

use std::collections::{HashMap, HashSet};

use crate::yaml::{Data, Field, Value};

use super::prune::volume_names;
use super::{Fault, cycles};

/// Rules on a canonical document before it gets its types.
pub fn validate(root: &Value) -> Result<(), Fault> {
    for (section, exclusive) in
        [("volumes", &[][..]), ("secrets", &["file", "environment"][..]), ("configs", &["file", "environment", "content"][..])]
    {
        for (name, field) in entries(root, section) {
            let place = format!("{section}.{name}");
            match section {
                "volumes" => external_alone(&field.value, &place)?,
                _ => one_source(&field.value, exclusive, &place)?,
            }
        }
    }
    for (_, field) in entries(root, "services") {
        for port in field.value.get("ports").and_then(Value::as_seq).into_iter().flatten() {
            if let Some(ip) = port.get("host_ip")
                && ip.as_str().is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_err())
            {
                return Err(Fault::new(ip.at, "the host's IP address is not valid"));
            }
        }
        let watched = field.value.get("develop").and_then(|develop| develop.get("watch"));
        for watch in watched.and_then(Value::as_seq).into_iter().flatten() {
            if watch.get("path").and_then(Value::as_str) == Some("") {
                return Err(Fault::new(watch.at, "`path` cannot be empty"));
            }
        }
        for device in field.value.get("gpus").and_then(Value::as_seq).into_iter().flatten() {
            if device.get("count").is_some() && device.get("device_ids").is_some() {
                return Err(Fault::new(device.at, "`count` and `device_ids` exclude each other"));
            }
        }
    }
    Ok(())
}

fn entries<'a>(root: &'a Value, section: &str) -> impl Iterator<Item = (&'a String, &'a Field)> {
    root.get(section).and_then(Value::as_map).into_iter().flatten()
}

fn external_alone(value: &Value, place: &str) -> Result<(), Fault> {
    let external = value.get("external").is_some_and(|external| external.data == Data::Bool(true));
    let other =
        value.as_map().into_iter().flatten().find(|(key, _)| !matches!(key.as_str(), "name" | "external") && !key.starts_with("x-"));
    match other.filter(|_| external) {
        Some((key, field)) => Err(Fault::new(field.key, format!("{place}: `external` and `{key}` exclude each other"))),
        None => Ok(()),
    }
}

fn one_source(value: &Value, keys: &[&str], place: &str) -> Result<(), Fault> {
    let count = keys.iter().filter(|key| value.get(key).is_some()).count();
    if count > 1 {
        return Err(Fault::new(value.at, format!("{place}: {} exclude each other", keys.join(", "))));
    }
    if count == 0 && value.get("driver").is_none() && value.get("external").is_none() {
        return Err(Fault::new(value.at, format!("{place}: needs one of {}", keys.join(", "))));
    }
    Ok(())
}

/// Rules on the typed model with its active services.
pub fn check(root: &mut Value, inactive: &HashSet<String>) -> Result<(), Fault> {
    for (name, field) in entries(root, "services") {
        let service = &field.value;
        has_image(name, service, field)?;
        references(root, service, inactive)?;
        health_test(service)?;
        limits(service)?;
        scale(service)?;
        mounts(service)?;
    }
    for (name, field) in entries(root, "secrets") {
        let secret = &field.value;
        if secret.get("external").is_none() && secret.get("file").is_none() && secret.get("environment").is_none() {
            return Err(Fault::new(secret.at, format!("secrets.{name}: needs a `file` or an `environment`")));
        }
    }
    cycles::check(root)?;
    container_names(root)?;
    for (_, field) in root.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        let scale = field.value.get("scale").cloned();
        if let (Some(scale), Some(deploy)) = (scale, field.value.get_mut("deploy").and_then(Value::as_map_mut)) {
            deploy.insert("replicas".into(), Field { key: scale.at, value: scale });
        }
    }
    Ok(())
}

fn has_image(name: &str, service: &Value, field: &Field) -> Result<(), Fault> {
    let Some(build) = service.get("build") else {
        let has = service.get("image").is_some() || service.get("provider").is_some();
        return if has { Ok(()) } else { Err(Fault::new(field.key, format!("services.{name} has neither an image nor a build"))) };
    };
    if build.get("dockerfile").is_some() && build.get("dockerfile_inline").is_some() {
        return Err(Fault::new(build.at, "`dockerfile` and `dockerfile_inline` exclude each other"));
    }
    if let (Some(platforms), Some(platform)) = (build.get("platforms").and_then(Value::as_seq), service.get("platform"))
        && !platforms.iter().any(|built| built.data == platform.data)
    {
        return Err(Fault::new(platform.at, "the service's platform is none of those it is built for"));
    }
    Ok(())
}

fn references(root: &Value, service: &Value, inactive: &HashSet<String>) -> Result<(), Fault> {
    let defined = |section: &str, name: &str| root.get(section).is_some_and(|entries| entries.get(name).is_some());
    let networks = service.get("networks").and_then(Value::as_map);
    if let (Some(mode), Some(_)) = (service.get("network_mode"), networks.filter(|networks| !networks.is_empty())) {
        return Err(Fault::new(mode.at, "`network_mode` and `networks` exclude each other"));
    }
    for (name, field) in networks.into_iter().flatten() {
        if !defined("networks", name) {
            return Err(Fault::new(field.key, format!("the network {name} is not defined")));
        }
    }
    for (name, field) in service.get("depends_on").and_then(Value::as_map).into_iter().flatten() {
        let optional = field.value.get("required").is_some_and(|required| required.data == Data::Bool(false));
        if !(defined("services", name) || optional && inactive.contains(name)) {
            return Err(Fault::new(field.key, format!("the service {name} is not defined, or its profile is not active")));
        }
    }
    for volume in volume_names(service) {
        if volume.as_str().is_some_and(|name| !name.is_empty() && !defined("volumes", name)) {
            return Err(Fault::new(volume.at, "this volume is not defined"));
        }
    }
    let build_secrets = service.get("build").and_then(|build| build.get("secrets"));
    let mounts = [("secrets", service.get("secrets")), ("secrets", build_secrets), ("configs", service.get("configs"))];
    for (section, mounts) in mounts {
        for mount in mounts.and_then(Value::as_seq).into_iter().flatten() {
            if !mount.get("source").and_then(Value::as_str).is_some_and(|name| defined(section, name)) {
                return Err(Fault::new(mount.at, format!("this entry of `{section}` is not defined")));
            }
        }
    }
    for (name, field) in service.get("models").and_then(Value::as_map).into_iter().flatten() {
        if !defined("models", name) {
            return Err(Fault::new(field.key, format!("the model {name} is not defined")));
        }
    }
    Ok(())
}

fn health_test(service: &Value) -> Result<(), Fault> {
    let first = service.get("healthcheck").and_then(|check| check.get("test")?.as_seq()?.first());
    match first {
        Some(word) if !matches!(word.as_str(), Some("CMD" | "CMD-SHELL" | "NONE")) => {
            Err(Fault::new(word.at, "a health check's test begins with CMD, CMD-SHELL or NONE"))
        }
        _ => Ok(()),
    }
}

/// The old keys and those under `deploy` must agree.
fn limits(service: &Value) -> Result<(), Fault> {
    let resources = service.get("deploy").and_then(|deploy| deploy.get("resources"));
    let pairs = [
        ("cpus", "limits", "cpus"),
        ("mem_limit", "limits", "memory"),
        ("mem_reservation", "reservations", "memory"),
        ("pids_limit", "limits", "pids"),
    ];
    for (old, section, new) in pairs {
        let Some(own) = service.get(old) else { continue };
        let Some(section) = resources.and_then(|resources| resources.get(section)) else { continue };
        if section.get(new).map(|new| &new.data) != Some(&own.data) {
            return Err(Fault::new(own.at, format!("`{old}` differs from the same limit under `deploy`")));
        }
    }
    Ok(())
}

fn scale(service: &Value) -> Result<(), Fault> {
    let number = |value: Option<&Value>| match value?.data {
        Data::Int(number) => Some(number),
        _ => None,
    };
    let (scale, replicas) = (service.get("scale"), service.get("deploy").and_then(|deploy| deploy.get("replicas")));
    if let (Some(scale), Some(replicas)) = (scale, replicas)
        && scale.data != replicas.data
    {
        return Err(Fault::new(scale.at, "`scale` and `deploy.replicas` differ"));
    }
    if let Some(below) = [scale, replicas].into_iter().flatten().find(|count| number(Some(count)).is_some_and(|count| count < 0)) {
        return Err(Fault::new(below.at, "the number of containers cannot be below zero"));
    }
    match service.get("container_name") {
        Some(name) if number(scale).or_else(|| number(replicas)).unwrap_or(1) > 1 => {
            Err(Fault::new(name.at, "a service with a container name cannot have several containers"))
        }
        _ => Ok(()),
    }
}

/// Nothing may be mounted where a `tmpfs` or another volume is.
fn mounts(service: &Value) -> Result<(), Fault> {
    let list = |key: &str| service.get(key).and_then(Value::as_seq).into_iter().flatten();
    let tmpfs = list("tmpfs").filter_map(|item| Some((item.at, item.as_str()?.split(':').next()?)));
    let volumes = list("volumes").filter_map(|item| Some((item.at, item.get("target")?.as_str()?)));
    let mut taken = HashSet::new();
    match tmpfs.chain(volumes).find(|(_, target)| !taken.insert(*target)) {
        Some((at, target)) => Err(Fault::new(at, format!("something else is mounted at {target}"))),
        None => Ok(()),
    }
}

fn container_names(root: &Value) -> Result<(), Fault> {
    let mut seen = HashMap::new();
    for (_, field) in entries(root, "services") {
        if let Some(name) = field.value.get("container_name")
            && seen.insert(name.as_str(), ()).is_some()
        {
            return Err(Fault::new(name.at, "another service has this container name"));
        }
    }
    Ok(())
}
