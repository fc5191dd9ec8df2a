//! Speech: what is shown to people and to programs. Nothing else in the tool prints.

pub mod diff;
pub mod doctor;
pub mod findings;
pub mod history;
pub mod live;
mod style;

pub use style::{Look, Style};

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::error::{Error, Result};

/// Writes to standard output. A reader that went away (`| head`) is no failure of ours.
pub fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Writes to standard error.
pub fn err(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
}

/// Writes bytes that are made for programs: a completion script, a manual page.
pub fn bytes(content: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(content);
}

/// Writes one JSON document to standard output.
pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::failed("write JSON").why(error.to_string()))?;
    out(&format!("{text}\n"));
    Ok(())
}

/// Asks a person at the terminal; `None` where there is none.
pub fn ask(question: &str) -> Option<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    err(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim(), "y" | "Y" | "yes"))
}
