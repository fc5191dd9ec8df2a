use std::fmt;

use crate::yaml::{Data, Field, TIMESTAMP, Value};

use super::super::Fault;
use super::{BOOL, INT, Key, NULL, NUMBER, STRING, Shape, Takes};

/// The way to a value; written out only for an error.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    Root,
    Key(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Key(Place::Root, key) => f.write_str(key),
            Place::Key(around, key) => write!(f, "{around}.{key}"),
            Place::Item(around, number) => write!(f, "{around}[{number}]"),
        }
    }
}

/// Says where a value leaves its shape.
pub fn check(value: &Value, shape: &Shape, place: &Place) -> Result<(), Fault> {
    match shape {
        Shape::Any => Ok(()),
        Shape::OrNull(_) if value.data == Data::Null => Ok(()),
        Shape::OrNull(shape) => check(value, shape, place),
        Shape::Either(shapes) => match shapes.iter().find(|shape| fits(value, shape)) {
            Some(shape) => check(value, shape, place),
            None => Err(refuse(value, place, "has a form that Compose does not take here")),
        },
        Shape::Leaf(takes, _) => scalar(value, *takes, place),
        Shape::Enum(words) => {
            scalar(value, STRING, place)?;
            let known = value.as_str().is_some_and(|text| words.contains(&text));
            if known { Ok(()) } else { Err(refuse(value, place, &format!("must be one of {}", words.join(", ")))) }
        }
        Shape::Within(_, low, high) => {
            scalar(value, INT | STRING, place)?;
            let outside = matches!(value.data, Data::Int(number) if !(*low..=*high).contains(&number))
                || matches!(value.data, Data::Float(number) if number < *low as f64 || number > *high as f64);
            if outside { Err(refuse(value, place, &format!("must be from {low} to {high}"))) } else { Ok(()) }
        }
        Shape::Tested(test, wanted) => {
            scalar(value, STRING, place)?;
            if value.as_str().is_some_and(test) { Ok(()) } else { Err(refuse(value, place, &format!("must be {wanted}"))) }
        }
        Shape::List { of, unique } => list(value, of, *unique, place),
        Shape::Map { of, names } => each(value, place, |key, field| {
            extension(key, field, place)?;
            if *names && !is_name(key) {
                return Err(Fault::new(field.key, format!("{place}: a name consists of letters, digits, `.`, `_` and `-`")));
            }
            check(&field.value, of, &Place::Key(place, key))
        }),
        Shape::Record(keys) => record(value, keys, place),
        Shape::Dict { .. } | Shape::SshKeys => match &value.data {
            Data::Seq(_) => list(value, &super::TEXT, true, place),
            _ => each(value, place, |key, field| {
                extension(key, field, place)?;
                scalar(&field.value, STRING | NUMBER | BOOL | NULL, &Place::Key(place, key))
            }),
        },
        Shape::Hosts => match &value.data {
            Data::Seq(_) => list(value, &super::TEXT, true, place),
            _ => each(value, place, |key, field| {
                extension(key, field, place)?;
                check(&field.value, &HOST, &Place::Key(place, key))
            }),
        },
        Shape::Command if value.data == Data::Null => Ok(()),
        Shape::Command | Shape::Test => check(value, &WORDS, place),
        Shape::Ulimit => check(value, &ULIMIT, place),
        Shape::OneOrMany { of, unique } => match &value.data {
            Data::Seq(_) => list(value, of, *unique, place),
            _ => check(value, of, place),
        },
    }
}

const HOST: Shape = Shape::Either(&[super::TEXT, super::STRINGS]);
const WORDS: Shape = Shape::Either(&[super::TEXT, super::STRINGS]);
const ULIMIT: Shape = Shape::Either(&[LIMIT, Shape::Record(&[super::required("soft", LIMIT), super::required("hard", LIMIT)])]);
const LIMIT: Shape = Shape::Leaf(INT | STRING, super::Kind::Int);

/// Whether a value's kind (scalar, list, mapping) is that of a shape.
pub fn fits(value: &Value, shape: &Shape) -> bool {
    match shape {
        Shape::List { .. } => matches!(value.data, Data::Seq(_)),
        Shape::Map { .. } | Shape::Record(_) => matches!(value.data, Data::Map(_)),
        _ => !matches!(value.data, Data::Seq(_) | Data::Map(_)),
    }
}

