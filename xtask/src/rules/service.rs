use std::cell::OnceCell;

use super::draft::json;
use super::subject::{Home, truth};
use super::{Draft, Spot, Subject};
use crate::catalogue::{Category, ServerKind, server_kind};
use crate::finding::Change;
use crate::model::scalar_text;
use crate::project::Role;
use crate::yaml::{Data, Field, Operation, Origin, Place, Plain, Seg, Value, What};

/// One service of the rendered model: paths are dotted, `deploy.resources.limits.memory`.
pub struct Service<'a> {
    pub subject: &'a Subject<'a>,
    pub name: &'a str,
    pub value: &'a Value,
    /// Where its name stands.
    key: Origin,
    /// Of its image, once a rule has asked.
    kind: OnceCell<Option<&'static ServerKind>>,
}

impl<'a> Service<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, name: &'a str, field: &'a Field) -> Self {
        Service { subject, name, value: &field.value, key: field.key, kind: OnceCell::new() }
    }

    pub fn is_prod(&self) -> bool {
        self.subject.role == Role::Prod
    }

    pub fn get(&self, path: &str) -> Option<&'a Value> {
        let found = match path.contains('.') {
            true => path.split('.').try_fold(self.value, |value, key| value.get(key)),
            // Most are one key, and rules ask for some hundred of each service.
            false => self.value.get(path),
        };
        found.filter(|value| value.data != Data::Null)
    }

    pub fn text(&self, path: &str) -> Option<&'a str> {
        self.get(path).and_then(Value::as_str)
    }

    /// A scalar as text, whatever its type.
    pub fn scalar(&self, path: &str) -> Option<String> {
        self.get(path).and_then(|value| scalar_text(&value.data))
    }

    pub fn flag(&self, path: &str) -> bool {
        self.get(path).and_then(truth) == Some(true)
    }

    /// The items of a sequence; none where there is none.
    pub fn items(&self, path: &str) -> &'a [Value] {
        self.get(path).and_then(Value::as_seq).unwrap_or_default()
    }

    /// The entries of a mapping; none where there is none.
    pub fn entries(&self, path: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.get(path).and_then(Value::as_map).into_iter().flatten().map(|(key, field)| (key.as_str(), &field.value))
    }

    pub fn image(&self) -> Option<&'a str> {
        self.text("image")
    }

    /// What is known about its image.
    pub fn kind(&self) -> Option<&'static ServerKind> {
        *self.kind.get_or_init(|| self.image().and_then(server_kind))
    }

    /// Whether it keeps data for others: a database, cache, broker or search engine.
    pub fn is_store(&self) -> bool {
        let keeps = |kind: &ServerKind| matches!(kind.category, Category::Database | Category::Cache | Category::Broker | Category::Search);
        self.kind().is_some_and(keeps)
    }

    /// The value of a variable of its environment, env files included; `None` when it has none.
    pub fn variable(&self, name: &str) -> Option<&'a str> {
        self.value.get("environment")?.get(name)?.as_str()
    }

    /// The words of `command`, or of `entrypoint`.
    pub fn words(&self, key: &str) -> Vec<&'a str> {
        self.items(key).iter().filter_map(Value::as_str).collect()
    }

    /// Points at the value of a path if it is there, else at the service's name.
    pub fn spot(&self, path: &str) -> Spot {
        let at = self.get(path).map_or(self.key, |value| self.pointed(path, value));
        self.subject.spot(at, self.place(path), Some(self.name))
    }

    /// Points at one item of the sequence at a path.
    pub fn item_spot(&self, path: &str, index: usize) -> Spot {
        let at = self.items(path).get(index).map_or(self.key, |item| item.at);
        self.subject.spot(at, format!("{}[{index}]", self.place(path)), Some(self.name))
    }

    /// Points at an entry of the mapping at a path; its key may hold dots.
    pub fn entry_spot(&self, path: &str, key: &str) -> Spot {
        let at = self.get(path).and_then(|map| map.get(key)).map_or(self.key, |value| value.at);
        self.subject.spot(at, format!("{}.{key}", self.place(path)), Some(self.name))
    }

    /// Points at its name.
    pub fn name_spot(&self) -> Spot {
        self.subject.spot(self.key, self.place(""), Some(self.name))
    }

    fn place(&self, path: &str) -> String {
        if path.is_empty() { format!("services.{}", self.name) } else { format!("services.{}.{path}", self.name) }
    }

    /// A scalar is pointed at itself, a collection at its key: it can be many lines long.
    fn pointed(&self, path: &str, value: &Value) -> Origin {
        if value.as_map().is_none() && value.as_seq().is_none() {
            return value.at;
        }
        let (above, last) = path.rsplit_once('.').map_or((Some(self.value), path), |(above, last)| (self.get(above), last));
        above.and_then(Value::as_map).and_then(|fields| fields.get(last)).map_or(value.at, |field| field.key)
    }

    /// The service's own mapping gains or changes what stands at a dotted path. The rendered model then
    /// has the same there; where it renders otherwise, say so with [`Draft::renders`].
    pub fn set(&self, path: &str, value: Plain) -> Option<Draft> {
        let keys: Vec<&str> = path.split('.').collect();
        let change = self.change(path, Some(json(&value)));
        if let Some(there) = self.get(path) {
            let home = self.subject.home_of(there.at)?;
            let operation = Operation { document: home.document, place: home.place, what: What::Set(value) };
            return Some(Draft::new(self.subject.path(home.file), operation, change));
        }
        let service = Place::default().key("services").key(self.name);
        // What is written and yet not rendered, such as `false`.
        if let Some(home) = self.subject.home(&keys.iter().fold(service.clone(), |place, key| place.key(*key))) {
            let operation = Operation { document: home.document, place: home.place, what: What::Set(value) };
            return Some(Draft::new(self.subject.path(home.file), operation, change));
        }
        // The deepest mapping of the way that is written out takes the rest as one entry.
        for depth in (0..keys.len()).rev() {
            let place = keys[..depth].iter().fold(service.clone(), |place, key| place.key(*key));
            let Some(home) = self.subject.home(&place) else { continue };
            let (key, below) = (keys[depth], &keys[depth + 1..]);
            let nested = below.iter().rev().fold(value, |value, key| Plain::Map(vec![((*key).to_string(), value)]));
            let what = What::Add { key: key.to_string(), value: nested };
            return Some(Draft::new(self.subject.path(home.file), Operation { document: home.document, place, what }, change));
        }
        None
    }

    /// The sequence at a path gains an item; where there is none, it comes to be.
    pub fn append(&self, path: &str, item: &str) -> Option<Draft> {
        self.append_all(path, &[item])
    }

    /// The same with several items; nothing for none.
    pub fn append_all(&self, path: &str, items: &[&str]) -> Option<Draft> {
        let plain = |item: &&str| Plain::Str((*item).to_string());
        let Some(there) = self.get(path) else { return self.set(path, Plain::Seq(items.iter().map(plain).collect())) };
        let home = self.subject.home_of(there.at)?;
        let mut now: Vec<serde_json::Value> = there.as_seq()?.iter().filter_map(|item| scalar_text(&item.data)).map(Into::into).collect();
        now.extend(items.iter().map(|item| (*item).into()));
        let draft = |item: &&str| {
            let operation = Operation { document: home.document, place: home.place.clone(), what: What::Append(plain(item)) };
            Draft::new(self.subject.path(home.file), operation, self.change(path, Some(now.clone().into())))
        };
        let (first, others) = items.split_first()?;
        others.iter().try_fold(draft(first), |all, item| all.and(Some(draft(item))))
    }

    /// One scalar of the sequence at a path goes; the last one takes the key with it.
    pub fn remove_item(&self, path: &str, index: usize) -> Option<Draft> {
        let items = self.items(path);
        if items.len() == 1 {
            return self.remove(path);
        }
        let home = self.subject.home_of(items.get(index)?.at)?;
        let others = items.iter().enumerate().filter(|(number, _)| *number != index);
        let now: Vec<serde_json::Value> = others.filter_map(|(_, item)| scalar_text(&item.data)).map(Into::into).collect();
        let operation = Operation { document: home.document, place: home.place, what: What::Remove };
        Some(Draft::new(self.subject.path(home.file), operation, self.change(path, Some(now.into()))))
    }

    /// A scalar is written otherwise, and renders as before.
    pub fn write(&self, home: &Home, text: &str) -> Option<Draft> {
        self.subject.node(home)?.text()?;
        let what = What::Set(Plain::Str(text.to_string()));
        let operation = Operation { document: home.document, place: home.place.clone(), what };
        Some(Draft::new(self.subject.path(home.file), operation, self.change("", None)).renders(Vec::new()))
    }

    /// One scalar of the sequence at a path is written otherwise; the rendered item then has `now` under a key.
    pub fn set_item(&self, path: &str, index: usize, written: String, key: &str, now: serde_json::Value) -> Option<Draft> {
        let home = self.subject.home_of(self.items(path).get(index)?.at)?;
        self.subject.node(&home)?.text()?;
        let operation = Operation { document: home.document, place: home.place, what: What::Set(Plain::Str(written)) };
        Some(Draft::new(self.subject.path(home.file), operation, self.change(&format!("{path}.{index}.{key}"), Some(now))))
    }

    /// A variable that its compose files set gets another value, in whichever form `environment` has.
    pub fn set_variable(&self, name: &str, value: &str) -> Option<Draft> {
        let there = self.value.get("environment")?.get(name)?;
        let home = self.subject.home_of(there.at)?;
        let text = match home.place.0.last()? {
            Seg::Key(_) => value.to_string(),
            Seg::Index(_) => format!("{name}={value}"),
        };
        // A variable's name may hold dots.
        let way = ["services", self.name, "environment", name];
        let change = Change { path: way.map(String::from).into(), now: Some(value.into()) };
        let operation = Operation { document: home.document, place: home.place, what: What::Set(Plain::Str(text)) };
        Some(Draft::new(self.subject.path(home.file), operation, change))
    }

    /// What stands at a path goes.
    pub fn remove(&self, path: &str) -> Option<Draft> {
        let home = self.subject.home_of(self.get(path)?.at)?;
        let operation = Operation { document: home.document, place: home.place, what: What::Remove };
        Some(Draft::new(self.subject.path(home.file), operation, self.change(path, None)))
    }

    /// What the rendered model has at a path of this service afterwards.
    pub fn change(&self, path: &str, now: Option<serde_json::Value>) -> Change {
        let way = ["services", self.name].into_iter().chain(path.split('.'));
        Change { path: way.map(String::from).collect(), now }
    }
}
