//! Where a container writes what need not survive.

use crate::rules::Service;
use crate::yaml::Value;

/// The places that must be writable on a read-only root.
pub(super) struct Scratch {
    pub paths: Vec<String>,
    /// Whether the image is known to need these and no others.
    pub is_known: bool,
}

/// What a service's image needs; `/tmp` where its insides are not known, for most programs count on it.
pub(super) fn wanted(service: &Service<'_>) -> Scratch {
    let container = service.kind().zip(service.image()).and_then(|(kind, image)| kind.container(image));
    match container.and_then(|container| container.writable.clone()).filter(|_| service.get("build").is_none()) {
        Some(paths) => Scratch { paths, is_known: true },
        None => Scratch { paths: vec!["/tmp".to_string()], is_known: false },
    }
}

/// Whether somebody has thought of it: a tmpfs of whatever kind is there.
pub(super) fn has_tmpfs(service: &Service<'_>) -> bool {
    let is_tmpfs = |mount: &Value| mount.get("type").and_then(Value::as_str) == Some("tmpfs");
    !service.items("tmpfs").is_empty() || service.items("volumes").iter().any(is_tmpfs)
}

/// Those of them that have neither a tmpfs nor a volume.
pub(super) fn missing(service: &Service<'_>) -> Vec<String> {
    wanted(service).paths.into_iter().filter(|path| !service.has_writable(path)).collect()
}
