//! The new texts of compose files: other paths in the same form, entries that have become one, and what services
//! keep of their own; every other byte as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::loads::{Fate, Load};
use super::phase::survey::Survey;
use super::pins::Pin;
use crate::yaml::{Document, Limits, Operation, Place, Plain, ScalarEdit, What, Written, operate, read, verified};

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    pub path: PathBuf,
    pub before: String,
    pub after: String,
}

/// The files that change, and those that cannot be changed, in words.
pub fn rewrite(
    survey: &Survey<'_>,
    loads: &[Load],
    pins: &[Pin],
    explicit: bool,
    shown: &dyn Fn(&Path) -> String,
) -> (Vec<Rewritten>, Vec<String>) {
    let files: BTreeSet<&PathBuf> = loads.iter().map(|load| &load.file).chain(pins.iter().map(|pin| &pin.file)).collect();
    let (mut changed, mut left) = (Vec::new(), Vec::new());
    for path in files {
        let Some(source) = survey.views.iter().flat_map(|view| &view.model.sources).find(|source| source.path == *path) else { continue };
        let loads: Vec<&Load> = loads.iter().filter(|load| load.file == *path).collect();
        let pins: Vec<&Pin> = pins.iter().filter(|pin| pin.file == *path).collect();
        match file(&source.text, &loads, &pins, explicit) {
            Ok(after) if after == *source.text => {}
            Ok(after) => changed.push(Rewritten { path: path.clone(), before: source.text.to_string(), after }),
            Err(why) => left.push(format!("{}: {why}", shown(path))),
        }
    }
    (changed, left)
}

fn file(text: &str, loads: &[&Load], pins: &[&Pin], explicit: bool) -> Result<String, String> {
    let mut scalars = Vec::new();
    let mut operations: Vec<Operation> = Vec::new();
    for list in lists(loads) {
        if explicit {
            without(&list, &mut operations);
        } else {
            standardized(&list, &mut scalars, &mut operations);
        }
    }
    // Paths may stand in what an anchor shares: they change for all that share it, which is what is wanted.
    let text = verified(text, &scalars).map_err(|refusal| refusal.why)?;
    let documents = read(&text, Limits::default()).map_err(|error| error.why)?;
    for pin in pins {
        operations.extend(pinned(&documents, pin).ok_or_else(|| format!("no place is found for the environment of {}", pin.service))?);
    }
    gathered(&mut operations);
    operate(&text, &operations).map(|operated| operated.text).map_err(|refusal| refusal.why)
}

/// The entries of each `env_file`, in their order.
fn lists<'l>(loads: &[&'l Load]) -> Vec<Vec<&'l Load>> {
    let mut lists: BTreeMap<(usize, Place), Vec<&Load>> = BTreeMap::new();
    for load in loads {
        lists.entry((load.document, load.list())).or_default().push(load);
    }
    let mut lists: Vec<_> = lists.into_values().collect();
    lists.iter_mut().for_each(|list| list.sort_by_key(|load| load.span));
    lists
}

/// One entry names the root's `.env`; the others that would are gone.
fn standardized(list: &[&Load], scalars: &mut Vec<ScalarEdit>, operations: &mut Vec<Operation>) {
    if !list.iter().any(|load| matches!(load.fate, Fate::Legacy { .. })) {
        return;
    }
    let keeps = list.iter().position(|load| load.fate == Fate::Root);
    let keeps = keeps.or_else(|| list.iter().position(|load| matches!(load.fate, Fate::Legacy { .. })));
    for (number, load) in list.iter().enumerate() {
        match &load.fate {
            Fate::Stays(_) => {}
            Fate::Legacy { root } if keeps == Some(number) => {
                scalars.push(ScalarEdit { span: load.span, text: root.clone() });
                if load.raw {
                    operations.push(Operation { document: load.document, place: load.item().key("format"), what: What::Remove });
                }
            }
            _ if keeps == Some(number) => {}
            _ => operations.push(Operation { document: load.document, place: load.item(), what: What::Remove }),
        }
    }
}

/// Nothing is loaded any more but what stays.
fn without(list: &[&Load], operations: &mut Vec<Operation>) {
    let goes: Vec<&&Load> = list.iter().filter(|load| !matches!(load.fate, Fate::Stays(_))).collect();
    if goes.len() == list.len() {
        operations.extend(list.first().map(|load| Operation { document: load.document, place: load.list(), what: What::Remove }));
    } else {
        operations.extend(goes.iter().map(|load| Operation { document: load.document, place: load.item(), what: What::Remove }));
    }
}

/// The variable in the form that the service's environment has.
fn pinned(documents: &[Document], pin: &Pin) -> Option<Vec<Operation>> {
    let place = Place::default().key("services").key(&*pin.service);
    let (document, service) = documents.iter().enumerate().rev().find_map(|(n, document)| Some((n, place.find(&document.root)?)))?;
    let text = pin.text.expose();
    let what = match service.get("environment").map(|node| &node.data) {
        Some(Written::Seq { .. }) => What::Append(Plain::Str(format!("{}={text}", pin.name))),
        Some(_) => What::Add { key: pin.name.clone(), value: Plain::Str(text.to_string()) },
        None => {
            let value = Plain::Map(vec![(pin.name.clone(), Plain::Str(text.to_string()))]);
            return Some(vec![Operation { document, place, what: What::Add { key: "environment".into(), value } }]);
        }
    };
    Some(vec![Operation { document, place: place.key("environment"), what }])
}

/// Several variables of a service that has no environment yet make one.
fn gathered(operations: &mut Vec<Operation>) {
    let mut kept: Vec<Operation> = Vec::new();
    for operation in operations.drain(..) {
        let same = |known: &&mut Operation| known.document == operation.document && known.place == operation.place;
        if let What::Add { key, value: Plain::Map(more) } = &operation.what
            && key == "environment"
            && let Some(known) =
                kept.iter_mut().filter(same).find(|known| matches!(&known.what, What::Add { key, .. } if key == "environment"))
            && let What::Add { value: Plain::Map(fields), .. } = &mut known.what
        {
            let new: Vec<_> = more.iter().filter(|field| !fields.contains(field)).cloned().collect();
            fields.extend(new);
            continue;
        }
        kept.push(operation);
    }
    *operations = kept;
}
