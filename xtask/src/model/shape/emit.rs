use crate::yaml::{Data, Field, Fields, Origin, Value};

use super::super::text::scalar_text;
use super::super::{Fault, interpolate, merge, units, words};
use super::check::fits;
use super::{Empty, Key, Kind, Shape};

/// The value as the model holds it: typed, and without what Compose does not print.
pub fn emit(value: Value, shape: &Shape) -> Result<Value, Fault> {
    let at = value.at;
    let data = match (shape, value.data) {
        (_, Data::Null) if !matches!(shape, Shape::Dict { .. } | Shape::Leaf(..)) => Data::Null,
        (Shape::Any, data) => extension(data, at)?,
        (Shape::Enum(_) | Shape::Tested(..), data) => data,
        (Shape::OrNull(shape), data) => return emit(Value { data, ..value_at(at) }, shape),
        (Shape::Either(shapes), data) => {
            let value = Value { data, ..value_at(at) };
            let shape = shapes.iter().find(|shape| fits(&value, shape));
            return shape.map_or(Ok(value_at(at)), |shape| emit(value, shape));
        }
        (Shape::Leaf(_, kind) | Shape::Within(kind, ..), data) => leaf(data, *kind).map_err(|why| Fault::new(at, why))?,
        (Shape::List { of, .. }, Data::Seq(items)) => Data::Seq(items.into_iter().map(|item| emit(item, of)).collect::<Result<_, _>>()?),
        (Shape::Map { of, .. }, Data::Map(fields)) => {
            let mut shown = Fields::with_capacity_and_hasher(fields.len(), Default::default());
            for (key, field) in fields {
                shown.insert(key, Field { key: field.key, value: emit(field.value, of)? });
            }
            Data::Map(shown)
        }
        (Shape::Record(keys), Data::Map(fields)) => Data::Map(record(at, fields, keys)?),
        (Shape::Dict { nulls }, data) => Data::Map(dict(merge::dict(Value { data, ..value_at(at) }), *nulls)),
        (Shape::Hosts, data) => hosts(Value { data, ..value_at(at) })?,
        (Shape::Command, Data::Str(text)) => match words::split(&text) {
            Some(words) => Data::Seq(words.into_iter().map(|word| Value { data: Data::Str(word), ..value_at(at) }).collect()),
            None => return Err(Fault::new(at, "the quotes of this command do not close")),
        },
        (Shape::Test, Data::Str(text)) => {
            let words = ["CMD-SHELL".to_string(), text];
            Data::Seq(words.into_iter().map(|word| Value { data: Data::Str(word), ..value_at(at) }).collect())
        }
        (Shape::Ulimit, data @ Data::Map(_)) => {
            const SIDES: Shape = Shape::Record(&[super::key("soft", LIMIT), super::key("hard", LIMIT)]);
            return emit(Value { data, ..value_at(at) }, &SIDES);
        }
        (Shape::Ulimit, data) => match leaf(data, Kind::Int).map_err(|why| Fault::new(at, why))? {
            Data::Int(0) => Data::Map(Fields::default()),
            limit => limit,
        },
        (Shape::OneOrMany { of, .. }, data) => {
            let items = if let Data::Seq(items) = data { items } else { vec![Value { data, ..value_at(at) }] };
            Data::Seq(items.into_iter().map(|item| emit(item, of)).collect::<Result<_, _>>()?)
        }
        (Shape::SshKeys, data) => ssh_keys(Value { data, ..value_at(at) })?,
        (_, data) => data,
    };
    Ok(Value { at, tag: None, data })
}

/// An empty list under an `x-` key is printed as null; JSON has no infinity.
fn extension(data: Data, at: Origin) -> Result<Data, Fault> {
    let inner = |value: Value| Ok(Value { data: extension(value.data, value.at)?, ..value_at(value.at) });
    Ok(match data {
        Data::Seq(items) if items.is_empty() => Data::Null,
        Data::Seq(items) => Data::Seq(items.into_iter().map(inner).collect::<Result<_, Fault>>()?),
        Data::Map(fields) => {
            let field = |(key, field): (String, Field)| Ok((key, Field { key: field.key, value: inner(field.value)? }));
            Data::Map(fields.into_iter().map(field).collect::<Result<_, Fault>>()?)
        }
        Data::Float(value) if !value.is_finite() => return Err(Fault::new(at, "Compose cannot print this number")),
        other => other,
    })
}

const LIMIT: Shape = Shape::Leaf(0, Kind::Int);

fn value_at(at: Origin) -> Value {
    Value { at, ..Value::default() }
}

fn record(at: Origin, mut fields: Fields, keys: &[Key]) -> Result<Fields, Fault> {
    let mut shown = Fields::with_capacity_and_hasher(keys.len().min(fields.len() + 2), Default::default());
    for key in keys {
        let written = fields.swap_remove(key.name);
        let field = match written {
            Some(field) if key.empty != Empty::Drop => Field { key: field.key, value: emit(field.value, &key.shape)? },
            // Most keys of a service are not written, and then not shown.
            None if matches!(key.empty, Empty::Omit | Empty::Keep) => continue,
            _ => Field { key: at, value: value_at(at) },
        };
        let field = match (key.empty, &field.value.data) {
            (Empty::Record, Data::Null) => {
                Field { key: field.key, value: emit(Value { data: Data::Map(Fields::default()), ..value_at(at) }, &key.shape)? }
            }
            (Empty::Null, _) => field,
            (Empty::Keep, data) if *data != Data::Null => field,
            (_, data) if is_empty(data, &key.shape) => continue,
            _ => field,
        };
        shown.insert(key.shown.to_string(), field);
    }
    Ok(shown)
}

