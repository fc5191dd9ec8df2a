//! The compose model: what `docker compose config` makes of a stack's files, with the place that
//! every value comes from. Pure: files are read through [`Files`], the environment is given.

mod canonical;
mod consistency;
mod cycles;
mod environment;
mod extends;
mod forms;
mod gopath;
mod include;
pub mod interpolate;
mod json;
mod load;
mod loader;
mod merge;
mod name;
mod normalize;
mod paths;
mod prune;
mod reader;
mod references;
mod resets;
mod shape;
mod short;
mod sources;
mod stand_in;
mod text;
mod unique;
mod units;
mod variables;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::yaml::{Origin, Value};

pub use load::load;
pub use references::Reference;
pub use sources::{EnvFile, Source, SourceKind};
pub use stand_in::STAND_IN;
pub use text::scalar_text;
pub use units::{bytes as size_bytes, duration as duration_nanos, duration_text};
pub use variables::Found;

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
    pub unset: Unset,
}

/// What becomes of a stack that lacks what it requires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unset {
    /// It is refused, as by Compose.
    #[default]
    Fail,
    /// For who only looks: a required variable that is missing or empty is replaced by [`STAND_IN`] or the like,
    /// which its [`Reference`] tells, and a required env file may be missing.
    StandIn,
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
    /// Every file that was read, those that are included or extended too; [`Origin::file`] counts in
    /// this list. Those of the call come first.
    pub sources: Vec<Source>,
    /// The stack's env files for `${}`, as numbers of sources, in order.
    pub variable_files: Vec<u32>,
    /// Those that give variables to included files only, where the stack has none of that name.
    pub included_env_files: Vec<u32>,
    /// The `env_file` entries of each active service, in order.
    pub env_files: IndexMap<String, Vec<EnvFile>>,
    /// Every `${}` in the compose files, in the order of reading.
    pub references: Vec<Reference>,
    variables: Arc<variables::Variables>,
    /// Where something stands in, and for which variable; sorted.
    stand_ins: Vec<(Origin, String)>,
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
    /// What `${name}` is replaced by in the stack's own files; `None`: it is not set. An included file
    /// may have more variables.
    pub fn lookup(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    /// Where that value comes from.
    pub fn found(&self, name: &str) -> Found {
        self.variables.find(name).1
    }

    /// The required variable without a value, if there is one in what was written at this place: then what
    /// the model has there is made up.
    pub fn stands_in(&self, at: Origin) -> Option<&str> {
        let first = self.stand_ins.partition_point(|(place, _)| (place.file, place.span.start) < (at.file, at.span.start));
        let (place, name) = self.stand_ins.get(first)?;
        (place.file == at.file && at.span.contains(place.span)).then_some(name.as_str())
    }

    /// One service of the model.
    pub fn service(&self, name: &str) -> Option<&Value> {
        self.value.get("services")?.get(name)
    }

    /// The names of the active services.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.value.get("services").and_then(Value::as_map).into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The profiles that start a service; one without any always starts.
    pub fn profiles_of(&self, service: &str) -> Vec<&str> {
        let listed = self.service(service).and_then(|service| service.get("profiles")).and_then(Value::as_seq);
        listed.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// What a service's containers get, each with its place; `None` for a name without a value.
    pub fn environment_of(&self, service: &str) -> IndexMap<&str, Option<(&str, Origin)>> {
        let fields = self.service(service).and_then(|service| service.get("environment")).and_then(Value::as_map);
        fields.into_iter().flatten().map(|(key, field)| (key.as_str(), field.value.as_str().map(|value| (value, field.value.at)))).collect()
    }

    /// File, line and column of a place, for people.
    pub fn locate(&self, at: Origin) -> Option<crate::error::At> {
        let source = self.sources.get(at.file as usize)?;
        let (line, column) = source.lines().line_column(&source.text, at.span.start);
        Some(crate::error::At { path: source.path.clone(), line, column })
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
    fn who_only_looks_gets_a_model_where_others_are_refused() {
        let mut files = Overlay::new(&Disk);
        let text = "services:\n  web: {image: x, env_file: none.env, user: \"${WHO:?who}\"}\n  odd: {image: x, profiles: [a, b]}\n";
        files.set("/nowhere/a/compose.yaml", Some(text.into()));
        let call = Call { files: vec!["/nowhere/a/compose.yaml".into()], profiles: vec!["*".into()], ..Call::default() };
        assert!(load(&files, &call, &Environment::new()).is_err());
        let named = Environment::from([("WHO".into(), "me".into())]);
        assert!(load(&files, &call, &named).is_err(), "the env file is missing too");
        let model = load(&files, &Call { unset: Unset::StandIn, ..call }, &Environment::new()).unwrap();
        assert_eq!(model.references[0].found, Found::StandIn);
        let file = &model.env_files["web"][0];
        assert_eq!((file.required, file.source), (true, None));
        assert_eq!((model.profiles_of("odd"), model.profiles_of("web")), (vec!["a", "b"], vec![]));
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
