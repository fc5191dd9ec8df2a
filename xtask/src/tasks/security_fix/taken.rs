//! Everything that a new variable could collide with, and what is known about the services: both
//! gathered from all stacks of the project, chosen or not.

use std::collections::BTreeMap;

use super::group::Directory;
use super::name::Taken;
use super::survey::{Survey, View};
use crate::catalogue::server_kind;
use crate::dotenv;
use crate::model::{Environment, Reference};
use crate::secret::Secret;
use crate::text::Span;
use crate::text::template::{self, Segment};
use crate::yaml::{Node, Value, Written};

/// `main` is the text of the env file where the values will live.
pub fn taken(survey: &Survey<'_>, main: Option<&str>, environment: &Environment) -> Taken {
    let mut taken = Taken::default();
    for entry in dotenv::parse(main.unwrap_or(""), &|name| environment.get(name).cloned()).unwrap_or_default() {
        add(&mut taken.defined, &entry.key, &entry.value);
    }
    taken.exported = environment.iter().map(|(name, value)| (name.clone(), Secret::new(value.as_str()))).collect();
    for view in &survey.views {
        for (number, source) in view.model.sources.iter().enumerate() {
            let for_variables = view.model.variable_files.iter().any(|file| *file as usize == number);
            for entry in source.entries() {
                add(if for_variables { &mut taken.defined } else { &mut taken.loaded }, &entry.key, &entry.value);
            }
        }
        references(view, &mut taken.referenced);
    }
    taken
}

fn add(to: &mut BTreeMap<String, Vec<Secret>>, name: &str, value: &str) {
    let values = to.entry(name.to_string()).or_default();
    let value = Secret::new(value);
    if !values.contains(&value) {
        values.push(value);
    }
}

fn references(view: &View<'_>, to: &mut BTreeMap<String, Vec<Secret>>) {
    let texts: Vec<BTreeMap<Span, &str>> = view.model.sources.iter().map(|source| texts(source.documents())).collect();
    for reference in &view.model.references {
        let text = texts.get(reference.at.file as usize).and_then(|texts| texts.get(&reference.at.span));
        for value in text.map(|text| renders_to(view, reference, text)).unwrap_or_default() {
            add(to, &reference.name, &value);
        }
    }
    for service in view.model.services() {
        for (name, value) in view.model.environment_of(service) {
            // A name alone takes whatever a variable of that name holds.
            if value.is_none() {
                add(to, name, "");
            }
        }
    }
}

/// What the variable's own `${...}` come to today, each of them.
fn renders_to(view: &View<'_>, reference: &Reference, text: &str) -> Vec<String> {
    let mut values = Vec::new();
    let lookup = |name: &str| view.model.lookup(name).map(String::from);
    Segment::each_var(&template::parse(text), false, &mut |var, _| {
        if var.name == reference.name {
            values.push(template::substitute(&text[var.range.clone()], &lookup).unwrap_or_default());
        }
    });
    values
}

fn texts(documents: &[crate::yaml::Document]) -> BTreeMap<Span, &str> {
    let mut found = BTreeMap::new();
    for document in documents {
        let mut nodes: Vec<&Node> = vec![&document.root];
        while let Some(node) = nodes.pop() {
            if let Written::Scalar { text, .. } = &node.data {
                found.insert(node.span, text.as_str());
            }
            nodes.extend(node.entries().iter().map(|entry| &entry.value));
            nodes.extend(node.items());
        }
    }
    found
}

/// The services of all stacks, with the names that reach them and what kind of server they are.
pub fn directory(survey: &Survey<'_>) -> Directory {
    let mut directory = Directory::default();
    for view in &survey.views {
        for name in view.model.services() {
            let Some(service) = view.model.service(name) else { continue };
            directory.add_service(name, other_names(service));
            let kind = service.get("image").and_then(Value::as_str).and_then(server_kind);
            // A kind without passwords, as a web server is, says nothing of what its arguments are.
            if let Some(kind) = kind.filter(|kind| !kind.keys.password.is_empty()) {
                directory.add_server(name, kind.keys.password.iter().cloned());
            }
        }
    }
    directory
}

fn other_names(service: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        ["container_name", "hostname"].iter().filter_map(|key| Some(service.get(key)?.as_str()?.to_string())).collect();
    for (_, network) in service.get("networks").and_then(Value::as_map).into_iter().flatten() {
        let aliases = network.value.get("aliases").and_then(Value::as_seq).into_iter().flatten();
        names.extend(aliases.filter_map(|alias| alias.as_str().map(String::from)));
    }
    names
}
