//! Speech: what is shown to people and to programs. Nothing else in the tool prints.

pub mod answer;
pub mod audit;
pub mod backup;
mod backup_bench;
pub mod bench;
pub mod collect;
pub mod diff;
pub mod doctor;
pub mod downtime;
pub mod env;
pub mod everyday;
pub mod explain;
pub mod findings;
pub mod history;
pub mod images;
pub mod live;
pub mod markdown;
mod metrics;
pub mod page;
mod phases;
pub mod preflight;
pub mod production;
mod releases;
pub mod review;
pub mod rules;
pub mod runbook;
pub mod schedule;
mod status;
mod style;
pub mod summary;

pub use style::{Look, Style, harmless};

use std::io::{BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::Error;

/// Writes to standard output. A reader that went away (`| head`) is no failure of ours.
pub fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Writes a document to standard output as it is made, so that it is never held as a whole.
fn out_json(document: &impl serde::Serialize) {
    let mut stdout = BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    // A reader that went away is no failure of ours.
    let _ = serde_json::to_writer_pretty(&mut stdout, document);
    let _ = stdout.write_all(b"\n");
    let _ = stdout.flush();
}

/// Standard output as it is, for what is no text.
pub struct Raw;

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stdout().lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().lock().flush()
    }
}

/// Writes to standard error.
pub fn err(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
}

/// An error with its remedy.
pub fn error(error: &Error, look: Look) -> String {
    let mut text = look.line(Style::Bad, "Error", &error.to_string());
    if let Some(help) = &error.help {
        text.push_str(&look.line(Style::Info, "To do", help));
    }
    text
}

/// Asks a person at the terminal; `None` where there is none. Waiting ends as a no when `stop` says so.
pub fn ask(question: &str, stop: &dyn Fn() -> bool) -> Option<bool> {
    let answer = ask_line(&format!("{question} [y/N] "), stop)?;
    Some(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Asks a person at the terminal for a line; `None` where there is none. Waiting ends with an empty line
/// when `stop` says so.
pub fn ask_line(question: &str, stop: &dyn Fn() -> bool) -> Option<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    err(&harmless(question));
    // Looked at in short turns: a read would sleep through Ctrl-C.
    let mut waiting = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    while poll(&mut waiting, PollTimeout::from(100_u8)).unwrap_or(0) == 0 {
        if stop() {
            err("\n");
            return Some(String::new());
        }
    }
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    Some(answer)
}
