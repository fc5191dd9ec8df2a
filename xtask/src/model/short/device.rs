use crate::yaml::{Data, Origin, Value};

use super::{mapping, text};

/// `/dev/a:/dev/b:rwm`, target and permissions optional.
pub fn parse(spec: &str, at: Origin) -> Result<Value, String> {
    let parts: Vec<&str> = spec.split(':').collect();
    if parts.len() > 3 {
        return Err("a device is `SOURCE[:TARGET[:PERMISSIONS]]`".into());
    }
    let target = parts.get(1).copied().filter(|target| !target.is_empty()).unwrap_or(parts[0]);
    let permissions = Data::Str(parts.get(2).copied().unwrap_or("rwm").into());
    Ok(mapping(at, [("source", text(parts[0])), ("target", text(target)), ("permissions", Some(permissions))]))
}
