//! The compose model: what `docker compose config` makes of a stack's files, with the place that
//! every value comes from. Pure: files are read through [`Files`], the environment is given.

mod canonical;
mod consistency;
mod environment;
pub mod interpolate;
mod json;
mod load;
mod merge;
mod name;
mod normalize;
mod paths;
mod prune;
mod shape;
mod short;
mod text;
mod unique;
mod units;
mod unread;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::dotenv::Entry;
use crate::text::LineIndex;
use crate::yaml::{Document, Origin, Value};

pub use interpolate::{Found, Reference};
pub use load::load;
pub use text::scalar_text;

#[cfg(doc)]
use crate::source::Files;

/// How the stack's users call Compose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// `-f`: absolute, in order, at least one.
    pub files: Vec<PathBuf>,
    /// `--env-file`: absolute, later ones win. `None`: the `.env` beside the first file, if there
    /// is one.
    pub env_files: Option<Vec<PathBuf>>,
    /// `--profile`; when empty, `COMPOSE_PROFILES` counts.
    pub profiles: Vec<String>,
    /// `-p`; wins over `COMPOSE_PROJECT_NAME`, `name:` and the folder's name.
    pub project_name: Option<String>,
}

/// The exported variables.
pub type Environment = BTreeMap<String, String>;

/// A stack, merged, interpolated and in canonical form.
pub struct Model {
    /// The project's name.
    pub name: String,
    /// `name`, `services`, `networks`, `volumes`, `secrets`, `configs` and `x-` keys. Every value
    /// knows the bytes that define it: for one from an `env_file` they are in that file.
    pub value: Value,
    /// Every file that was read; [`Origin::file`] counts in this list.
    pub sources: Vec<Source>,
    /// The env files for `${}`, as numbers of sources, in order.
    pub variable_files: Vec<u32>,
    /// The `env_file` entries of each active service, in order.
    pub env_files: IndexMap<String, Vec<EnvFile>>,
    /// Every `${}` in the compose files, in the order of reading.
    pub references: Vec<Reference>,
    variables: interpolate::Variables,
}

/// A file that was read.
pub struct Source {
    pub path: PathBuf,
    pub text: Arc<str>,
    pub lines: LineIndex,
    pub kind: SourceKind,
}

pub enum SourceKind {
    Compose(Vec<Document>),
    /// An env file and its entries as read the first time.
    Env(Vec<Entry>),
}

/// One `env_file` entry of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Absolute.
    pub path: PathBuf,
    pub required: bool,
    /// `format: raw`.
    pub raw: bool,
    /// Where the entry stands.
    pub at: Origin,
    /// Its source, if the file is there.
    pub source: Option<u32>,
}

/// Why a stack cannot be read, and where.
#[derive(Debug)]
pub struct Fault {
    at: Origin,
    why: String,
}

impl Fault {
    fn new(at: Origin, why: impl Into<String>) -> Self {
        Fault { at, why: why.into() }
    }
}

impl Model {
    /// What `${name}` is replaced by in this stack's files; `None`: it is not set.
    pub fn lookup(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    /// Where that value comes from.
    pub fn found(&self, name: &str) -> Found {
        self.variables.found(name)
    }

    /// One service of the model.
    pub fn service(&self, name: &str) -> Option<&Value> {
        self.value.get("services")?.get(name)
    }

    /// The names of the active services.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.value.get("services").and_then(Value::as_map).into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// What a service's containers get, each with its place; `None` for a name without a value.
    pub fn environment_of(&self, service: &str) -> IndexMap<&str, Option<(&str, Origin)>> {
        let fields = self.service(service).and_then(|service| service.get("environment")).and_then(Value::as_map);
        fields.into_iter().flatten().map(|(key, field)| (key.as_str(), field.value.as_str().map(|value| (value, field.value.at)))).collect()
    }

    /// File, line and column of a place, for people.
    pub fn locate(&self, at: Origin) -> Option<crate::error::At> {
        let source = self.sources.get(at.file as usize)?;
        let (line, column) = source.lines.line_column(&source.text, at.span.start);
        Some(crate::error::At { path: source.path.clone(), line, column })
    }
}

impl Source {
    /// The documents of a compose file; none for an env file.
    pub fn documents(&self) -> &[Document] {
        match &self.kind {
            SourceKind::Compose(documents) => documents,
            SourceKind::Env(_) => &[],
        }
    }

    /// The entries of an env file; none for a compose file.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            SourceKind::Compose(_) => &[],
            SourceKind::Env(entries) => entries,
        }
    }
}
