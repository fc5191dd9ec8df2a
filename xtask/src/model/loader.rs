//! Files become one document: read, evaluated, extended, with what they include, and merged.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::yaml::{Origin, Value, expand_without};

use super::extends::Extended;
use super::interpolate::{Evaluation, interpolate};
use super::paths::Base;
use super::reader::Reader;
use super::references::Reference;
use super::resets::Resets;
use super::shape::{FILE, Place, Shape, check};
use super::variables::Variables;
use super::{Call, Fault, Found, Unset, canonical, consistency, extends, forms, gopath, include, merge, normalize, unique};

/// How often one stack may read a compose file, the same one counted again.
const FILE_LIMIT: usize = 1_000;

/// What those files may hold together.
const BYTE_LIMIT: usize = 64 << 20;

/// What reads a stack.
pub struct Loader<'a> {
    pub reader: Reader<'a>,
    pub references: Vec<Reference>,
    pub unset: Unset,
    /// What `~` stands for.
    pub home: Option<String>,
    /// Where Compose is called: the folder of the first file.
    folder: PathBuf,
    loads: usize,
    bytes: usize,
    /// The env files of what is included, as numbers of sources.
    pub included_env_files: Vec<u32>,
    /// Values that extending has copied so far.
    pub copied: usize,
    /// Files that services extend, by path, by the folder their paths start from and by their variables.
    pub extended: HashMap<(String, String, usize), Rc<Extended>>,
}

/// What one set of files is read with: the stack's own, or those of one entry of `include`.
pub struct Scope {
    /// Where the paths of these files start; relative to that of the including files.
    pub working: String,
    /// Where the files that these include and extend are looked for.
    pub lookup: String,
    pub variables: Arc<Variables>,
}

/// A compose file, and the place that asks for it.
pub struct Wanted {
    pub path: String,
    pub at: Option<Origin>,
}

