//! The files of a stack, each read once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dotenv::{self, DotenvError, Entry};
use crate::error::{Error, Kind, Result};
use crate::source::Files;
use crate::text::LineIndex;
use crate::yaml::{Document, Limits, Origin, read};

use super::{Source, SourceKind};

pub struct Reader<'a> {
    pub files: &'a dyn Files,
    pub sources: Vec<Source>,
    compose_files: HashMap<PathBuf, u32>,
    env_files: HashMap<PathBuf, u32>,
}

pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl<'a> Reader<'a> {
    pub fn new(files: &'a dyn Files) -> Self {
        Reader { files, sources: Vec::new(), compose_files: HashMap::new(), env_files: HashMap::new() }
    }

    /// The text of a file; nothing if there is none.
    fn text(&self, path: &Path) -> Result<Option<Arc<str>>> {
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

    fn add(&mut self, path: &Path, text: Arc<str>, kind: SourceKind) -> u32 {
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        self.sources.push(Source::new(path.to_path_buf(), text, kind));
        number
    }

    /// The number of a compose file; `at` is the place that asks for it, if a file does.
    pub fn compose_file(&mut self, path: &Path, at: Option<Origin>) -> Result<u32> {
        if let Some(known) = self.compose_files.get(path) {
            return Ok(*known);
        }
        let missing = || match at {
            Some(at) => self.error(at, &format!("there is no compose file {}", path.display())),
            None => Error::unusable(format!("read {}", path.display())).why("there is no such compose file"),
        };
        let text = match self.text(path) {
            Ok(text) => text.ok_or_else(missing)?,
            Err(error) => return Err(self.placed(error, at)),
        };
        let documents = documents(path, &text)?;
        let number = self.add(path, text, SourceKind::Compose(documents));
        self.compose_files.insert(path.to_path_buf(), number);
        Ok(number)
    }

    /// An error that has no place gets that of whoever asked.
    pub fn placed(&self, error: Error, at: Option<Origin>) -> Error {
        match at {
            Some(at) if error.at.is_none() => {
                let why = error.why.map_or_else(String::new, |why| format!(": {why}"));
                self.error(at, &format!("{}{why}", error.what)).kind(Kind::Unusable)
            }
            _ => error,
        }
    }

    /// The entries of an env file and its number; nothing if there is no such file.
    pub fn env_file(&mut self, path: &Path, raw: bool, lookup: Lookup) -> Result<Option<(u32, Vec<Entry>)>> {
        let known = self.env_files.get(path).copied();
        let text = match known {
            Some(number) => self.sources[number as usize].text.clone(),
            None => match self.text(path)? {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        let read = if raw { dotenv::parse_raw } else { dotenv::parse };
        let entries = read(&text, lookup).map_err(|error| refused(path, &error))?;
        let number = match known {
            Some(number) => number,
            None => {
                let number = self.add(path, text, SourceKind::Env(entries.clone()));
                self.env_files.insert(path.to_path_buf(), number);
                number
            }
        };
        Ok(Some((number, entries)))
    }

    /// An error at a place of one of the files.
    pub fn error(&self, at: Origin, why: &str) -> Error {
        let error = Error::unusable("read the stack").why(why);
        match self.sources.get(at.file as usize) {
            Some(source) => {
                let (line, column) = source.lines().line_column(&source.text, at.span.start);
                error.at(&source.path, line, column)
            }
            None => error,
        }
    }
}

fn documents(path: &Path, text: &str) -> Result<Vec<Document>> {
    read(text, Limits::default()).map_err(|error| {
        let (line, column) = LineIndex::new(text).line_column(text, error.offset);
        Error::unusable("read the compose file").why(error.why).at(path, line, column)
    })
}

fn refused(path: &Path, error: &DotenvError) -> Error {
    Error::unusable("read the env file").why(error.why.clone()).at(path, error.line, error.column)
}
