//! What this reader does not read yet: refused by name, never read wrongly.

use crate::yaml::{Data, Origin, Value};

use super::Fault;

/// Tags that change how a file merges, and YAML's own rare ones. Compose ignores all others.
pub fn tags(value: &Value) -> Result<(), Fault> {
    if let Some(tag) = &value.tag
        && matches!(tag.as_str(), "!reset" | "!override" | "!merge")
    {
        return Err(fault(value.at, &format!("the tag {tag}")));
    }
    match &value.data {
        Data::Seq(items) => items.iter().try_for_each(tags),
        Data::Map(fields) => fields.values().try_for_each(|field| tags(&field.value)),
        _ => Ok(()),
    }
}

/// Keys that reach into other files, or need more than the file's text.
pub fn keys(root: &Value) -> Result<(), Fault> {
    if let Some(field) = root.as_map().and_then(|fields| fields.get("include")) {
        return Err(fault(field.key, "`include`"));
    }
    for (_, service) in root.get("services").and_then(Value::as_map).into_iter().flatten() {
        let fields = service.value.as_map();
        if let Some(field) = fields.and_then(|fields| fields.get("extends")) {
            return Err(fault(field.key, "`extends`"));
        }
        if let Some(watch) = service.value.get("develop").and_then(|develop| develop.get("watch")) {
            return Err(fault(watch.at, "`develop.watch`"));
        }
    }
    Ok(())
}

fn fault(at: Origin, what: &str) -> Fault {
    Fault::new(at, format!("not read yet: {what}"))
}
