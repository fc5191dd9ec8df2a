//! A place where a value stands under a key: what every rule about credentials looks at.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use super::evidence::{Form, UrlParts};
use crate::catalogue::KeyShape;
use crate::dotenv::Entry;
use crate::yaml::{Document, Origin, Value};

/// One compose file, read.
#[derive(Debug, Clone, Copy)]
pub struct ComposeSource<'a> {
    /// As findings name it.
    pub path: &'a Path,
    /// The file's number in the origins of `values`.
    pub file: u32,
    pub text: &'a str,
    pub documents: &'a [Document],
    /// The documents, expanded.
    pub values: &'a [Value],
}

/// One env file that a stack names, read.
#[derive(Debug, Clone, Copy)]
pub struct EnvSource<'a> {
    pub path: &'a Path,
    pub file: u32,
    pub text: &'a str,
    pub entries: &'a [Entry],
    /// `format: raw`: a dollar is a dollar.
    pub raw: bool,
    /// Git tracks it. What git does not see is where credentials belong.
    pub tracked: bool,
    /// The services that load it.
    pub services: &'a [String],
}

/// A longer text was written by no person; it is searched for tokens only.
pub(super) const LONGEST_READ: usize = 64 << 10;

/// The way to a place, from its end: thousands of places are looked at for each that is told of.
#[derive(Debug)]
pub enum Way<'a> {
    Start(&'a str),
    Key(Rc<Way<'a>>, &'a str),
    Item(Rc<Way<'a>>, usize),
}

impl<'a> Way<'a> {
    pub fn start(key: &'a str) -> Rc<Self> {
        Rc::new(Way::Start(key))
    }

    pub fn key(self: &Rc<Self>, key: &'a str) -> Rc<Self> {
        Rc::new(Way::Key(self.clone(), key))
    }

    pub fn item(self: &Rc<Self>, number: usize) -> Rc<Self> {
        Rc::new(Way::Item(self.clone(), number))
    }

    /// The last key on it, behind which there may be numbers.
    pub fn last_key(&self) -> &'a str {
        match self {
            Way::Start(key) | Way::Key(_, key) => key,
            Way::Item(before, _) => before.last_key(),
        }
    }
}

/// `services.db.environment[0]`.
impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Start(key) => f.write_str(key),
            Way::Key(before, key) => write!(f, "{before}.{key}"),
            Way::Item(before, number) => write!(f, "{before}[{number}]"),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Site<'a> {
    pub key: Cow<'a, str>,
    pub shape: KeyShape,
    pub form: Form,
    pub place: Rc<Way<'a>>,
    pub services: Vec<&'a str>,
    pub scalar: Origin,
    /// The decoded text of the scalar, and the part of it that is the key's value.
    pub text: &'a str,
    pub value: Range<usize>,
    /// A shell reads it before a program does.
    pub in_shell: bool,
    /// The value is taken as it is: no variable is replaced in it.
    pub verbatim: bool,
    /// The file only shows what could stand in another.
    pub example: bool,
    /// Set for a value inside a connection string.
    pub connection: Option<UrlParts>,
}

impl Site<'_> {
    pub fn value(&self) -> &str {
        &self.text[self.value.clone()]
    }
}
