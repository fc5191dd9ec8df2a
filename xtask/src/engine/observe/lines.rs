//! From the pieces of a log to its lines, each with the engine's time.

use bollard::container::LogOutput;

use crate::engine::wait::clock;

/// A program that never ends its line is cut here.
const LONGEST_BYTES: usize = 1 << 20;

/// One line of a container's log, not masked yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The engine's time with nanoseconds: `2026-11-21T22:07:14.123456789Z`. Times of one engine sort as
    /// text.
    pub at: String,
    pub stderr: bool,
    pub text: String,
}

/// Puts the pieces of one log together. The engine cuts long lines and stamps every piece of them.
#[derive(Default)]
pub(super) struct Lines {
    stdout: Begun,
    stderr: Begun,
}

#[derive(Default)]
struct Begun {
    at: String,
    text: Vec<u8>,
}

impl Lines {
    pub(super) fn feed(&mut self, piece: LogOutput) -> Vec<Line> {
        let stderr = matches!(piece, LogOutput::StdErr { .. });
        let begun = if stderr { &mut self.stderr } else { &mut self.stdout };
        let bytes = piece.into_bytes();
        bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|part| begun.add(part, stderr)).collect()
    }

    /// What was said without an end of line.
    pub(super) fn finish(mut self) -> Vec<Line> {
        [self.stdout.end(false), self.stderr.end(true)].into_iter().flatten().collect()
    }
}

impl Begun {
    fn add(&mut self, part: &[u8], stderr: bool) -> Option<Line> {
        let (stamp, text) = stamp(part);
        if self.at.is_empty() {
            self.at = stamp.unwrap_or_default().to_string();
        }
        self.text.extend_from_slice(text);
        let whole = self.text.ends_with(b"\n") || self.text.len() >= LONGEST_BYTES;
        if whole { self.end(stderr) } else { None }
    }

    fn end(&mut self, stderr: bool) -> Option<Line> {
        let Begun { at, text } = std::mem::take(self);
        let text = String::from_utf8_lossy(&text);
        let none = at.is_empty() && text.is_empty();
        (!none).then(|| Line { at, stderr, text: text.trim_end_matches(['\n', '\r']).to_string() })
    }
}

fn stamp(part: &[u8]) -> (Option<&str>, &[u8]) {
    let space = part.iter().take(40).position(|byte| *byte == b' ');
    let stamp = space.and_then(|space| std::str::from_utf8(&part[..space]).ok()).filter(|stamp| clock::seconds(stamp).is_some());
    (stamp, stamp.map_or(part, |stamp| &part[stamp.len() + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-21T22:07:14.123456789Z";
    const LATER: &str = "2026-11-21T22:07:15.000000000Z";

    fn out(text: String) -> LogOutput {
        LogOutput::StdOut { message: text.into() }
    }

    fn told(lines: &[Line]) -> Vec<(&str, bool, &str)> {
        lines.iter().map(|line| (line.at.as_str(), line.stderr, line.text.as_str())).collect()
    }

    #[test]
    fn a_line_in_pieces_has_the_time_of_its_first() {
        let mut lines = Lines::default();
        assert!(lines.feed(out(format!("{AT} one "))).is_empty());
        let told_meanwhile = lines.feed(LogOutput::StdErr { message: format!("{LATER} apart\n").into() });
        assert_eq!(told(&told_meanwhile), [(LATER, true, "apart")]);
        assert_eq!(told(&lines.feed(out(format!("{LATER} and two\n")))), [(AT, false, "one and two")]);
        assert_eq!(told(&lines.finish()), []);
    }

    #[test]
    fn a_terminal_s_line_ends_and_an_unended_last_one_are_lines() {
        let mut lines = Lines::default();
        assert_eq!(told(&lines.feed(LogOutput::Console { message: format!("{AT} a b\r\n").into() })), [(AT, false, "a b")]);
        assert_eq!(told(&lines.feed(out(format!("{AT} \n")))), [(AT, false, "")]);
        lines.feed(out(format!("{AT} no end")));
        assert_eq!(told(&lines.finish()), [(AT, false, "no end")]);
    }
}
