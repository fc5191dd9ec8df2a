//! `extends`: a service laid over another one, of the same file or of another.

use std::rc::Rc;
use std::sync::Arc;

use crate::error::Result;
use crate::yaml::{Data, Fields, Origin, VALUE_LIMIT, Value};

use super::loader::{Loader, Scope, Wanted};
use super::paths::is_fetched;
use super::resets::Resets;
use super::{gopath, merge};

/// How many services may extend one another in a row.
const DEPTH_LIMIT: usize = 100;

/// The services of a file that others extend, as they are written there.
pub struct Extended {
    root: Value,
    resets: Resets,
}

/// What leads to a service: the file it extends as it is named, and the extending service.
type Way = Vec<(String, String)>;

/// Where services are looked up.
struct Place<'p> {
    services: &'p Fields,
    /// Of the file; nothing where Compose does not heed them.
    resets: Option<&'p Resets>,
    /// The file that Compose reads; the one it extends does not count.
    file: &'p str,
    /// These services are of a file that is extended.
    foreign: bool,
    scope: &'p Scope,
}

/// What `extends` names.
struct Reference<'v> {
    service: &'v str,
    file: Option<(&'v str, Origin)>,
    at: Origin,
}

/// Replaces every service of a document that extends another.
pub fn apply(loader: &mut Loader, root: &mut Value, file: &str, scope: &Scope, resets: &Resets) -> Result<()> {
    let Some(services) = root.get_mut("services").and_then(Value::as_map_mut) else { return Ok(()) };
    let extending: Vec<String> =
        services.iter().filter(|(_, field)| field.value.get("extends").is_some()).map(|(name, _)| name.clone()).collect();
    let mut whole = Vec::with_capacity(extending.len());
    for name in extending {
        let place = Place { services, resets: Some(resets), file, foreign: false, scope };
        if let Some(service) = place.service(loader, &name, &mut Way::new())? {
            whole.push((name, service));
        }
    }
    for (name, service) in whole {
        if let Some(field) = services.get_mut(&name) {
            field.value = service;
        }
    }
    Ok(())
}

impl Place<'_> {
    /// A service with all that it extends; nothing for one without a definition.
    fn service(&self, loader: &mut Loader, name: &str, way: &mut Way) -> Result<Option<Value>> {
        let Some(field) = self.services.get(name).filter(|field| field.value.data != Data::Null) else { return Ok(None) };
        let service = &field.value;
        if service.as_map().is_none() {
            return Err(loader.reader.error(service.at, &format!("services.{name} must be a mapping")));
        }
        let Some(extends) = service.get("extends") else { return copy(loader, service).map(Some) };
        let reference = reference(extends).ok_or_else(|| {
            loader.reader.error(extends.at, &format!("services.{name}.extends needs the name of a service, or `service` and `file`"))
        })?;
        if way.len() >= DEPTH_LIMIT {
            return Err(loader.reader.error(extends.at, "more than 100 services extend one another"));
        }
        let base = match reference.file {
            Some(file) => self.of_file(loader, name, &reference, file, way)?,
            None => {
                self.there(loader, self.services, &reference)?;
                self.step(loader, self.file, name, &reference, way)?;
                let base = self.beyond().service(loader, reference.service, way)?;
                way.pop();
                base
            }
        };
        let mut own = copy(loader, service)?;
        let Some(mut base) = base else { return Ok(Some(own)) };
        if let Some(resets) = self.resets {
            resets.apply(&mut base, &["services", name]);
        }
        if let Some(fields) = own.as_map_mut() {
            fields.shift_remove("extends");
        }
        if let Some(fields) = base.as_map_mut() {
            fields.shift_remove("extends");
        }
        let merged = merge::extend(base, own);
        loader.located(merged).map(Some)
    }

    /// This place for a service that one of it extends. In a file that is extended, Compose heeds the
    /// tags of the first service only. In its own file that depends on the order in which it happens
    /// to look at the services; here they always count.
    fn beyond(&self) -> Place<'_> {
        Place { resets: self.resets.filter(|_| !self.foreign), ..*self }
    }

    fn of_file(
        &self,
        loader: &mut Loader,
        name: &str,
        reference: &Reference,
        (file, at): (&str, Origin),
        way: &mut Way,
    ) -> Result<Option<Value>> {
        let extended = base(loader, file, at, self.scope)?;
        let Some(services) = extended.root.get("services").and_then(Value::as_map) else {
            return Err(loader.reader.error(at, &format!("{file} has no services")));
        };
        self.there(loader, services, reference)?;
        self.step(loader, file, name, reference, way)?;
        let place = Place { services, resets: Some(&extended.resets), file: self.file, foreign: true, scope: self.scope };
        let base = place.service(loader, reference.service, way)?;
        way.pop();
        Ok(base)
    }

    fn there(&self, loader: &Loader, services: &Fields, reference: &Reference) -> Result<()> {
        if services.contains_key(reference.service) {
            return Ok(());
        }
        Err(loader.reader.error(reference.at, &format!("the service {} to extend is not defined", reference.service)))
    }

    /// Compose knows a cycle by the names of the base's file and of the extending service.
    fn step(&self, loader: &Loader, file: &str, name: &str, reference: &Reference, way: &mut Way) -> Result<()> {
        let step = (file.to_string(), name.to_string());
        if way.contains(&step) {
            return Err(loader.reader.error(reference.at, "this service extends itself, by way of others"));
        }
        way.push(step);
        Ok(())
    }
}

fn reference(extends: &Value) -> Option<Reference<'_>> {
    match &extends.data {
        Data::Str(service) => Some(Reference { service, file: None, at: extends.at }),
        Data::Map(_) => {
            let service = extends.get("service")?;
            let file = match extends.get("file") {
                None | Some(Value { data: Data::Null, .. }) => None,
                Some(file) => Some((file.as_str()?, file.at)),
            };
            Some(Reference { service: service.as_str()?, file, at: service.at })
        }
        _ => None,
    }
}

/// The file that a service extends, read once.
fn base(loader: &mut Loader, file: &str, at: Origin, scope: &Scope) -> Result<Rc<Extended>> {
    let path = gopath::absolute(&scope.lookup, file);
    if is_fetched(file) {
        return Err(loader.reader.error(at, "this file is fetched over the network, which is not done here"));
    }
    let working = Loader::folder_of(file, scope);
    let key = (path.clone(), working.clone(), Arc::as_ptr(&scope.variables) as usize);
    if let Some(known) = loader.extended.get(&key) {
        return Ok(known.clone());
    }
    let (root, resets) = loader.base_file(&Wanted { path, at: Some(at) }, &working, scope)?;
    let extended = Rc::new(Extended { root, resets });
    loader.extended.insert(key, extended.clone());
    Ok(extended)
}

/// Extending copies; a file that copies without end is refused.
fn copy(loader: &mut Loader, value: &Value) -> Result<Value> {
    loader.copied += size(value);
    if loader.copied > VALUE_LIMIT {
        return Err(loader.reader.error(value.at, "extending multiplies this stack beyond 250,000 values"));
    }
    Ok(value.clone())
}

fn size(value: &Value) -> usize {
    1 + match &value.data {
        Data::Seq(items) => items.iter().map(size).sum(),
        Data::Map(fields) => fields.values().map(|field| size(&field.value)).sum(),
        _ => 0,
    }
}
