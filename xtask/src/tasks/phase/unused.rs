//! Which lines of the files of `${}` values nothing asks for.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::dotenv::{self, Quoting};
use crate::model::Model;
use crate::source::real;
use crate::text::template::{self, Segment};

/// File, name and line of each, over all these stacks. A file that a service loads is used as a whole.
pub fn unused<M: Borrow<Model>>(models: &[M]) -> Vec<(PathBuf, String, usize)> {
    let models = || models.iter().map(Borrow::borrow);
    let loaded: BTreeSet<PathBuf> = models().flat_map(|model| model.env_files.values().flatten()).map(|file| real(&file.path)).collect();
    let mut asked: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    let mut texts: BTreeMap<PathBuf, (PathBuf, String)> = BTreeMap::new();
    for model in models() {
        for number in model.variable_files.iter().chain(&model.included_env_files) {
            let source = &model.sources[*number as usize];
            let file = real(&source.path);
            let names = asked.entry(file.clone()).or_default();
            names.extend(model.references.iter().map(|reference| reference.name.clone()));
            for service in model.services() {
                let bare = model.environment_of(service).into_iter().filter(|(_, value)| value.is_none());
                names.extend(bare.map(|(name, _)| name.to_string()));
            }
            // What stands in values of any env file that the stack reads.
            names.extend(model.sources.iter().filter(|source| source.documents().is_empty()).flat_map(|source| named_in(&source.text)));
            texts.entry(file).or_insert_with(|| (source.path.clone(), source.text.to_string()));
        }
    }
    let mut found = Vec::new();
    for (file, (path, text)) in texts.into_iter().filter(|(file, _)| !loaded.contains(file)) {
        for entry in dotenv::parse(&text, &|_| Some("set".to_string())).unwrap_or_default() {
            if !asked[&file].contains(&entry.key) && !entry.key.starts_with("COMPOSE_") && !entry.key.starts_with("DOCKER_") {
                found.push((path.clone(), entry.key, entry.line));
            }
        }
    }
    found
}

/// The variables that stand in the values of an env file.
fn named_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in dotenv::parse(text, &|_| Some("set".to_string())).unwrap_or_default() {
        if matches!(entry.quoting, Quoting::Plain | Quoting::Double) {
            let segments = template::parse(entry.value_span.slice(text));
            Segment::each_var(&segments, true, &mut |var, _| names.push(var.name.clone()));
        }
    }
    names
}
