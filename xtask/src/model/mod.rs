//! The compose model: what `docker compose config` makes of a stack's files, with the place that
//! every value comes from. Pure: files are read through [`Files`], the environment is given.

mod canonical;
mod consistency;
mod cycles;
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
pub use units::{bytes as size_bytes, duration as duration_nanos, duration_text};

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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::source::{Disk, Overlay};

    const COMPOSE: &str = "x-env: &env {SHARED: \"${WORD:-dflt}\"}\nservices:\n  db:\n    image: postgres\n    env_file: [one.env, {path: none.env, required: false}]\n    environment:\n      <<: *env\n      PASSWORD: ${PASSWORD:?set it}\n      BARE:\n";

    fn model() -> Model {
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/shop/compose.yaml", Some(COMPOSE.into()));
        files.set("/nowhere/shop/over.yaml", Some("services:\n  db:\n    environment: [MORE=1]\n".into()));
        files.set("/nowhere/shop/.env", Some(b"PASSWORD=dotted\nWORD=unused\n".to_vec()));
        files.set("/nowhere/shop/one.env", Some(b"# c\nFROM_FILE='in file'\n".to_vec()));
        let paths = ["compose.yaml", "over.yaml"].map(|name| Path::new("/nowhere/shop").join(name));
        let call = Call { files: paths.to_vec(), ..Call::default() };
        load(&files, &call, &Environment::from([("WORD".into(), "exported".into())])).unwrap()
    }

    #[test]
    fn every_value_says_where_it_is_defined() {
        let model = model();
        assert_eq!(model.name, "shop");
        let environment = model.environment_of("db");
        let shown = |name: &str| {
            let (value, at) = environment[name].unwrap();
            let source = &model.sources[at.file as usize];
            (value, source.path.file_name().unwrap().to_str().unwrap(), at.span.slice(&source.text))
        };
        assert_eq!(shown("PASSWORD"), ("dotted", "compose.yaml", "${PASSWORD:?set it}"));
        assert_eq!(shown("SHARED"), ("exported", "compose.yaml", "\"${WORD:-dflt}\""));
        assert_eq!(shown("MORE"), ("1", "over.yaml", "MORE=1"));
        assert_eq!(shown("FROM_FILE"), ("in file", "one.env", "'in file'"));
        assert_eq!(environment["BARE"], None);
        let place = model.locate(environment["PASSWORD"].unwrap().1).unwrap();
        assert_eq!((place.line, place.column), (8, 17));
    }

    #[test]
    fn references_and_env_files_are_listed() {
        let model = model();
        let dotenv = model.variable_files[0];
        assert_eq!(model.sources[dotenv as usize].entries()[0].key, "PASSWORD");
        let told: Vec<_> = model.references.iter().map(|r| (r.name.as_str(), r.place.as_str(), r.service.as_deref(), r.found)).collect();
        assert_eq!(
            told,
            [
                ("WORD", "x-env.SHARED", None, Found::Exported),
                ("PASSWORD", "services.db.environment.PASSWORD", Some("db"), Found::EnvFile(dotenv)),
                ("WORD", "services.db.environment.SHARED", Some("db"), Found::Exported),
            ]
        );
        let files = &model.env_files["db"];
        assert_eq!((files[0].path.as_path(), files[0].source.is_some()), (Path::new("/nowhere/shop/one.env"), true));
        assert_eq!((files[1].required, files[1].source), (false, None));
    }

    #[test]
    fn json_doubles_dollars_and_masks_what_it_is_told_to() {
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/a/compose.yaml", Some(b"services: {web: {image: x, environment: {A: $$a, B: b}}}".to_vec()));
        let call = Call { files: vec!["/nowhere/a/compose.yaml".into()], ..Call::default() };
        let model = load(&files, &call, &Environment::new()).unwrap();
        assert_eq!(model.json()["services"]["web"]["environment"]["A"], "$$a");
        let masked = model.masked_json(&|_, text| text == "b");
        assert_eq!(masked["services"]["web"]["environment"]["B"], crate::secret::MASK);
    }
}