impl<'a> Loader<'a> {
    pub fn new(reader: Reader<'a>, call: &Call, home: Option<&String>) -> Self {
        let folder = call.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("/")).to_path_buf();
        Loader {
            reader,
            references: Vec::new(),
            unset: call.unset,
            home: home.cloned(),
            folder,
            loads: 0,
            bytes: 0,
            included_env_files: Vec::new(),
            copied: 0,
            extended: HashMap::new(),
        }
    }

    /// The absolute form of a path that Compose would take from where it is called.
    pub fn on_disk(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Makes a fault an error with its place.
    pub fn located<T>(&self, result: Result<T, Fault>) -> Result<T> {
        result.map_err(|fault| self.reader.error(fault.at, &format!("{}{}", fault.why, self.without_value(fault.at))))
    }

    /// The variables of a faulty value that have none, which may be all that is wrong.
    fn without_value(&self, at: Origin) -> String {
        let is_missing = |one: &&Reference| one.at == at && (one.found == Found::StandIn || one.is_warned_of());
        let mut names: Vec<&str> = self.references.iter().filter(is_missing).map(|one| one.name.as_str()).collect();
        names.dedup();
        names.iter().map(|name| format!("; {name} has no value")).collect()
    }

    /// The number of a compose file among the sources. Counts what is read.
    pub fn open(&mut self, wanted: &Wanted) -> Result<u32> {
        let path = self.on_disk(&wanted.path);
        let file = self.reader.compose_file(&path, wanted.at)?;
        self.loads += 1;
        self.bytes += self.reader.sources[file as usize].text.len();
        if self.loads > FILE_LIMIT || self.bytes > BYTE_LIMIT {
            let why = "the files that this stack includes and extends are more than 1,000, or 64 MiB, together";
            return Err(match wanted.at {
                Some(at) => self.reader.error(at, why),
                None => Error::unusable("read the stack").why(why),
            });
        }
        Ok(file)
    }

    /// All files of a scope, merged, with their defaults and paths. `included`: the files that lead here.
    pub fn files(&mut self, wanted: &[Wanted], scope: &Scope, included: &[String]) -> Result<Option<Value>> {
        let mut merged = None;
        for wanted in wanted {
            let file = self.open(wanted)?;
            for number in 0..self.reader.sources[file as usize].documents().len() {
                merged = Some(self.document(file, number, &wanted.path, scope, included, merged)?);
            }
        }
        let Some(mut root) = merged else { return Ok(None) };
        normalize::defaults(&mut root);
        self.located(consistency::validate(&root))?;
        let base = Base { folder: &scope.working, home: self.home.as_deref() };
        let resolved = base.resolve(&mut root);
        self.located(resolved)?;
        normalize::listed_environment(&mut root, &scope.variables);
        Ok(Some(root))
    }

    fn document(
        &mut self,
        file: u32,
        number: usize,
        path: &str,
        scope: &Scope,
        included: &[String],
        below: Option<Value>,
    ) -> Result<Value> {
        let (mut value, resets) = self.evaluated(file, number, scope)?;
        extends::apply(self, &mut value, path, scope, &resets)?;
        let mut below = below;
        if let Some(below) = &mut below {
            resets.apply(below, &[]);
        }
        include::apply(self, &mut value, path, scope, included)?;
        let laid = laid_over(below, value, true);
        self.located(laid)
    }

    /// One document as it is written, its variables replaced.
    fn evaluated(&mut self, file: u32, number: usize, scope: &Scope) -> Result<(Value, Resets)> {
        let source = &self.reader.sources[file as usize];
        let document = &source.documents()[number];
        let resets = self.located(Resets::of(document, file, &source.text))?;
        let mut value = self.located(expand_without(document, file, &resets.dropped).map_err(|error| {
            let span = crate::text::Span::new(error.offset, error.offset);
            Fault::new(Origin { file, span }, error.why)
        }))?;
        if value.as_map().is_none() {
            return Err(self.reader.error(value.at, "a compose file must be a mapping with keys such as `services`"));
        }
        let evaluation =
            Evaluation { source: &source.text, variables: &scope.variables, unset: self.unset, references: &mut self.references };
        let evaluated = interpolate(&mut value, evaluation);
        self.located(evaluated)?;
        Ok((value, resets.paths()))
    }

    /// A file that a service extends: in canonical form, but not checked, neither extended nor with
    /// what it includes; and the tags of its last document.
    pub fn base_file(&mut self, wanted: &Wanted, working: &str, scope: &Scope) -> Result<(Value, Resets)> {
        let file = self.open(wanted)?;
        let mut merged = None;
        let mut last = Resets::default();
        for number in 0..self.reader.sources[file as usize].documents().len() {
            let (value, resets) = self.evaluated(file, number, scope)?;
            if let Some(below) = &mut merged {
                resets.apply(below, &[]);
            }
            let laid = laid_over(merged, value, false);
            merged = Some(self.located(laid)?);
            last = resets;
        }
        let mut root = merged.unwrap_or_default();
        let base = Base { folder: working, home: self.home.as_deref() };
        let resolved = base.resolve(&mut root);
        self.located(resolved)?;
        Ok((root, last))
    }

    /// The folder of a file as Compose writes it: relative to where files are looked for.
    pub fn folder_of(path: &str, scope: &Scope) -> String {
        let folder = gopath::absolute(&scope.lookup, &gopath::folder(path));
        gopath::relative(&scope.lookup, &folder).unwrap_or(folder)
    }
}

/// A document over those before it, in canonical form; `whole`: it must have the form of a compose file.
fn laid_over(below: Option<Value>, value: Value, whole: bool) -> Result<Value, Fault> {
    let mut value = match below {
        Some(below) => merge::merge(below, value)?,
        None => value,
    };
    unique::enforce(&mut value)?;
    if whole {
        check(&value, &Shape::Record(FILE), &Place::Root)?;
    } else {
        forms::check(&value)?;
    }
    canonical::canonical(&mut value)?;
    // A range of ports may meet a port that it holds only now.
    unique::enforce(&mut value)?;
    Ok(value)
}