fn scalar(value: &Value, takes: Takes, place: &Place) -> Result<(), Fault> {
    let is = match &value.data {
        Data::Null => NULL,
        Data::Bool(_) => BOOL,
        Data::Int(_) | Data::Uint(_) => INT | NUMBER,
        Data::Float(number) if number.fract() == 0.0 => INT | NUMBER,
        Data::Float(_) => NUMBER,
        // A date is neither text nor number to Compose.
        Data::Str(_) if value.tag.as_deref() == Some(TIMESTAMP) => 0,
        Data::Str(_) => STRING,
        Data::Seq(_) | Data::Map(_) => 0,
    };
    if is & takes != 0 {
        return Ok(());
    }
    let words = [(NULL, "null"), (BOOL, "true or false"), (INT, "an integer"), (NUMBER, "a number"), (STRING, "a string")];
    let wanted: Vec<&str> = words.iter().filter(|(bit, _)| takes & bit != 0).map(|(_, word)| *word).collect();
    Err(refuse(value, place, &format!("must be {}", wanted.join(" or "))))
}

fn list(value: &Value, of: &Shape, unique: bool, place: &Place) -> Result<(), Fault> {
    let Data::Seq(items) = &value.data else { return Err(refuse(value, place, "must be a list")) };
    for (n, item) in items.iter().enumerate() {
        check(item, of, &Place::Item(place, n))?;
    }
    if unique && let Some(twin) = twin(items) {
        return Err(refuse(twin, place, "holds the same entry twice"));
    }
    Ok(())
}

/// The first entry that stands in the list before.
fn twin(items: &[Value]) -> Option<&Value> {
    let mut texts: std::collections::HashSet<_, foldhash::fast::RandomState> = std::collections::HashSet::default();
    items.iter().enumerate().find_map(|(n, item)| {
        let again = match &item.data {
            Data::Str(text) => !texts.insert(text),
            _ => items[..n].iter().any(|other| same(&other.data, &item.data)),
        };
        again.then_some(item)
    })
}

/// Equal by content, wherever it stands. A number behind its own digits is equal too: so it is for
/// the schema library that Compose uses, though not the other way round.
fn same(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::Str(digits), Data::Int(number)) => digits.parse() == Ok(*number),
        (Data::Seq(a), Data::Seq(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.data, &b.data)),
        (Data::Map(a), Data::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(&a.value.data, &b.value.data)))
        }
        _ => a == b,
    }
}

fn each(value: &Value, place: &Place, mut test: impl FnMut(&str, &Field) -> Result<(), Fault>) -> Result<(), Fault> {
    let Data::Map(fields) = &value.data else { return Err(refuse(value, place, "must be a mapping")) };
    fields.iter().try_for_each(|(key, field)| test(key, field))
}

/// Compose takes a name that begins with `x-` for an extension, and prints it oddly, except in a few
/// places.
fn extension(key: &str, field: &Field, place: &Place) -> Result<(), Fault> {
    if !key.starts_with("x-") {
        return Ok(());
    }
    let user_named = match place {
        Place::Key(Place::Root, section) => matches!(*section, "services" | "volumes" | "networks" | "secrets" | "configs"),
        Place::Key(_, key) => *key == "depends_on",
        _ => false,
    };
    if !user_named {
        return Err(Fault::new(field.key, format!("not read yet: a name that begins with `x-` in {place}")));
    }
    Ok(())
}

fn record(value: &Value, keys: &[Key], place: &Place) -> Result<(), Fault> {
    each(value, place, |key, field| match keys.iter().find(|known| known.name == key) {
        Some(known) => check(&field.value, &known.shape, &Place::Key(place, key)),
        None if key.starts_with("x-") => Ok(()),
        None => Err(Fault::new(field.key, format!("{}: Compose knows no such key", Place::Key(place, key)))),
    })?;
    match keys.iter().find(|key| key.required && value.get(key.name).is_none()) {
        Some(missing) => Err(refuse(value, place, &format!("needs a `{}`", missing.name))),
        None => Ok(()),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn refuse(value: &Value, place: &Place, why: &str) -> Fault {
    Fault::new(value.at, format!("{place} {why}").trim_start().to_string())
}
