//! From a compose file to the places in it that can hold a credential.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::arguments::{option_values, shell_words};
use super::evidence::Form;
use super::inside::{config_line, inner_sites};
use super::site::{ComposeSource, LONGEST_READ, Site, Way};
use crate::catalogue::{KeyShape, is_example_file, key_shape};
use crate::yaml::{Data, Origin, TIMESTAMP, Value};

/// A scalar and where it stands.
struct Leaf<'a> {
    place: Rc<Way<'a>>,
    service: Option<&'a str>,
    form: Form,
    at: Origin,
    text: &'a str,
}

/// The scalar, the value's bytes in it, and its key.
type Identity<'a> = (Origin, usize, usize, Cow<'a, str>);

/// One place that several services reach is one site with all of them.
struct Leaves<'a> {
    source: &'a ComposeSource<'a>,
    example: bool,
    sites: IndexMap<Identity<'a>, Site<'a>, RandomState>,
}

pub(super) fn compose_sites<'a>(source: &'a ComposeSource<'a>) -> Vec<Site<'a>> {
    let mut leaves = Leaves { source, example: is_example_file(source.path), sites: IndexMap::default() };
    for value in source.values {
        let top = |key: &str| value.get(key).and_then(Value::as_map).into_iter().flatten();
        for (name, service) in top("services") {
            leaves.service(name, &service.value);
        }
        for (name, config) in top("configs") {
            let place = Way::start("configs").key(name).key("content");
            if let Some(content) = config.value.get("content") {
                leaves.config(content, &place);
            }
        }
        for (name, volume) in top("volumes") {
            leaves.other(&volume.value, &Way::start("volumes").key(name), None);
        }
        // What services take from an extension has their names by now; the rest of it is in the file too.
        let extensions = value.as_map().into_iter().flatten().filter(|(key, _)| key.starts_with("x-"));
        for (key, extension) in extensions {
            leaves.other(&extension.value, &Way::start(key), None);
        }
    }
    leaves.sites.into_values().collect()
}

impl<'a> Leaves<'a> {
    fn service(&mut self, name: &'a str, service: &'a Value) {
        let place = Way::start("services").key(name);
        for (key, field) in service.as_map().into_iter().flatten() {
            let (value, place) = (&field.value, place.key(key));
            match key.as_str() {
                "environment" => self.pairs(value, &place, name, Form::Map),
                "labels" => self.pairs(value, &place, name, Form::Label),
                "command" | "entrypoint" => self.command(value, &place, name, Form::Argument),
                "image" | "container_name" | "hostname" | "secrets" | "depends_on" | "networks" | "ports" | "profiles" | "env_file" => {}
                "build" | "deploy" | "healthcheck" => self.nested(value, &place, name),
                "post_start" | "pre_stop" => {
                    for (n, hook) in value.as_seq().into_iter().flatten().enumerate() {
                        self.nested(hook, &place.item(n), name);
                    }
                }
                _ => self.other(value, &place, Some(name)),
            }
        }
    }

    fn nested(&mut self, value: &'a Value, place: &Rc<Way<'a>>, service: &'a str) {
        for (key, field) in value.as_map().into_iter().flatten() {
            let place = place.key(key);
            match key.as_str() {
                "args" => self.pairs(&field.value, &place, service, Form::BuildArg),
                "labels" => self.pairs(&field.value, &place, service, Form::Label),
                "environment" => self.pairs(&field.value, &place, service, Form::Map),
                "test" => self.command(&field.value, &place, service, Form::Healthcheck),
                "command" => self.command(&field.value, &place, service, Form::Argument),
                _ => {}
            }
        }
    }

    /// Keys and values as a mapping or as a list of `KEY=value`.
    fn pairs(&mut self, value: &'a Value, place: &Rc<Way<'a>>, service: &'a str, form: Form) {
        for (key, field) in value.as_map().into_iter().flatten() {
            if let Some(leaf) = self.leaf(&field.value, place.key(key), Some(service), form) {
                self.add(key, &leaf, 0..leaf.text.len());
                self.inside(key, &leaf, 0..leaf.text.len());
            }
        }
        let form = if form == Form::Map { Form::List } else { form };
        for (n, item) in value.as_seq().into_iter().flatten().enumerate() {
            let Some(leaf) = self.leaf(item, place.item(n), Some(service), form) else { continue };
            if let Some(equals) = leaf.text.find('=') {
                self.add(&leaf.text[..equals], &leaf, equals + 1..leaf.text.len());
                self.inside(&leaf.text[..equals], &leaf, equals + 1..leaf.text.len());
            }
        }
    }

    /// What a variable's value holds when it is a file of settings, or options for a command line.
    fn inside(&mut self, key: &str, leaf: &Leaf<'a>, value: Range<usize>) {
        if leaf.text.len() > LONGEST_READ || !matches!(leaf.form, Form::Map | Form::List) || key_shape(key).is_credential() {
            return;
        }
        if leaf.text[value.clone()].contains('\n') {
            self.settings(leaf, value.clone());
        }
        if leaf.text[value.clone()].contains("--") {
            self.shell(leaf, value);
        }
    }

