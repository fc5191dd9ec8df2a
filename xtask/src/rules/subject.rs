use std::path::{Path, PathBuf};

use super::{Known, Service, Spot};
use crate::model::Model;
use crate::policy::Policy;
use crate::project::Role;
use crate::surroundings::Surroundings;
use crate::text::Span;
use crate::yaml::{Data, Document, Node, Origin, Place, Seg, Value, Written};

/// A stack as the rules see it: what Compose would run, and what stands around it.
pub struct Subject<'a> {
    /// The stack's id.
    pub id: &'a str,
    /// A stack without a role is judged as prod.
    pub role: Role,
    pub model: &'a Model,
    /// The files that Compose is called with, in order.
    pub files: &'a [PathBuf],
    pub policy: &'a Policy,
    pub surroundings: &'a Surroundings,
    /// Whether findings shall carry their fixes.
    pub fixes: bool,
    /// Empty at first.
    pub known: Known,
}

/// Where a node stands as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The number of the file among the model's sources.
    pub file: u32,
    pub document: usize,
    pub place: Place,
}

impl<'a> Subject<'a> {
    /// The services of all profiles.
    pub fn services(&self) -> impl Iterator<Item = Service<'_>> {
        let services = self.model.value.get("services").and_then(Value::as_map).into_iter().flatten();
        services.map(|(name, field)| Service::new(self, name, field))
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<Service<'_>> {
        let (_, name, field) = self.model.value.get("services").and_then(Value::as_map)?.get_full(name)?;
        Some(Service::new(self, name, field))
    }

    /// The entries of `networks`, `volumes`, `secrets` or `configs` that are used.
    pub fn top(&self, section: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let model: &'a Model = self.model;
        model.value.get(section).and_then(Value::as_map).into_iter().flatten().map(|(name, field)| (name.as_str(), &field.value))
    }

    /// Whether a network says `true` under a key: `internal`, `external`.
    pub fn network_flag(&self, name: &str, key: &str) -> bool {
        self.model.value.get("networks").and_then(|networks| networks.get(name)?.get(key)).and_then(truth) == Some(true)
    }

    /// Points at the key of an entry of a top section.
    pub fn top_spot(&self, section: &str, name: &str) -> Spot {
        let field = self.model.value.get(section).and_then(Value::as_map).and_then(|entries| entries.get(name));
        let at = field.map_or_else(Origin::default, |field| field.key);
        self.spot(at, format!("{section}.{name}"), None)
    }

    /// Points at the first line of the stack's first file that says something.
    pub fn file_spot(&self, place: &str) -> Spot {
        let first = self.model.sources.first().and_then(|source| source.documents().first());
        let entry = first.and_then(|document| document.root.entries().first());
        let span = entry.map_or_else(Span::default, |entry| entry.key.span);
        self.spot(Origin { file: 0, span }, place.to_string(), None)
    }

    /// Points at the bytes of an origin.
    pub fn spot(&self, at: Origin, place: String, service: Option<&str>) -> Spot {
        let file = self.model.sources.get(at.file as usize).map_or_else(PathBuf::new, |source| source.path.clone());
        Spot { file, span: at.span, place, service: service.map(String::from) }
    }

    /// The text of an origin, as it stands in its file.
    pub fn written(&self, at: Origin) -> &'a str {
        let model: &'a Model = self.model;
        model.sources.get(at.file as usize).and_then(|source| source.text.get(at.span.start..at.span.end)).unwrap_or_default()
    }

    /// The value of a key or item at a place of a file, wherever the stack's files have it: the first file
    /// that writes it out.
    pub fn home(&self, place: &Place) -> Option<Home> {
        self.documents().find(|(_, _, document)| place.find(&document.root).is_some()).map(|(file, number, _)| Home {
            file,
            document: number,
            place: place.clone(),
        })
    }

    /// The way to the node that stands at an origin.
    pub fn home_of(&self, at: Origin) -> Option<Home> {
        self.documents().filter(|(file, ..)| *file == at.file).find_map(|(file, number, document)| {
            let mut way = Vec::new();
            descend(&document.root, at.span, &mut way).then_some(Home { file, document: number, place: Place(way) })
        })
    }

    /// The node at a home.
    pub fn node(&self, home: &Home) -> Option<&'a Node> {
        let model: &'a Model = self.model;
        home.place.find(&model.sources.get(home.file as usize)?.documents().get(home.document)?.root)
    }

    /// Whether an origin is in a compose file. What is in an env file is shown to nobody.
    pub fn is_in_compose(&self, at: Origin) -> bool {
        self.model.sources.get(at.file as usize).is_some_and(|source| !source.documents().is_empty())
    }

    pub fn path(&self, file: u32) -> &'a Path {
        let model: &'a Model = self.model;
        model.sources.get(file as usize).map_or(Path::new(""), |source| &source.path)
    }

    /// Every document of the compose files, with its file and number.
    pub fn documents(&self) -> impl Iterator<Item = (u32, usize, &'a Document)> {
        let model: &'a Model = self.model;
        (0_u32..).zip(&model.sources).flat_map(|(file, source)| source.documents().iter().enumerate().map(move |(n, d)| (file, n, d)))
    }
}

fn descend(node: &Node, span: Span, way: &mut Vec<Seg>) -> bool {
    if node.span == span && !matches!(node.data, Written::Alias(_)) {
        return true;
    }
    if !node.span.contains(span) {
        return false;
    }
    for (_, entry) in around(node.entries(), span, |entry| entry.value.span) {
        way.push(Seg::Key(entry.key.text().unwrap_or_default().to_string()));
        if descend(&entry.value, span, way) {
            return true;
        }
        way.pop();
    }
    for (index, item) in around(node.items(), span, |item| item.span) {
        way.push(Seg::Index(index));
        if descend(item, span, way) {
            return true;
        }
        way.pop();
    }
    false
}

/// Those of a node's parts that hold a span, with their numbers. They stand in the order of the text, and a stack of
/// thousands of services is looked through for each finding.
fn around<T>(parts: &[T], span: Span, of: impl Fn(&T) -> Span) -> impl Iterator<Item = (usize, &T)> {
    let first = parts.partition_point(|part| of(part).end < span.end);
    (first..).zip(&parts[first..]).take_while(move |(_, part)| of(part).start <= span.start)
}

/// A value that YAML or an environment has as text or as something else, as a truth.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match &value.data {
        Data::Bool(truth) => Some(*truth),
        Data::Str(text) if matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1") => Some(true),
        Data::Str(text) if matches!(text.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0") => Some(false),
        _ => None,
    }
}
