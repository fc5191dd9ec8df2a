//! Lines of logs as they come.

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal, Write};

use crate::report::{Look, harmless};
use crate::tasks::everyday::LogLine;

/// Cyan, yellow, green, magenta, blue and their bright sisters: what is readable on dark and light.
const COLOURS: [u8; 10] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];
const WIDEST: usize = 24;

/// Prints one line after the other to standard output.
pub struct Printer {
    colour: bool,
    json: bool,
    services: RefCell<Vec<String>>,
    width: Cell<usize>,
}

impl Printer {
    pub fn new(look: Look, json: bool) -> Self {
        let colour = look.colour && std::io::stdout().is_terminal();
        Printer { colour, json, services: RefCell::default(), width: Cell::new(0) }
    }

    /// Which services there are: the names decide the width, their order the colours.
    pub fn names(&self, services: &[String]) {
        let mut known = services.to_vec();
        known.sort();
        known.dedup();
        self.width.set(known.iter().map(|name| name.chars().count()).max().unwrap_or_default().min(WIDEST));
        self.services.replace(known);
    }

    /// `false`: nobody reads any more.
    pub fn print(&self, line: &LogLine) -> bool {
        let text = if self.json { json(line) } else { self.human(line) };
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
    }

    fn human(&self, line: &LogLine) -> String {
        let width = self.width.get();
        let name = harmless(&line.service);
        let (name, text) = (format!("{name:<width$}"), harmless(&line.text));
        if !self.colour {
            return format!("{name} | {text}\n");
        }
        let at = self.services.borrow().iter().position(|known| *known == line.service).unwrap_or_default();
        format!("\u{1b}[{}m{name} |\u{1b}[0m {text}\n", COLOURS[at % COLOURS.len()])
    }
}

fn json(line: &LogLine) -> String {
    serde_json::to_string(line).map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(service: &str, text: &str) -> LogLine {
        LogLine {
            at: "2026-11-21T22:07:14.000000000Z".into(),
            stack: "dev".into(),
            service: service.into(),
            container: format!("p-{service}-1"),
            stderr: false,
            text: text.into(),
        }
    }

    #[test]
    fn names_align_and_keep_their_colour() {
        let look = Look { colour: false, live: false, quiet: false, verbose: false };
        let mut printer = Printer::new(look, false);
        printer.names(&["web".into(), "worker".into()]);
        assert_eq!(printer.human(&line("web", "up\u{1b}[2J")), "web    | up\\u{1b}[2J\n");
        printer.colour = true;
        assert_eq!(printer.human(&line("worker", "up")), "\u{1b}[33mworker |\u{1b}[0m up\n");
        assert_eq!(
            json(&line("web", "a \"b\"")),
            "{\"at\":\"2026-11-21T22:07:14.000000000Z\",\"stack\":\"dev\",\"service\":\"web\",\"container\":\"p-web-1\",\"stderr\":false,\"text\":\"a \\\"b\\\"\"}\n"
        );
    }
}
