//! Speech: what is shown to people and to programs. Nothing else in the tool prints.

pub mod diff;
pub mod findings;
pub mod live;
mod style;

pub use style::{Look, Style};

use std::io::Write;

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
