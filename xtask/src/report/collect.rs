//! Everything that happened, for one JSON document at the end.

use std::cell::RefCell;

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

impl Collect {
    /// `{schema, exit, result, error, events}`; `result` is null after an error, and the reverse.
    pub fn document(&self, exit: u8, ended: Result<Answer>) -> String {
        let (result, error) = match ended {
            Ok(answer) => (answer.json(), Value::Null),
            Err(error) => (Value::Null, described(&error)),
        };
        let events = serde_json::to_value(&*self.events.borrow()).unwrap_or(Value::Null);
        let document = json!({"schema": SCHEMA, "exit": exit, "result": result, "error": error, "events": events});
        format!("{document:#}\n")
    }
}

fn described(error: &Error) -> Value {
    let at = error.at.as_ref().map(|at| json!({"path": at.path, "line": at.line, "column": at.column}));
    json!({"what": error.what, "at": at, "why": error.why, "help": error.help})
}