    fn command(&mut self, value: &'a Value, place: &Rc<Way<'a>>, service: &'a str, form: Form) {
        let leaves: Vec<Leaf<'a>> = match value.as_seq() {
            Some(items) => items.iter().enumerate().filter_map(|(n, item)| self.leaf(item, place.item(n), Some(service), form)).collect(),
            None => self.leaf(value, place.clone(), Some(service), form).into_iter().collect(),
        };
        let words: Vec<&str> = leaves.iter().map(|leaf| leaf.text).collect();
        for found in option_values(&words) {
            self.argument(found.option, &leaves[found.word], found.range);
        }
        let key = place.last_key();
        for leaf in &leaves {
            self.add(key, leaf, 0..leaf.text.len());
            self.shell(leaf, 0..leaf.text.len());
        }
    }

    /// The options in a shell string; what `sh -c "..."` is given is such a string again.
    fn shell(&mut self, leaf: &Leaf<'a>, within: Range<usize>) {
        if leaf.text.len() > LONGEST_READ || !leaf.text[within.clone()].contains(char::is_whitespace) {
            return;
        }
        let ranges = shell_words(leaf.text, within.clone());
        let words: Vec<&str> = ranges.iter().map(|range| &leaf.text[range.clone()]).collect();
        for found in option_values(&words) {
            let start = ranges[found.word].start;
            self.argument(found.option, leaf, start + found.range.start..start + found.range.end);
        }
        for range in ranges.iter().filter(|range| range.len() < within.len()) {
            self.shell(leaf, range.clone());
        }
    }

    fn argument(&mut self, option: String, leaf: &Leaf<'a>, range: Range<usize>) {
        let option: Cow<'a, str> = Cow::Owned(option);
        self.add(option.clone(), leaf, range.clone());
        // The option may be a short one, whose name says nothing.
        if let Some(site) = self.sites.get_mut(&(leaf.at, range.start, range.end, option)) {
            site.shape = KeyShape::Password;
        }
    }

    /// Lines of `key: value` or `key = value`.
    fn config(&mut self, content: &'a Value, place: &Rc<Way<'a>>) {
        let Some(leaf) = self.leaf(content, place.clone(), None, Form::Config) else { return };
        if leaf.text.len() <= LONGEST_READ {
            self.settings(&leaf, 0..leaf.text.len());
        }
        self.add("content", &leaf, 0..leaf.text.len());
    }

    fn settings(&mut self, leaf: &Leaf<'a>, within: Range<usize>) {
        let mut start = within.start;
        for line in leaf.text[within].split_inclusive('\n') {
            if let Some((key, value)) = config_line(line) {
                self.add(key, leaf, start + value.start..start + value.end);
            }
            start += line.len();
        }
    }

    fn other(&mut self, value: &'a Value, place: &Rc<Way<'a>>, service: Option<&'a str>) {
        match &value.data {
            Data::Map(fields) => fields.iter().for_each(|(key, field)| self.other(&field.value, &place.key(key), service)),
            Data::Seq(items) => items.iter().enumerate().for_each(|(n, item)| self.other(item, &place.item(n), service)),
            _ => {
                let Some(leaf) = self.leaf(value, place.clone(), service, Form::Other) else { return };
                let key = if matches!(**place, Way::Item(..)) { "" } else { place.last_key() };
                self.add(key, &leaf, 0..leaf.text.len());
            }
        }
    }

    /// A scalar with its decoded text; numbers are taken as they are written.
    fn leaf(&self, value: &'a Value, place: Rc<Way<'a>>, service: Option<&'a str>, form: Form) -> Option<Leaf<'a>> {
        let text = match &value.data {
            Data::Str(text) if value.tag.as_deref() != Some(TIMESTAMP) => text.as_str(),
            // A date reads otherwise than it is written, as a number may.
            Data::Str(_) | Data::Int(_) | Data::Uint(_) | Data::Float(_) | Data::Bool(_) => {
                let written = self.source.text.get(value.at.span.start..value.at.span.end)?;
                Some(written).filter(|written| !written.contains(['"', '\'']))?
            }
            _ => return None,
        };
        Some(Leaf { place, service, form, at: value.at, text })
    }

    fn add(&mut self, key: impl Into<Cow<'a, str>>, leaf: &Leaf<'a>, value: Range<usize>) {
        let key = key.into();
        let site = Site {
            shape: key_shape(&key),
            key,
            form: leaf.form,
            place: leaf.place.clone(),
            services: leaf.service.into_iter().collect(),
            scalar: leaf.at,
            text: leaf.text,
            value,
            in_shell: matches!(leaf.form, Form::Argument | Form::Healthcheck),
            verbatim: false,
            example: self.example,
            connection: None,
        };
        for inner in inner_sites(&site) {
            self.put(inner);
        }
        self.put(site);
    }

    fn put(&mut self, site: Site<'a>) {
        let identity = (site.scalar, site.value.start, site.value.end, site.key.clone());
        match self.sites.entry(identity) {
            indexmap::map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.services.extend(site.services.into_iter().filter(|service| !known.services.contains(service)).collect::<Vec<_>>());
            }
            indexmap::map::Entry::Vacant(place) => drop(place.insert(site)),
        }
    }
}
