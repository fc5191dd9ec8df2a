use super::*;
use crate::yaml::{Place, Seg};

mod blocks;
mod flows;
mod gates;

/// A place from its text: `a.b[0].c`.
pub fn place(text: &str) -> Place {
    let parts = text.split(['.', '[']).filter(|part| !part.is_empty());
    let seg = |part: &str| match part.strip_suffix(']') {
        Some(index) => Seg::Index(index.parse().unwrap()),
        None => Seg::Key(part.to_string()),
    };
    Place(parts.map(seg).collect())
}

pub fn text(text: &str) -> Plain {
    Plain::Str(text.to_string())
}

pub fn seq(items: &[&str]) -> Plain {
    Plain::Seq(items.iter().map(|item| text(item)).collect())
}

pub fn map(entries: &[(&str, Plain)]) -> Plain {
    Plain::Map(entries.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect())
}

fn operation(at: &str, what: What) -> Operation {
    Operation { document: 0, place: place(at), what }
}

pub fn set(at: &str, value: Plain) -> Operation {
    operation(at, What::Set(value))
}

pub fn add(at: &str, key: &str, value: Plain) -> Operation {
    operation(at, What::Add { key: key.to_string(), value })
}

pub fn append(at: &str, item: &str) -> Operation {
    operation(at, What::Append(text(item)))
}

pub fn remove(at: &str) -> Operation {
    operation(at, What::Remove)
}

/// The text with the operations made; edits and text say the same.
pub fn done(source: &str, operations: &[Operation]) -> String {
    let operated = operate(source, operations).unwrap_or_else(|refusal| panic!("{}\n{source}", refusal.why));
    assert_eq!(apply(source, &operated.edits).unwrap(), operated.text);
    operated.text
}

pub fn refusal(source: &str, operations: &[Operation]) -> String {
    operate(source, operations).map(|operated| operated.text).expect_err(source).why
}
