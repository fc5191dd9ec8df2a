use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::finding::{Change, Fix, FixKind};
use crate::yaml::{Operation, Plain};

/// A fix in the making: what is written, and what the rendered model then has.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    file: PathBuf,
    operations: Vec<Operation>,
    changes: Vec<Change>,
    caveat: Option<String>,
    reveals: &'static [&'static str],
}

impl Draft {
    pub fn new(file: &Path, operation: Operation, change: Change) -> Self {
        Draft { file: file.to_path_buf(), operations: vec![operation], changes: vec![change], caveat: None, reveals: &[] }
    }

    /// What is written does not show in the rendered model.
    pub fn unseen(file: &Path, operation: Operation) -> Self {
        Draft { file: file.to_path_buf(), operations: vec![operation], changes: Vec::new(), caveat: None, reveals: &[] }
    }

    /// Both, or nothing when they are about two files.
    pub fn and(mut self, other: Option<Draft>) -> Option<Draft> {
        let other = other.filter(|other| other.file == self.file)?;
        self.operations.extend(other.operations);
        self.changes.extend(other.changes);
        self.caveat = self.caveat.or(other.caveat);
        Some(self)
    }

    /// What the rendered model has instead of what was written.
    #[must_use]
    pub fn renders(mut self, changes: Vec<Change>) -> Self {
        self.changes = changes;
        self
    }

    /// What it can mean for what runs.
    #[must_use]
    pub fn caveat(mut self, caveat: impl Into<String>) -> Self {
        self.caveat = Some(caveat.into());
        self
    }

    /// The rules that had nothing to say while the finding stood, and may have afterwards.
    #[must_use]
    pub fn reveals(mut self, rules: &'static [&'static str]) -> Self {
        self.reveals = rules;
        self
    }

    pub(super) fn finish(self, kind: FixKind) -> Fix {
        let Draft { file, operations, changes, caveat, reveals } = self;
        Fix { kind, file, operations, changes, caveat, reveals }
    }
}

/// A value as the rendered model shows it.
pub(super) fn json(value: &Plain) -> Json {
    match value {
        Plain::Null => Json::Null,
        Plain::Bool(value) => (*value).into(),
        Plain::Int(value) => (*value).into(),
        Plain::Str(text) => text.clone().into(),
        Plain::Seq(items) => items.iter().map(json).collect(),
        Plain::Map(entries) => Json::Object(entries.iter().map(|(key, value)| (key.clone(), json(value))).collect()),
    }
}
