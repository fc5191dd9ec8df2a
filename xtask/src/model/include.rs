//! `include`: other files as a stack of their own, whose resources join this one.

use std::sync::Arc;

use crate::error::Result;
use crate::yaml::{Data, Field, Fields, Origin, TIMESTAMP, Value};

use super::loader::{Loader, Scope, Wanted};
use super::paths::is_fetched;
use super::variables::Variables;
use super::{Fault, gopath};

/// How deep files may include one another.
const DEPTH_LIMIT: usize = 50;

/// One entry of `include`.
struct Entry {
    paths: Vec<(String, Origin)>,
    project_directory: String,
    env_files: Vec<(String, Origin)>,
}

/// Replaces `include` by what it brings.
pub fn apply(loader: &mut Loader, root: &mut Value, file: &str, scope: &Scope, included: &[String]) -> Result<()> {
    let Some(fields) = root.as_map_mut() else { return Ok(()) };
    let Some(field) = fields.shift_remove("include") else { return Ok(()) };
    let entries = entries(&field.value);
    let mut way = included.to_vec();
    way.push(file.to_string());
    if way.len() > DEPTH_LIMIT {
        return Err(loader.reader.error(field.key, "files include one another more than 50 deep"));
    }
    for entry in loader.located(entries)? {
        if let Some(imported) = load(loader, entry, scope, &way)? {
            let joined = import(imported, root);
            loader.located(joined)?;
        }
    }
    Ok(())
}

fn entries(value: &Value) -> Result<Vec<Entry>, Fault> {
    let Data::Seq(items) = &value.data else {
        return if value.data == Data::Null { Ok(Vec::new()) } else { Err(Fault::new(value.at, "`include` must be a list")) };
    };
    items
        .iter()
        .map(|item| match &item.data {
            Data::Str(path) => Ok(Entry { paths: vec![(path.clone(), item.at)], project_directory: String::new(), env_files: Vec::new() }),
            Data::Map(_) | Data::Null => Ok(Entry {
                paths: texts(item.get("path"))?,
                project_directory: text(item.get("project_directory"))?,
                env_files: texts(item.get("env_file"))?,
            }),
            _ => Err(Fault::new(item.at, "an entry of `include` must be a path, or a mapping with a `path`")),
        })
        .collect()
}

fn text(value: Option<&Value>) -> Result<String, Fault> {
    match value {
        None | Some(Value { data: Data::Null, .. }) => Ok(String::new()),
        Some(Value { data: Data::Str(text), .. }) => Ok(text.clone()),
        Some(other) => Err(Fault::new(other.at, "must be a string")),
    }
}

/// One string, or a list of them.
fn texts(value: Option<&Value>) -> Result<Vec<(String, Origin)>, Fault> {
    let one = |value: &Value| text(Some(value)).map(|text| (text, value.at));
    match value {
        None | Some(Value { data: Data::Null, .. }) => Ok(Vec::new()),
        Some(Value { data: Data::Seq(items), .. }) => items.iter().map(one).collect(),
        Some(value) => Ok(vec![one(value)?]),
    }
}

fn load(loader: &mut Loader, entry: Entry, scope: &Scope, way: &[String]) -> Result<Option<Value>> {
    let mut wanted: Vec<Wanted> = Vec::with_capacity(entry.paths.len());
    for (path, at) in &entry.paths {
        let found = gopath::absolute(&scope.lookup, path);
        if is_fetched(path) {
            return Err(loader.reader.error(*at, "this file is fetched over the network, which is not done here"));
        }
        wanted.push(Wanted { path: found, at: Some(*at) });
    }
    let Some(first) = wanted.first() else { return Ok(None) };
    if way.contains(&first.path) {
        let at = entry.paths[0].1;
        return Err(loader.reader.error(at, "this file includes itself, by way of others"));
    }
    // The first file tells the folder, unless the entry does. A relative one starts from where paths
    // start, though files are looked for elsewhere: so does Compose.
    let (working, folder) = match entry.project_directory.as_str() {
        "" => (Loader::folder_of(&first.path, scope), gopath::folder(&first.path)),
        named if gopath::is_absolute(named) => (named.to_string(), named.to_string()),
        named => (directory(loader, named, scope), gopath::join(&scope.working, named)),
    };
    let variables = variables(loader, &entry, &folder, scope)?;
    let inner = Scope { working, lookup: folder, variables: Arc::new(variables) };
    loader.files(&wanted, &inner, way)
}

/// The folder that an entry names; the one around it if it is a file.
fn directory(loader: &Loader, named: &str, scope: &Scope) -> String {
    let path = gopath::absolute(&scope.lookup, named);
    if loader.reader.files.is_folder(&loader.on_disk(&path)) {
        return gopath::relative(&scope.lookup, &path).unwrap_or(path);
    }
    Loader::folder_of(named, scope)
}

/// What the entry's env files add; those of the including stack win.
fn variables(loader: &mut Loader, entry: &Entry, folder: &str, scope: &Scope) -> Result<Variables> {
    let mut variables = Variables::below(&scope.variables);
    let files: Vec<(std::path::PathBuf, Option<Origin>)> = if entry.env_files.is_empty() {
        vec![(loader.on_disk(&gopath::join(folder, ".env")), None)]
    } else {
        let named = entry.env_files.iter().filter(|(file, _)| file != "/dev/null");
        named.map(|(file, at)| (loader.on_disk(&gopath::absolute(&scope.working, file)), Some(*at))).collect()
    };
    for (path, at) in files {
        let folder = loader.reader.files.is_folder(&path);
        let read = if folder { Ok(None) } else { loader.reader.add_variables(&mut variables, &path) };
        let number = read.map_err(|error| loader.reader.placed(error, at.or(entry.paths.first().map(|(_, at)| *at))))?;
        match (number, at) {
            (Some(number), _) if loader.included_env_files.contains(&number) => {}
            (Some(number), _) => loader.included_env_files.push(number),
            (None, Some(at)) => return Err(loader.reader.error(at, &format!("there is no env file {}", path.display()))),
            (None, None) => {}
        }
    }
    Ok(variables)
}

/// Adds the resources of included files. What stands in both must be the same.
fn import(mut imported: Value, root: &mut Value) -> Result<(), Fault> {
    for section in ["services", "volumes", "networks", "secrets", "configs", "models"] {
        let Some(from) = imported.get_mut(section).filter(|from| from.data != Data::Null) else { continue };
        let (at, from) = (from.at, from.as_map_mut().map(std::mem::take).unwrap_or_default());
        let Some(fields) = root.as_map_mut() else { return Ok(()) };
        let empty = Field { key: at, value: Value { at, tag: None, data: Data::Map(Fields::default()) } };
        let into = &mut fields.entry(section.into()).or_insert(empty).value;
        let into_at = into.at;
        let Some(into) = into.as_map_mut() else {
            return Err(Fault::new(into_at, format!("{section} must be a mapping")));
        };
        for (name, field) in from {
            match into.get(&name) {
                None => {
                    into.insert(name, field);
                }
                Some(known) if same(&known.value, &field.value) => {}
                Some(known) => {
                    return Err(Fault::new(known.key, format!("{section}.{name} conflicts with the one of an included file")));
                }
            }
        }
    }
    Ok(())
}

/// Equal by content, wherever it stands.
fn same(a: &Value, b: &Value) -> bool {
    let time = |value: &Value| value.tag.as_deref() == Some(TIMESTAMP);
    match (&a.data, &b.data) {
        (Data::Seq(a), Data::Seq(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Data::Map(a), Data::Map(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(&a.value, &b.value))),
        (left, right) => left == right && time(a) == time(b),
    }
}