/// What Go's `omitempty` leaves out.
fn is_empty(data: &Data, shape: &Shape) -> bool {
    match data {
        Data::Null => true,
        Data::Bool(value) => !value,
        Data::Int(value) => *value == 0,
        Data::Uint(value) => *value == 0,
        Data::Float(value) => *value == 0.0,
        Data::Str(text) => match shape {
            Shape::Leaf(_, Kind::Bytes) | Shape::Within(Kind::Bytes, ..) => text == "0",
            Shape::Leaf(_, Kind::Duration) => text == "0s",
            _ => text.is_empty(),
        },
        Data::Seq(items) => items.is_empty(),
        Data::Map(fields) => fields.is_empty() && !is_record(shape),
    }
}

/// Records stand for structs, which are shown when they are empty.
fn is_record(shape: &Shape) -> bool {
    match shape {
        Shape::Record(_) => true,
        Shape::OrNull(shape) => is_record(shape),
        Shape::Either(shapes) => shapes.iter().any(is_record),
        _ => false,
    }
}

fn leaf(data: Data, kind: Kind) -> Result<Data, &'static str> {
    Ok(match (kind, data) {
        (Kind::Text, data) => Data::Str(scalar_text(&data).unwrap_or_default()),
        (Kind::Word, Data::Null) => Data::Str(String::new()),
        (Kind::Word, data @ (Data::Str(_) | Data::Int(_))) => Data::Str(scalar_text(&data).unwrap_or_default()),
        (_, Data::Null) => Data::Null,
        (Kind::Bool, Data::Bool(value)) => Data::Bool(value),
        (Kind::Bool, Data::Str(text)) => Data::Bool(interpolate::boolean(&text).ok_or("must be true or false")?),
        (Kind::Int, data) => Data::Int(integer(&data).ok_or("must be an integer")?),
        (Kind::Uint, data) => Data::Int(integer(&data).filter(|n| *n >= 0).ok_or("must be an integer that is not negative")?),
        (Kind::Float, data) => Data::Float(float32(&data).ok_or("must be a number")?),
        // Compose forgets a size that is written as a fraction.
        (Kind::Bytes, Data::Float(_)) => Data::Str("0".into()),
        (Kind::Bytes, Data::Str(text)) => Data::Str(units::bytes(&text).ok_or("must be a size such as 512m")?.to_string()),
        (Kind::Bytes, data) => Data::Str(integer(&data).ok_or("must be a size such as 512m")?.to_string()),
        (Kind::Duration, Data::Str(text)) => {
            Data::Str(units::duration_text(units::duration(&text).ok_or("must be a duration such as 1m30s")?))
        }
        (Kind::Mode, Data::Int(mode)) => Data::Str(format!("0{mode:o}")),
        (Kind::Mode, Data::Str(text)) => Data::Str(format!("0{:o}", i64::from_str_radix(&text, 8).map_err(|_| "must be an octal mode")?)),
        (Kind::Count, Data::Str(text)) if text == "all" => Data::Int(-1),
        (Kind::Count, data) => Data::Int(integer(&data).ok_or("must be `all` or an integer")?),
        _ => return Err("has a type that Compose cannot use here"),
    })
}

fn integer(data: &Data) -> Option<i64> {
    match data {
        Data::Int(value) => Some(*value),
        Data::Uint(value) => i64::try_from(*value).ok(),
        Data::Float(value) if value.is_finite() => Some(*value as i64),
        Data::Str(text) => text.parse().ok(),
        _ => None,
    }
}

/// Rounded to 32 bits, in the digits that such a float prints.
fn float32(data: &Data) -> Option<f64> {
    let value = match data {
        Data::Str(text) => units::float(text)?,
        Data::Int(value) => *value as f64,
        Data::Float(value) => *value,
        _ => return None,
    };
    (value as f32).to_string().parse().ok()
}

fn dict(fields: Fields, nulls: bool) -> Fields {
    let text = |value: Value| {
        let data = match scalar_text(&value.data) {
            Some(text) => Data::Str(text),
            None if nulls => Data::Null,
            None => Data::Str(String::new()),
        };
        Value { at: value.at, tag: None, data }
    };
    fields.into_iter().map(|(key, field)| (key, Field { key: field.key, value: text(field.value) })).collect()
}

/// Hosts as a sorted list of `name=address`, brackets around addresses taken off.
fn hosts(value: Value) -> Result<Data, Fault> {
    let mut shown = Vec::new();
    for item in merge::host_list(value) {
        let text = scalar_text(&item.data).unwrap_or_default();
        let (host, addresses) = text
            .split_once('=')
            .or_else(|| text.split_once(':'))
            .ok_or_else(|| Fault::new(item.at, "a host needs an address: `name:address`"))?;
        if host.is_empty() || host.contains([':', '=']) {
            return Err(Fault::new(item.at, "this is no host's name"));
        }
        for address in addresses.split(',') {
            let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).filter(|a| !a.is_empty()).unwrap_or(address);
            shown.push(Value { data: Data::Str(format!("{host}={bare}")), ..value_at(item.at) });
        }
    }
    shown.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(Data::Seq(shown))
}

/// The agent's keys by id. Compose cannot print one with a path as JSON, and fails.
fn ssh_keys(value: Value) -> Result<Data, Fault> {
    let mut ids = Vec::new();
    for (id, field) in merge::dict(value) {
        if scalar_text(&field.value.data).is_some_and(|path| !path.is_empty()) {
            return Err(Fault::new(field.value.at, "not read yet: an ssh key with a path, which Compose does not render"));
        }
        ids.push(Value { data: Data::Str(id), ..value_at(field.key) });
    }
    ids.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(Data::Seq(ids))
}
