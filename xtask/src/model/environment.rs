//! Variables from env files: those for `${}`, and those that services get through `env_file`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::dotenv::{self, DotenvError, Entry};
use crate::error::{Error, Result};
use crate::source::Files;
use crate::text::LineIndex;
use crate::yaml::{Data, Field, Origin, Value};

use super::interpolate::{Found, Variables};
use super::{Call, EnvFile, Environment, Source, SourceKind};

/// The files of a stack, each read once.
pub struct Reader<'a> {
    files: &'a dyn Files,
    pub sources: Vec<Source>,
    known: HashMap<PathBuf, u32>,
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl<'a> Reader<'a> {
    pub fn new(files: &'a dyn Files) -> Self {
        Reader { files, sources: Vec::new(), known: HashMap::new() }
    }

    /// The text of a file; nothing if there is none.
    pub fn text(&self, path: &Path) -> Result<Option<Arc<str>>> {
        let Some(bytes) = self.files.read(path)? else { return Ok(None) };
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let (line, column) = LineIndex::new(&before).line_column(&before, before.len());
                Err(Error::unusable("read it").why("a byte here is not UTF-8").at(path, line, column))
            }
        }
    }

    pub fn add(&mut self, path: &Path, text: Arc<str>, kind: SourceKind) -> u32 {
        let lines = LineIndex::new(&text);
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        self.sources.push(Source { path: path.to_path_buf(), text, lines, kind });
        number
    }

    /// The entries of an env file and its number; nothing if there is no such file.
    fn env_file(&mut self, path: &Path, raw: bool, lookup: Lookup) -> Result<Option<(u32, Vec<Entry>)>> {
        let known = self.known.get(path).copied();
        let text = match known {
            Some(number) => self.sources[number as usize].text.clone(),
            None => match self.text(path)? {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        let read = if raw { dotenv::parse_raw } else { dotenv::parse };
        let entries = read(&text, lookup).map_err(|error| refused(path, &error))?;
        let number = known.unwrap_or_else(|| self.add(path, text, SourceKind::Env(entries.clone())));
        self.known.insert(path.to_path_buf(), number);
        Ok(Some((number, entries)))
    }

    /// The variables for `${}`, and the numbers of the env files that give some.
    pub fn variables(&mut self, call: &Call, environment: &Environment) -> Result<(Variables, Vec<u32>)> {
        let exported = environment.iter().map(|(name, value)| (name.clone(), (value.clone(), Found::Exported)));
        let mut variables = Variables { values: exported.collect() };
        let mut numbers = Vec::new();
        let mut read: HashMap<String, String> = HashMap::new();
        for (path, required) in variable_files(call, environment)? {
            let lookup = |name: &str| environment.get(name).or_else(|| read.get(name)).cloned();
            let Some((number, entries)) = self.env_file(&path, false, &lookup)? else {
                if required {
                    return Err(Error::unusable(format!("read {}", path.display())).why("there is no such env file"));
                }
                continue;
            };
            numbers.push(number);
            for Entry { key, value, .. } in entries {
                if !environment.contains_key(&key) {
                    variables.values.insert(key.clone(), (value.clone(), Found::EnvFile(number)));
                }
                read.insert(key, value);
            }
        }
        Ok((variables, numbers))
    }

    /// Puts what a service's env files hold under its own `environment`, and takes `env_file` out.
    pub fn service(&mut self, service: &mut Value, variables: &Variables) -> Result<Vec<EnvFile>> {
        let at = service.at;
        let Some(fields) = service.as_map_mut() else { return Ok(Vec::new()) };
        let listed = fields.shift_remove("env_file");
        let own = fields.shift_remove("environment").map(|field| field.value);
        let own_at = own.as_ref().map_or(at, |own| own.at);
        let own = own.map(super::merge::dict).unwrap_or_default();
        let mut merged: IndexMap<String, Field> = IndexMap::new();
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
                None if file.required => {
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
        let mut merged: IndexMap<String, Field> = IndexMap::new();
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

    /// An error at a place of one of the files.
    pub fn error(&self, at: Origin, why: &str) -> Error {
        let error = Error::unusable("read the stack").why(why);
        match self.sources.get(at.file as usize) {
            Some(source) => {
                let (line, column) = source.lines.line_column(&source.text, at.span.start);
                error.at(&source.path, line, column)
            }
            None => error,
        }
    }
}

/// The env files for `${}`, and whether each must be there.
fn variable_files(call: &Call, environment: &Environment) -> Result<Vec<(PathBuf, bool)>> {
    if let Some(files) = &call.env_files {
        return Ok(files.iter().map(|file| (file.clone(), true)).collect());
    }
    if environment.get("COMPOSE_ENV_FILES").is_some_and(|files| !files.is_empty()) {
        return Err(Error::unusable("choose the env files")
            .why("not read yet: COMPOSE_ENV_FILES")
            .help("unset it, or name the env files of the stack"));
    }
    let off =
        environment.get("COMPOSE_DISABLE_ENV_FILE").is_some_and(|off| matches!(off.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"));
    let beside = call.files.first().and_then(|file| file.parent()).map(|folder| folder.join(".env"));
    Ok(beside.filter(|_| !off).map(|file| (file, false)).into_iter().collect())
}

fn field(file: u32, entry: Entry) -> (String, Field) {
    let key = Origin { file, span: entry.key_span };
    let value = Value { at: Origin { file, span: entry.value_span }, tag: None, data: Data::Str(entry.value) };
    (entry.key, Field { key, value })
}

fn refused(path: &Path, error: &DotenvError) -> Error {
    Error::unusable("read the env file").why(error.why.clone()).at(path, error.line, error.column)
}
