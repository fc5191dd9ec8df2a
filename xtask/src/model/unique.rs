//! Entries of a list that mean the same thing: the last one counts, where the first one stood.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::yaml::{Data, Value};

use super::Fault;
use super::short::volume;

/// What makes two entries of a list the same.
#[derive(Clone, Copy)]
enum Identity {
    /// The text up to `=`.
    Key,
    Volume,
    Device,
    Expose,
    Port,
    EnvFile,
    /// Secrets and configs, by where they are mounted.
    Mount(&'static str),
}

fn identity(path: &[&str]) -> Option<Identity> {
    Some(match path {
        ["networks", _, "labels"] | ["networks", _, "ipam", "options"] => Identity::Key,
        ["services", _, rest @ ..] => match rest {
            ["build", "args" | "additional_contexts" | "platform" | "tags" | "labels"] | ["deploy", "labels"] => Identity::Key,
            ["annotations" | "cap_add" | "cap_drop" | "dns" | "dns_opt" | "dns_search"] => Identity::Key,
            ["environment" | "labels" | "links" | "profiles" | "sysctls" | "tmpfs"] => Identity::Key,
            ["networks", _, "aliases" | "link_local_ips"] => Identity::Key,
            ["configs"] => Identity::Mount(""),
            ["secrets"] => Identity::Mount("/run/secrets"),
            ["devices"] => Identity::Device,
            ["env_file"] => Identity::EnvFile,
            ["expose"] => Identity::Expose,
            ["ports"] => Identity::Port,
            ["volumes"] => Identity::Volume,
            _ => return None,
        },
        _ => return None,
    })
}

/// Removes redefined entries from every list that has a rule for it.
pub fn enforce(value: &mut Value) -> Result<(), Fault> {
    walk(value, &mut Vec::new())
}

fn walk<'v>(value: &'v mut Value, path: &mut Vec<&'v str>) -> Result<(), Fault> {
    match &mut value.data {
        Data::Map(fields) => {
            for (key, field) in fields {
                path.push(key);
                walk(&mut field.value, path)?;
                path.pop();
            }
        }
        Data::Seq(items) if items.len() > 1 => {
            if let Some(identity) = identity(path) {
                dedupe(items, identity)?;
            }
        }
        // One entry has no equal, but Compose looks at its form all the same.
        Data::Seq(items) => {
            if let (Some(identity), Some(item)) = (identity(path), items.first()) {
                identity.of(item)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn dedupe(items: &mut Vec<Value>, identity: Identity) -> Result<(), Fault> {
    let mut places: HashMap<String, usize, RandomState> = HashMap::default();
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    for item in std::mem::take(items) {
        match places.entry(identity.of(&item)?) {
            std::collections::hash_map::Entry::Occupied(known) => kept[*known.get()] = item,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(kept.len());
                kept.push(item);
            }
        }
    }
    *items = kept;
    Ok(())
}

impl Identity {
    fn of(self, item: &Value) -> Result<String, Fault> {
        let target = |what: &str| match item.get("target").and_then(Value::as_str) {
            Some(target) => Ok(target.to_string()),
            None => Err(Fault::new(item.at, format!("this {what} needs a `target`"))),
        };
        Ok(match (self, &item.data) {
            (Identity::Key, Data::Str(text)) => text.split('=').next().unwrap_or_default().to_string(),
            (Identity::Key, _) => return Err(Fault::new(item.at, "an entry of this list must be a string")),
            (Identity::Volume, Data::Str(text)) => volume::parse(text).map_err(|why| Fault::new(item.at, why))?.target,
            (Identity::Volume, Data::Map(_)) => target("mount")?,
            (Identity::Device, Data::Str(text)) => {
                let mut parts = text.split(':');
                let source = parts.next().unwrap_or_default();
                parts.next().unwrap_or(source).to_string()
            }
            (Identity::Device, Data::Map(_)) => target("device")?,
            (Identity::Expose, Data::Str(text)) => text.clone(),
            (Identity::Expose, Data::Int(port)) => port.to_string(),
            (Identity::Expose, _) => return Err(Fault::new(item.at, "a port must be an integer or a string")),
            (Identity::Port, Data::Str(text)) => text.clone(),
            (Identity::Port, Data::Int(port)) => port.to_string(),
            (Identity::Port, Data::Map(_)) => port(item)?,
            (Identity::EnvFile, Data::Str(text)) => text.clone(),
            (Identity::EnvFile, Data::Map(_)) => match item.get("path").and_then(Value::as_str) {
                Some(path) => path.to_string(),
                None => return Err(Fault::new(item.at, "this env file needs a `path`")),
            },
            (Identity::Mount(folder), Data::Str(source)) => format!("{folder}/{source}"),
            (Identity::Mount(folder), Data::Map(_)) => match item.get("target").or_else(|| item.get("source")).map(|v| &v.data) {
                Some(Data::Str(target)) if item.get("target").is_some() => target.clone(),
                Some(Data::Str(source)) => format!("{folder}/{source}"),
                _ => return Err(Fault::new(item.at, "this mount needs a `source`")),
            },
            (Identity::Mount(_), _) => return Err(Fault::new(item.at, "a mount must be a name or a mapping")),
            _ => String::new(),
        })
    }
}

/// Ports are the same by address, published port, target and protocol; an integer and a string
/// are not equal.
fn port(item: &Value) -> Result<String, Fault> {
    let Some(target) = item.get("target") else {
        return Err(Fault::new(item.at, "this port needs a `target`"));
    };
    let part = |key: &str, default: &str| match item.get(key).map(|value| &value.data) {
        Some(Data::Str(text)) => format!("s{text}"),
        Some(data) => format!("{data:?}"),
        None => format!("s{default}"),
    };
    Ok(format!("{}:{}:{:?}/{}", part("host_ip", "0.0.0.0"), part("published", "\u{0}"), target.data, part("protocol", "tcp")))
}
