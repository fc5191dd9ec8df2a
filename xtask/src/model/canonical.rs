//! Short syntaxes become long ones.

use crate::yaml::{Data, Field, Fields, Value};

use super::Fault;
use super::merge::{dict, long_names};
use super::short::{device, mapping, port, volume};

/// Brings a checked document into its long form, in place.
pub fn canonical(root: &mut Value) -> Result<(), Fault> {
    if let Some(services) = section(root, "services") {
        for field in services.values_mut() {
            service(&mut field.value)?;
        }
    }
    for name in ["volumes", "networks", "secrets", "configs"] {
        if let Some(entries) = section(root, name) {
            for (key, field) in entries {
                external(&mut field.value, &format!("{name}.{key}"))?;
            }
        }
    }
    Ok(())
}

fn section<'a>(root: &'a mut Value, name: &str) -> Option<&'a mut Fields> {
    root.get_mut(name)?.as_map_mut()
}

fn service(service: &mut Value) -> Result<(), Fault> {
    let Some(fields) = service.as_map_mut() else { return Ok(()) };
    for (key, field) in fields {
        let value = &mut field.value;
        match key.as_str() {
            "depends_on" => {
                *value = long_names(std::mem::take(value), true);
                for field in value.as_map_mut().into_iter().flat_map(|fields| fields.values_mut()) {
                    needed_unless_said(&mut field.value);
                }
            }
            "networks" | "models" => *value = long_names(std::mem::take(value), false),
            "build" => build(value)?,
            "env_file" => env_files(value),
            "label_file" => string_or_list(value),
            "dns" => {
                string_or_list(value);
                if let Data::Seq(servers) = &mut value.data {
                    servers.retain(|server| !matches!(&server.data, Data::Null) && server.as_str() != Some(""));
                }
            }
            "ports" => ports(value)?,
            "volumes" => each(value, |item| {
                let at = item.at;
                let Some(spec) = item.as_str() else { return Ok(()) };
                *item = volume::parse(spec).map_err(|why| Fault::new(at, why))?.value(at);
                Ok(())
            })?,
            "devices" => each(value, |item| {
                let at = item.at;
                let Some(spec) = item.as_str() else { return Ok(()) };
                *item = device::parse(spec, at).map_err(|why| Fault::new(at, why))?;
                Ok(())
            })?,
            "secrets" | "configs" => mounts(value)?,
            "gpus" => gpus(value),
            _ => {}
        }
    }
    Ok(())
}

fn each(value: &mut Value, mut change: impl FnMut(&mut Value) -> Result<(), Fault>) -> Result<(), Fault> {
    match &mut value.data {
        Data::Seq(items) => items.iter_mut().try_for_each(&mut change),
        _ => Ok(()),
    }
}

fn string_or_list(value: &mut Value) {
    if matches!(value.data, Data::Str(_)) {
        let item = std::mem::take(value);
        *value = Value { at: item.at, tag: None, data: Data::Seq(vec![item]) };
    }
}

/// Secrets and configs by name alone.
fn mounts(value: &mut Value) -> Result<(), Fault> {
    each(value, |item| {
        if let Data::Str(name) = &item.data {
            *item = mapping(item.at, [("source", Some(Data::Str(name.clone())))]);
        }
        Ok(())
    })
}

fn build(value: &mut Value) -> Result<(), Fault> {
    if matches!(value.data, Data::Str(_)) {
        let context = std::mem::take(value);
        *value = mapping(context.at, [("context", Some(context.data))]);
    }
    if let Some(secrets) = value.get_mut("secrets") {
        mounts(secrets)?;
    }
    if let Some(contexts) = value.get_mut("additional_contexts") {
        let list = std::mem::take(contexts);
        *contexts = Value { at: list.at, tag: None, data: Data::Map(dict(list)) };
    }
    Ok(())
}

fn env_files(value: &mut Value) {
    string_or_list(value);
    if let Data::Seq(items) = &mut value.data {
        for item in items {
            let needed = Some(Data::Bool(true));
            if let Data::Str(path) = &item.data {
                *item = mapping(item.at, [("path", Some(Data::Str(path.clone()))), ("required", needed)]);
            } else {
                needed_unless_said(item);
            }
        }
    }
}

/// What is needed unless it says otherwise.
fn needed_unless_said(value: &mut Value) {
    let at = value.at;
    if let Some(fields) = value.as_map_mut() {
        fields.entry("required".into()).or_insert(Field { key: at, value: Value { at, tag: None, data: Data::Bool(true) } });
    }
}

fn ports(value: &mut Value) -> Result<(), Fault> {
    let Data::Seq(items) = &mut value.data else { return Ok(()) };
    let mut long = Vec::with_capacity(items.len());
    for item in std::mem::take(items) {
        let parsed = match &item.data {
            Data::Str(spec) => port::parse(spec, item.at),
            Data::Int(number) => port::parse(&number.to_string(), item.at),
            Data::Map(_) => {
                long.push(item);
                continue;
            }
            _ => Err("a port must be an integer, a string or a mapping".into()),
        };
        long.extend(parsed.map_err(|why| Fault::new(item.at, why))?);
    }
    *items = long;
    Ok(())
}

fn gpus(value: &mut Value) {
    if value.as_str() == Some("all") {
        let all = mapping(value.at, [("count", Some(Data::Str("all".into())))]);
        *value = Value { at: value.at, tag: None, data: Data::Seq(vec![all]) };
    }
}

/// `external: {name: x}`, the old form of `external: true` with a `name`.
fn external(value: &mut Value, place: &str) -> Result<(), Fault> {
    let Some(fields) = value.as_map_mut() else { return Ok(()) };
    let Some(old) = fields.get("external").filter(|field| matches!(field.value.data, Data::Map(_))) else { return Ok(()) };
    let at = old.value.at;
    let name = old.value.get("name").cloned();
    if let Some(name) = name {
        if fields.get("name").is_some_and(|known| known.value.data != name.data) {
            return Err(Fault::new(at, format!("{place}: `name` and `external.name` differ")));
        }
        fields.insert("name".into(), Field { key: at, value: name });
    }
    fields.insert("external".into(), Field { key: at, value: Value { at, tag: None, data: Data::Bool(true) } });
    Ok(())
}
