//! Which files a model lets its services read. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::source::clean;

/// Filled by the kernel; nothing in them can be kept.
const OF_THE_KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// A place that services read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Absolute.
    pub path: PathBuf,
    /// A service may write to it, or to a part of it.
    pub writable: bool,
}

/// The sources of bind mounts, configs, secrets and env files, by path. `rendered` is the model as
/// Compose prints it in JSON; env files that it has resolved already are given in `env_files`.
pub fn sources(rendered: &Value, env_files: &[PathBuf]) -> Vec<Source> {
    let (mut bound, mut inputs) = (BTreeMap::<PathBuf, bool>::new(), BTreeSet::new());
    for service in values(rendered.get("services")) {
        for volume in values(service.get("volumes")).filter(|volume| volume["type"] == "bind") {
            if let Some(path) = place(text(volume.get("source"))) {
                *bound.entry(path).or_default() |= volume["read_only"] != true;
            }
        }
        inputs.extend(values(service.get("env_file")).filter_map(|file| place(file.as_str().unwrap_or_else(|| text(file.get("path"))))));
    }
    for section in ["configs", "secrets"] {
        inputs.extend(values(rendered.get(section)).filter_map(|entry| place(text(entry.get("file")))));
    }
    inputs.extend(env_files.iter().filter_map(|path| place(&path.to_string_lossy())));
    let writable: Vec<&PathBuf> = bound.iter().filter(|(_, writable)| **writable).map(|(path, _)| path).collect();
    // What one service reads another may write: it is what the latter makes of it.
    let shared = |path: &Path| writable.iter().any(|other| path.starts_with(other) || other.starts_with(path));
    let paths: BTreeSet<&PathBuf> = bound.keys().chain(&inputs).collect();
    paths.into_iter().map(|path| Source { writable: !inputs.contains(path) && shared(path), path: path.clone() }).collect()
}

/// An absolute path to something that could be kept.
fn place(path: &str) -> Option<PathBuf> {
    let path = clean(Path::new(path));
    (path.is_absolute() && !OF_THE_KERNEL.iter().any(|folder| path.starts_with(folder))).then_some(path)
}

/// The members of a list or of a map.
fn values(of: Option<&Value>) -> Box<dyn Iterator<Item = &Value> + '_> {
    match of {
        Some(Value::Array(items)) => Box::new(items.iter()),
        Some(Value::Object(fields)) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn text(of: Option<&Value>) -> &str {
    of.and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_source_is_found_once() {
        let rendered = json!({
            "services": {
                "web": {
                    "volumes": [
                        {"type": "bind", "source": "/p/web.conf", "target": "/a", "read_only": true},
                        {"type": "bind", "source": "/p/static", "target": "/b", "read_only": true},
                        {"type": "bind", "source": "/proc", "target": "/c", "read_only": true},
                        {"type": "volume", "source": "data", "target": "/d"},
                    ],
                    "env_file": [{"path": "/p/web.env", "required": false}],
                },
                "app": {"volumes": [{"type": "bind", "source": "/p/static/../static/css", "target": "/b"}], "env_file": ["/p/app.env"]},
            },
            "configs": {"one": {"file": "/p/one.txt"}, "made": {"content": "x"}, "theirs": {"external": true}},
            "secrets": {"token": {"file": "/p/static/token"}, "var": {"environment": "X"}},
        });
        let found = sources(&rendered, &["/p/.env".into(), "/p/web.env".into()]);
        let told: Vec<(&str, bool)> = found.iter().map(|source| (source.path.to_str().unwrap(), source.writable)).collect();
        let expected = [
            ("/p/.env", false),
            ("/p/app.env", false),
            ("/p/one.txt", false),
            ("/p/static", true),
            ("/p/static/css", true),
            ("/p/static/token", false),
            ("/p/web.conf", false),
            ("/p/web.env", false),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_not_as_compose_prints_it_is_left_out() {
        let odd = json!({"services": {"a": {"volumes": ["./x:/y", {"type": "bind"}, 3], "env_file": {"a": 1}}, "b": null}, "secrets": []});
        assert_eq!(sources(&odd, &["relative.env".into()]), []);
        assert_eq!(sources(&Value::Null, &[]), []);
    }
}
