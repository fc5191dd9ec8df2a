//! Everything that happened, for one JSON document at the end.

use std::cell::RefCell;

use serde::Serialize;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::error::{Error, Result};
use crate::event::{Event, Sink};

/// The version of the document's shape.
const SCHEMA: u32 = 1;

#[derive(Default)]
pub struct Collect {
    events: RefCell<Vec<Event>>,
}

impl Sink for Collect {
    fn emit(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }
}

/// The document; `result` is null after an error, and the reverse.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    exit: u8,
    result: Option<Answer>,
    error: Value,
    events: &'a [Event],
}

impl Collect {
    /// Prints `{schema, exit, result, error, events}`.
    pub fn print(&self, exit: u8, ended: Result<Answer>) {
        let (result, error) = match ended {
            Ok(answer) => (Some(answer), Value::Null),
            Err(error) => (None, described(&error)),
        };
        let document = Document { schema: SCHEMA, exit, result, error, events: &self.events.borrow() };
        super::out_json(&document);
        if let Some(answer) = document.result {
            answer.leave();
        }
    }
}

fn described(error: &Error) -> Value {
    let at = error.at.as_ref().map(|at| json!({"path": at.path, "line": at.line, "column": at.column}));
    json!({"what": error.what, "at": at, "why": error.why, "help": error.help})
}
