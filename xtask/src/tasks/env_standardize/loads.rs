//! Every `env_file` entry of the chosen stacks, and what is to become of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::phase::home::link_target;
use super::phase::survey::{Survey, View};
use crate::dotenv::{self, Entry};
use crate::model::EnvFile;
use crate::source::{clean, real};
use crate::text::Span;
use crate::yaml::{Node, Place, Seg, Written};

/// One entry as it stands in a compose file; several services can have it through an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The compose file. Absolute.
    pub file: PathBuf,
    pub document: usize,
    /// Of the path's scalar: `services.web.env_file[0].path`.
    pub place: Place,
    pub span: Span,
    /// The env file. Absolute.
    pub path: PathBuf,
    pub raw: bool,
    /// What stands there now, as it reads.
    pub written: String,
    pub fate: Fate,
    /// Stack and service.
    pub services: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is the root's `.env` already.
    Root,
    /// It is to name the root's `.env`, by this path.
    Legacy { root: String },
    /// It stays, and why.
    Stays(String),
}

impl Load {
    /// Where the entries stand of which this is one: the place of `env_file`.
    pub fn list(&self) -> Place {
        let last = self.place.0.iter().rposition(|seg| matches!(seg, Seg::Index(_)));
        Place(self.place.0[..last.unwrap_or(self.place.0.len())].to_vec())
    }

    /// The entry itself: the item of a list, or all of `env_file`.
    pub fn item(&self) -> Place {
        let last = self.place.0.iter().rposition(|seg| matches!(seg, Seg::Index(_)));
        Place(self.place.0[..last.map_or(self.place.0.len(), |last| last + 1)].to_vec())
    }
}

/// The entries of all chosen stacks, each once, in the order in which stacks and services load them.
pub fn loads(root: &Path, main: &Path, survey: &Survey<'_>) -> Vec<Load> {
    let mut found: Vec<Load> = Vec::new();
    for view in survey.views.iter().filter(|view| view.chosen) {
        for (service, files) in &view.model.env_files {
            let of = (view.stack.id.clone(), service.clone());
            for file in files {
                let Some(load) = load(root, main, view, file) else { continue };
                match found.iter_mut().find(|known| known.file == load.file && known.span == load.span) {
                    Some(known) => {
                        // What two stacks read differently from one place cannot be one thing afterwards.
                        if known.fate != load.fate {
                            known.fate = Fate::Stays("stacks in different folders share it".into());
                        }
                        known.services.push(of.clone());
                    }
                    None => found.push(Load { services: vec![of.clone()], ..load }),
                }
            }
        }
    }
    found
}

fn load(root: &Path, main: &Path, view: &View<'_>, file: &EnvFile) -> Option<Load> {
    let source = view.model.sources.get(file.at.file as usize)?;
    let (document, place) = source.documents().iter().enumerate().find_map(|(number, document)| {
        let mut way = Vec::new();
        find(&document.root, file.at.span, &mut way).then_some((number, Place(way)))
    })?;
    let node = place.find(&source.documents()[document].root)?;
    let written = node.text()?.to_string();
    let fate = fate(root, main, view, file, &source.path, &written);
    let (path, raw, span) = (file.path.clone(), file.raw, file.at.span);
    Some(Load { file: source.path.clone(), document, place, span, path, raw, written, fate, services: Vec::new() })
}

fn fate(root: &Path, main: &Path, view: &View<'_>, file: &EnvFile, compose: &Path, written: &str) -> Fate {
    if file.path == main || real(&file.path) == main {
        return Fate::Root;
    }
    if written.contains('$') {
        return Fate::Stays("a variable names it".into());
    }
    if file.source.is_none() {
        return Fate::Stays("it is not there".into());
    }
    if !file.path.starts_with(root) || !compose.starts_with(root) {
        return Fate::Stays("it lies outside the project".into());
    }
    // Relative paths start from the stack's folder; those of an extended or included file from that file's.
    let own = compose.parent().unwrap_or(root);
    let Some(base) = [view.stack.folder(), own].into_iter().find(|base| clean(&base.join(written)) == file.path) else {
        return Fate::Stays("its path starts from a folder that is not known".into());
    };
    let path = link_target(&base.join(".env"), main).display().to_string();
    Fate::Legacy { root: if written.starts_with("./") && !path.starts_with("..") { format!("./{path}") } else { path } }
}

/// The way to the scalar with this span.
fn find(node: &Node, span: Span, way: &mut Vec<Seg>) -> bool {
    let (children, is_here): (Vec<(Seg, &Node)>, bool) = match &node.data {
        Written::Scalar { .. } => (Vec::new(), node.span == span && !span.is_empty()),
        Written::Map { entries, .. } => {
            let named = entries.iter().filter_map(|entry| Some((Seg::Key(entry.key.text()?.to_string()), &entry.value)));
            (named.collect(), false)
        }
        Written::Seq { items, .. } => (items.iter().enumerate().map(|(n, item)| (Seg::Index(n), item)).collect(), false),
        Written::Alias(_) => (Vec::new(), false),
    };
    for (seg, child) in children {
        way.push(seg);
        if find(child, span, way) {
            return true;
        }
        way.pop();
    }
    is_here
}

/// What an env file holds for whoever reads it with these variables: the last entry of a name counts.
pub fn entries(text: &str, raw: bool, view: &View<'_>) -> BTreeMap<String, Entry> {
    let lookup = |name: &str| view.model.lookup(name).map(String::from);
    let read = if raw { dotenv::parse_raw(text, &lookup) } else { dotenv::parse(text, &lookup) };
    // What cannot be read keeps its stack from rendering, which is said elsewhere.
    read.unwrap_or_default().into_iter().map(|entry| (entry.key.clone(), entry)).collect()
}

/// Whether the stack takes its `${}` from the root's `.env`, be it through a link.
pub fn reads_main(view: &View<'_>, main: &Path) -> bool {
    let named = view.model.variable_files.iter().map(|number| &view.model.sources[*number as usize].path);
    let is_main = |path: &Path| path == main || real(path) == main;
    named.into_iter().any(|path| is_main(path)) || (view.stack.env_files.is_none() && view.stack.folder().join(".env") == main)
}
