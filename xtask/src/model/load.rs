//! From files to the model, in the steps and the order of `docker compose config`.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::source::Files;
use crate::yaml::{Data, Document, Field, Fields, Value};

use super::loader::{Loader, Scope, Wanted};
use super::reader::Reader;
use super::shape::{FILE, Shape, emit};
use super::variables::{Found, Variables};
use super::{Call, Environment, Fault, Model, consistency, name, normalize, prune};

/// Loads a stack as `docker compose` called that way would. Errors are
/// [`crate::error::Kind::Unusable`] with file, line and column.
pub fn load(files: &dyn Files, call: &Call, environment: &Environment) -> Result<Model> {
    let mut reader = Reader::new(files);
    for path in &call.files {
        reader.compose_file(path, None)?;
    }
    let (mut variables, variable_files) = reader.variables(call, environment)?;
    let documents: Vec<&Document> = reader.sources.iter().flat_map(|source| source.documents()).collect();
    let project = name::project_name(call, &variables, &documents)?;
    variables.set("COMPOSE_PROJECT_NAME".into(), project.clone(), Found::Compose);
    let variables = Arc::new(variables);

    let mut loader = Loader::new(reader, call, environment.get("HOME"));
    let folder = call.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let wanted: Vec<Wanted> = call.files.iter().map(|file| Wanted { path: file.to_string_lossy().into_owned(), at: None }).collect();
    let scope = Scope { working: folder.clone(), lookup: folder, variables: variables.clone() };
    let merged = loader.files(&wanted, &scope, &[])?.filter(|root| root.as_map().is_some_and(|fields| !fields.is_empty()));
    let merged = merged.ok_or_else(|| match call.files.first() {
        Some(file) => Error::unusable("read the compose file").why("it is empty").at(file, 1, 1),
        None => Error::unusable("read the stack").why("it has no compose file"),
    })?;
    let mut value = loader.located(complete(merged, files, &project, &variables, call))?;

    let mut env_files = IndexMap::new();
    let Loader { mut reader, references, included_env_files, .. } = loader;
    for (name, field) in value.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        reader.labels(&mut field.value, &variables)?;
        env_files.insert(name.clone(), reader.service(&mut field.value, &variables, call.unset)?);
    }
    let sources = reader.sources;
    let mut stand_ins: Vec<_> = references.iter().filter(|one| one.found == Found::StandIn).map(|one| (one.at, one.name.clone())).collect();
    stand_ins.sort();
    Ok(Model { name: project, value, sources, variable_files, included_env_files, env_files, references, variables, stand_ins })
}

/// The merged document made whole: what Compose infers, types, active profiles, used resources.
fn complete(mut root: Value, files: &dyn Files, project: &str, variables: &Variables, call: &Call) -> Result<Value, Fault> {
    watched(&mut root, files);
    normalize::normalize(&mut root, project, variables);

    let mut extensions = Vec::new();
    for (key, field) in root.as_map_mut().into_iter().flatten().filter(|(key, _)| key.starts_with("x-")) {
        let value = emit(std::mem::take(&mut field.value), &Shape::Any)?;
        extensions.push((key.clone(), Field { key: field.key, value }));
    }
    let at = root.at;
    let mut value = emit(root, &Shape::Record(FILE))?;
    let inactive = prune::profiles(&mut value, &active_profiles(call, variables));
    consistency::check(&mut value, &inactive)?;
    prune::resources(&mut value);

    let mut fields = Fields::default();
    fields.insert("name".to_string(), Field { key: at, value: Value { at, tag: None, data: Data::Str(project.to_string()) } });
    let shown = value.as_map_mut().map(std::mem::take).unwrap_or_default();
    fields.extend(shown.into_iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "models")));
    let empty = Field { key: at, value: Value { at, tag: None, data: Data::Map(Fields::default()) } };
    fields.entry("services".into()).or_insert(empty);
    fields.extend(extensions);
    Ok(Value { at, tag: None, data: Data::Map(fields) })
}

/// Compose follows the first link on the way to a watched folder.
fn watched(root: &mut Value, files: &dyn Files) {
    for (_, field) in root.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        let watched = field.value.get_mut("develop").and_then(|develop| develop.get_mut("watch")).and_then(Value::as_seq_mut);
        for watch in watched.into_iter().flatten() {
            if let Some(Value { data: Data::Str(path), .. }) = watch.get_mut("path") {
                *path = files.behind_first_link(Path::new(path)).to_string_lossy().into_owned();
            }
        }
    }
}

/// `--profile`, else `COMPOSE_PROFILES`.
fn active_profiles(call: &Call, variables: &Variables) -> Vec<String> {
    if !call.profiles.is_empty() {
        return call.profiles.clone();
    }
    let listed = variables.get("COMPOSE_PROFILES").unwrap_or_default();
    listed.split(',').map(str::trim).filter(|profile| !profile.is_empty()).map(String::from).collect()
}
