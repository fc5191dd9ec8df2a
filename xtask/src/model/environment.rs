//! Variables from env files: those for `${}`, and those that services get through `env_file`.

use std::path::{Path, PathBuf};

use crate::dotenv::Entry;
use crate::error::{Error, Result};
use crate::source::clean;
use crate::yaml::{Data, Field, Fields, Origin, Value};

use super::reader::Reader;
use super::variables::{Found, Variables};
use super::{Call, EnvFile, Environment, Unset};

impl Reader<'_> {
    /// The variables for `${}`, and the numbers of the env files that give some.
    pub fn variables(&mut self, call: &Call, environment: &Environment) -> Result<(Variables, Vec<u32>)> {
        let mut variables = Variables::exported(environment);
        let mut numbers = Vec::new();
        for (path, required) in variable_files(call, environment) {
            match self.add_variables(&mut variables, &path)? {
                Some(number) => numbers.push(number),
                None if required => {
                    return Err(Error::unusable(format!("read {}", path.display())).why("there is no such env file"));
                }
                None => {}
            }
        }
        Ok((variables, numbers))
    }

    /// Adds the variables of an env file, and says its number; nothing if there is no such file.
    pub fn add_variables(&mut self, variables: &mut Variables, path: &Path) -> Result<Option<u32>> {
        let lookup = |name: &str| variables.get(name).map(String::from);
        let Some((number, entries)) = self.env_file(path, false, &lookup)? else { return Ok(None) };
        for Entry { key, value, .. } in entries {
            variables.set(key, value, Found::EnvFile(number));
        }
        Ok(Some(number))
    }

    /// Puts what a service's env files hold under its own `environment`, and takes `env_file` out.
    pub fn service(&mut self, service: &mut Value, variables: &Variables, unset: Unset) -> Result<Vec<EnvFile>> {
        let at = service.at;
        let Some(fields) = service.as_map_mut() else { return Ok(Vec::new()) };
        let listed = fields.shift_remove("env_file");
        let own = fields.shift_remove("environment").map(|field| field.value);
        let own_at = own.as_ref().map_or(at, |own| own.at);
        let own = own.map(super::merge::dict).unwrap_or_default();
        let mut merged: Fields = Fields::default();
        let mut env_files = Vec::new();
        for item in listed.iter().filter_map(|field| field.value.as_seq()).flatten() {
            let mut file = self.described(item)?;
            let lookup = |name: &str| {
                let text = |field: &Field| super::text::scalar_text(&field.value.data);
                let own = || own.get(name).and_then(text);
                variables.get(name).map(String::from).or_else(own).or_else(|| merged.get(name).and_then(text))
            };
            match self.env_file(&file.path, file.raw, &lookup)? {
                Some((number, entries)) => {
                    file.source = Some(number);
                    for entry in entries {
                        let (name, field) = field(number, entry);
                        merged.insert(name, field);
                    }
                }
                None if file.required && unset == Unset::Fail => {
                    return Err(self.error(file.at, &format!("the env file {} does not exist", file.path.display())));
                }
                None => {}
            }
            env_files.push(file);
        }
        merged.extend(own);
        if !merged.is_empty()
            && let Some(fields) = service.as_map_mut()
        {
            let value = Value { at: own_at, tag: None, data: Data::Map(merged) };
            fields.insert("environment".into(), Field { key: own_at, value });
        }
        Ok(env_files)
    }

    fn described(&self, item: &Value) -> Result<EnvFile> {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let required = item.get("required").is_none_or(|required| required.data != Data::Bool(false));
        let raw = match text("format") {
            None => false,
            Some("raw") => true,
            Some(_) => return Err(self.error(item.at, "the `format` of an env file is `raw` or left out")),
        };
        let path = PathBuf::from(text("path").unwrap_or_default());
        Ok(EnvFile { path, required, raw, at: item.get("path").map_or(item.at, |path| path.at), source: None })
    }

    /// Puts the labels of a service's `label_file` under its own.
    pub fn labels(&mut self, service: &mut Value, variables: &Variables) -> Result<()> {
        let Some(listed) = service.as_map_mut().and_then(|fields| fields.shift_remove("label_file")) else { return Ok(()) };
        let own = service.as_map_mut().and_then(|fields| fields.shift_remove("labels"));
        let mut merged: Fields = Fields::default();
        for item in listed.value.as_seq().into_iter().flatten() {
            let path = PathBuf::from(item.as_str().unwrap_or_default());
            let lookup = |name: &str| variables.get(name).map(String::from);
            let Some((number, entries)) = self.env_file(&path, false, &lookup)? else {
                return Err(self.error(item.at, &format!("the label file {} does not exist", path.display())));
            };
            merged.extend(entries.into_iter().map(|entry| field(number, entry)));
        }
        merged.extend(own.map(|own| super::merge::dict(own.value)).unwrap_or_default());
        let at = listed.value.at;
        if let Some(fields) = service.as_map_mut() {
            fields.insert("labels".into(), Field { key: at, value: Value { at, tag: None, data: Data::Map(merged) } });
        }
        Ok(())
    }
}

/// The env files for `${}`, and whether each must be there.
fn variable_files(call: &Call, environment: &Environment) -> Vec<(PathBuf, bool)> {
    if let Some(files) = &call.env_files {
        return files.iter().map(|file| (file.clone(), true)).collect();
    }
    let folder = call.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("/"));
    if let Some(listed) = environment.get("COMPOSE_ENV_FILES").filter(|listed| !listed.is_empty()) {
        return listed.split(',').map(|file| (clean(&folder.join(file)), true)).collect();
    }
    let off =
        environment.get("COMPOSE_DISABLE_ENV_FILE").is_some_and(|off| matches!(off.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"));
    if off { Vec::new() } else { vec![(folder.join(".env"), false)] }
}

fn field(file: u32, entry: Entry) -> (String, Field) {
    let key = Origin { file, span: entry.key_span };
    let value = Value { at: Origin { file, span: entry.value_span }, tag: None, data: Data::Str(entry.value) };
    (entry.key, Field { key, value })
}
