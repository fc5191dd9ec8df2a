//! From files to the model, in the steps and the order of `docker compose config`.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::source::Files;
use crate::text::LineIndex;
use crate::yaml::{Data, Document, Field, Limits, Origin, Value, expand, read};

use super::environment::Reader;
use super::interpolate::{Found, Variables, interpolate};
use super::paths::Base;
use super::shape::{FILE, Shape, check, emit};
use super::{Call, Environment, Fault, Model, Reference, SourceKind};
use super::{canonical, consistency, merge, name, normalize, prune, unique, unread};

/// Loads a stack as `docker compose` called that way would. Errors are
/// [`crate::error::Kind::Unusable`] with file, line and column; a construct that is not read yet
/// says `not read yet`.
pub fn load(files: &dyn Files, call: &Call, environment: &Environment) -> Result<Model> {
    let mut reader = Reader::new(files);
    for path in &call.files {
        let (text, documents) = read_file(&reader, path)?;
        reader.add(path, text, SourceKind::Compose(documents));
    }
    let (mut variables, variable_files) = reader.variables(call, environment)?;
    let documents: Vec<&Document> = reader.sources.iter().flat_map(|source| source.documents()).collect();
    let project = name::project_name(call, &variables, &documents)?;
    variables.values.insert("COMPOSE_PROJECT_NAME".into(), (project.clone(), Found::Compose));

    let mut references = Vec::new();
    let located = |fault: Fault, reader: &Reader| reader.error(fault.at, &fault.why);
    let merged = merged(&reader, call.files.len(), &variables, &mut references).map_err(|fault| located(fault, &reader))?;
    let folder = call.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("/"));
    let base = Base { folder, home: environment.get("HOME").map(String::as_str) };
    let mut value = complete(merged, &base, &project, &variables, call).map_err(|fault| located(fault, &reader))?;

    let mut env_files = IndexMap::new();
    for (name, field) in value.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
        reader.labels(&mut field.value, &variables)?;
        env_files.insert(name.clone(), reader.service(&mut field.value, &variables)?);
    }
    Ok(Model { name: project, value, sources: reader.sources, variable_files, env_files, references, variables })
}

fn read_file(reader: &Reader, path: &Path) -> Result<(Arc<str>, Vec<Document>)> {
    let Some(text) = reader.text(path)? else {
        return Err(Error::unusable(format!("read {}", path.display())).why("there is no such compose file"));
    };
    let documents = read(&text, Limits::default()).map_err(|error| {
        let (line, column) = LineIndex::new(&text).line_column(&text, error.offset);
        Error::unusable("read the compose file").why(error.why).at(path, line, column)
    })?;
    if documents.is_empty() {
        return Err(Error::unusable("read the compose file").why("it is empty").at(path, 1, 1));
    }
    Ok((text, documents))
}

/// All documents of all files, each laid over those before.
fn merged(reader: &Reader, files: usize, variables: &Variables, references: &mut Vec<Reference>) -> Result<Value, Fault> {
    let mut merged: Option<Value> = None;
    for (number, source) in reader.sources.iter().enumerate().take(files) {
        let file = u32::try_from(number).unwrap_or(u32::MAX);
        for document in source.documents() {
            let mut value = expand(document, file).map_err(|error| {
                let span = crate::text::Span::new(error.offset, error.offset);
                Fault::new(Origin { file, span }, error.why)
            })?;
            if value.as_map().is_none() {
                return Err(Fault::new(value.at, "a compose file must be a mapping with keys such as `services`"));
            }
            unread::tags(&value)?;
            interpolate(&mut value, variables, references)?;
            unread::keys(&value)?;
            let mut value = match merged {
                Some(below) => merge::merge(below, value)?,
                None => value,
            };
            unique::enforce(&mut value)?;
            check(&value, &Shape::Record(FILE), "")?;
            canonical::canonical(&mut value)?;
            // A range of ports may meet a port that it holds only now.
            unique::enforce(&mut value)?;
            merged = Some(value);
        }
    }
    merged.ok_or_else(|| Fault::new(Origin::default(), "the compose file is empty"))
}

/// The merged document made whole: defaults, paths, types, active profiles, used resources.
fn complete(mut root: Value, base: &Base, project: &str, variables: &Variables, call: &Call) -> Result<Value, Fault> {
    normalize::defaults(&mut root);
    consistency::validate(&root)?;
    base.resolve(&mut root)?;
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

    let mut fields = IndexMap::new();
    fields.insert("name".to_string(), Field { key: at, value: Value { at, tag: None, data: Data::Str(project.to_string()) } });
    let shown = value.as_map_mut().map(std::mem::take).unwrap_or_default();
    fields.extend(shown.into_iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "models")));
    let empty = Field { key: at, value: Value { at, tag: None, data: Data::Map(IndexMap::new()) } };
    fields.entry("services".into()).or_insert(empty);
    fields.extend(extensions);
    Ok(Value { at, tag: None, data: Data::Map(fields) })
}

/// `--profile`, else `COMPOSE_PROFILES`.
fn active_profiles(call: &Call, variables: &Variables) -> Vec<String> {
    if !call.profiles.is_empty() {
        return call.profiles.clone();
    }
    let listed = variables.get("COMPOSE_PROFILES").unwrap_or_default();
    listed.split(',').map(str::trim).filter(|profile| !profile.is_empty()).map(String::from).collect()
}
