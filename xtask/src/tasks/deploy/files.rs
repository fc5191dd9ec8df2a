//! Which services would run with other files than the last release did. Compose does not notice: neither a
//! configuration's hash nor an image tells what a bound file holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::actions::FileBefore;
use crate::release::{Kept, KeptFile};
use crate::saga::Sha;

/// The files that are other ones now than they were: changed, new, or gone.
pub fn changed(before: &Kept, now: &Kept) -> BTreeSet<PathBuf> {
    let differs =
        |file: &&KeptFile, other: &Kept| !other.files.iter().any(|known| known.path == file.path && known.content == file.content);
    let new = now.files.iter().filter(|file| differs(file, before));
    let gone = before.files.iter().filter(|file| differs(file, now));
    new.chain(gone).map(|file| file.path.clone()).collect()
}

/// Those of `changed` of which the release before and today's tree both have a content: below the root, with both.
pub fn both(root: &Path, changed: &BTreeSet<PathBuf>, before: &Kept, now: &Kept) -> Vec<FileBefore> {
    let content = |kept: &Kept, path: &PathBuf| kept.files.iter().find(|file| file.path == *path).map(|file| file.content.clone());
    let pair = |path: &PathBuf| {
        Some(FileBefore { path: path.strip_prefix(root).ok()?.to_path_buf(), before: content(before, path)?, now: content(now, path)? })
    };
    changed.iter().filter_map(pair).collect()
}

/// The services of a rendered model that read one of these files: as a bound file, below a folder that they
/// only read, or as config or secret. What a service may write below a folder is its own doing.
pub fn readers(model: &Value, changed: &BTreeSet<PathBuf>) -> BTreeSet<String> {
    let services = model.get("services").and_then(Value::as_object).into_iter().flatten();
    services.filter(|(_, service)| reads(model, service, changed)).map(|(name, _)| name.clone()).collect()
}

/// Those of `changed` that services read, and none of the named ones: what is not deployed reads what it read.
pub fn read_by_others(model: &Value, changed: &BTreeSet<PathBuf>, named: &[String]) -> BTreeSet<PathBuf> {
    let others = |path: &&PathBuf| {
        let readers = readers(model, &BTreeSet::from([(*path).clone()]));
        !readers.is_empty() && readers.iter().all(|service| !named.contains(service))
    };
    changed.iter().filter(others).cloned().collect()
}

/// Keeps these files as they were before, so that the next deploy finds them changed. The contents that
/// `kept` now holds besides are returned.
pub fn still(kept: &mut Kept, before: &Kept, paths: &BTreeSet<PathBuf>) -> Vec<Sha> {
    kept.files.retain(|file| !paths.contains(&file.path));
    let old: Vec<KeptFile> = before.files.iter().filter(|file| paths.contains(&file.path)).cloned().collect();
    let contents = old.iter().map(|file| file.content.clone()).collect();
    kept.files.extend(old);
    kept.files.sort_by(|one, other| one.path.cmp(&other.path));
    contents
}

fn reads(model: &Value, service: &Value, changed: &BTreeSet<PathBuf>) -> bool {
    let mounts = service.get("volumes").and_then(Value::as_array).into_iter().flatten();
    let bound = mounts.filter(|mount| mount.get("type").and_then(Value::as_str) == Some("bind")).any(|mount| {
        let read_only = mount.get("read_only").and_then(Value::as_bool).unwrap_or(false);
        path(mount.get("source")).is_some_and(|source| changed.iter().any(|file| *file == source || read_only && file.starts_with(&source)))
    });
    bound
        || ["configs", "secrets"].iter().any(|kind| {
            let named =
                service.get(*kind).and_then(Value::as_array).into_iter().flatten().filter_map(|entry| entry.get("source")?.as_str());
            let files = named.filter_map(|name| path(model.get(*kind)?.get(name)?.get("file")));
            files.into_iter().any(|file| changed.contains(&file))
        })
}

/// Rendered text doubles its dollars.
fn path(value: Option<&Value>) -> Option<PathBuf> {
    value.and_then(Value::as_str).map(|text| Path::new(&text.replace("$$", "$")).to_path_buf())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(files: &[(&str, &str)]) -> Kept {
        let file = |(path, text): &(&str, &str)| KeptFile { path: path.into(), content: Sha::of(text.as_bytes()), mode: 0o644 };
        Kept { files: files.iter().map(file).collect(), ..Kept::default() }
    }

    #[test]
    fn who_reads_a_changed_file_is_told_and_who_writes_it_is_not() {
        let before = kept(&[("/p/nginx.conf", "a"), ("/p/site/index", "a"), ("/p/data/x", "a"), ("/p/key", "a"), ("/p/same", "a")]);
        let now = kept(&[("/p/nginx.conf", "b"), ("/p/site/new", "a"), ("/p/data/x", "b"), ("/p/key", "b"), ("/p/same", "a")]);
        let changed = changed(&before, &now);
        assert_eq!(changed.len(), 5);
        let bind = |source: &str, read_only: bool| json!({"type": "bind", "source": source, "target": "/t", "read_only": read_only});
        let model = json!({"secrets": {"key": {"file": "/p/key"}}, "services": {
            "proxy": {"volumes": [bind("/p/nginx.conf", false)]}, "site": {"volumes": [bind("/p/site", true)]},
            "db": {"volumes": [bind("/p/data", false)]}, "api": {"secrets": [{"source": "key"}]}, "other": {"volumes": [bind("/p/same", true)]},
        }});
        let names: Vec<String> = readers(&model, &changed).into_iter().collect();
        assert_eq!(names, ["api", "proxy", "site"]);
        // A deploy of the proxy alone leaves what the others read for the next one to find.
        let mut kept = now.clone();
        let others = read_by_others(&model, &changed, &["proxy".to_string()]);
        assert_eq!(others, BTreeSet::from(["/p/site/index", "/p/site/new", "/p/key"].map(PathBuf::from)));
        assert_eq!(still(&mut kept, &before, &others), [Sha::of(b"a"), Sha::of(b"a")]);
        let left: Vec<PathBuf> = super::changed(&kept, &now).into_iter().collect();
        assert_eq!(left, ["/p/key", "/p/site/index", "/p/site/new"].map(PathBuf::from));
    }
}
