//! Changes of a document at places as written.
use super::{Place, Refusal};
use crate::text::TextEdit;

#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub document: usize,
    pub place: Place,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Set(Plain),
    Add { key: String, value: Plain },
    Append(Plain),
    Remove,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Str(String),
    Seq(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operated {
    pub text: String,
    pub edits: Vec<TextEdit>,
}

pub fn operate(_source: &str, _operations: &[Operation]) -> Result<Operated, Refusal> {
    Err(Refusal { span: crate::text::Span::default(), why: "later".into() })
}
