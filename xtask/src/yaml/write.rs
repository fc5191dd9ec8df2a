//! How a new text is written where a scalar stands: in its own style where that reads back.

use std::ops::Range;

use super::{Limits, Resolved, Style, read, resolve};

/// A run of a scalar's source and the part of its decoded text that it stands for.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    decoded: Range<usize>,
    source: Range<usize>,
    /// The same bytes on both sides, so that a cut may fall inside.
    verbatim: bool,
}

/// The source of a scalar that reads as `new`, or `None` when none is known to be right. `source` is
/// what stands there now and reads as `old`.
pub(super) fn rewritten(source: &str, old: &str, new: &str, style: Style, in_flow: bool) -> Option<String> {
    let block = matches!(style, Style::Literal | Style::Folded);
    let spliced = spliced(source, old, new, style, in_flow);
    if block {
        // Whether it reads back depends on the lines around it: the caller checks the whole document.
        return spliced;
    }
    let mut candidates = Vec::from_iter(spliced);
    if style == Style::Plain && plain_is_safe(new, in_flow) {
        candidates.push(new.to_string());
    }
    let single = can_be_single(new).then(|| format!("'{}'", new.replace('\'', "''")));
    let double = format!("\"{}\"", escaped(new));
    let needs_no_escape = new.contains('\'') && double.len() == new.len() + 2;
    match style {
        Style::Plain if needs_no_escape => candidates.push(double),
        Style::Plain | Style::SingleQuoted => candidates.extend(single.into_iter().chain([double])),
        _ => candidates.push(double),
    }
    candidates.into_iter().find(|candidate| reads_as(candidate, new, in_flow))
}

/// The old source with only the changed part replaced, everything around it byte for byte.
fn spliced(source: &str, old: &str, new: &str, style: Style, in_flow: bool) -> Option<String> {
    let (gone, come) = difference(old, new);
    let come = &new[come];
    let come = match style {
        Style::Plain => plain_is_safe(&new.replace('\n', " "), in_flow).then(|| come.to_string()).filter(|c| !c.contains('\n'))?,
        Style::SingleQuoted => can_be_single(come).then(|| come.replace('\'', "''"))?,
        Style::DoubleQuoted => escaped(come),
        Style::Literal | Style::Folded => can_be_single(come).then(|| come.to_string())?,
    };
    let at = written_at(source, old, style, gone)?;
    Some(format!("{}{come}{}", &source[..at.start], &source[at.end..]))
}

/// The bytes of a scalar's source that stand for a part of its text. Only a part inside one line: a
/// change of it leaves the lines as they are.
pub(super) fn written_at(source: &str, text: &str, style: Style, part: Range<usize>) -> Option<Range<usize>> {
    let pieces = match style {
        Style::Literal | Style::Folded => block_pieces(source, text)?,
        _ => flow_pieces(source, text, style)?,
    };
    source_range(&pieces, part).filter(|at| !source[at.clone()].contains(['\n', '\r']))
}

/// What is left when the common beginning and end are taken off.
fn difference(old: &str, new: &str) -> (Range<usize>, Range<usize>) {
    let head: usize = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let both = old_rest.chars().rev().zip(new_rest.chars().rev());
    let tail: usize = both.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    (head..old.len() - tail, head..new.len() - tail)
}

fn source_range(pieces: &[Piece], decoded: Range<usize>) -> Option<Range<usize>> {
    let begins = |at: usize| {
        let piece = pieces.iter().find(|p| p.decoded.start <= at && at < p.decoded.end)?;
        let inside = at - piece.decoded.start;
        (inside == 0 || piece.verbatim).then(|| piece.source.start + inside)
    };
    let ends = |at: usize| {
        let piece = pieces.iter().find(|p| p.decoded.start < at && at <= p.decoded.end)?;
        let left = piece.decoded.end - at;
        (left == 0 || piece.verbatim).then(|| piece.source.end - left)
    };
    if decoded.is_empty() {
        let at = ends(decoded.start).or_else(|| begins(decoded.start))?;
        return Some(at..at);
    }
    Some(begins(decoded.start)?..ends(decoded.end)?).filter(|range| range.start <= range.end)
}

/// The pieces of a literal or folded block: the words of its lines stand in its text in the same order.
fn block_pieces(source: &str, text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let (mut at, mut decoded) = (0, 0);
    for line in source.split_inclusive('\n') {
        let body = line.trim();
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        if body.is_empty() {
            continue;
        }
        decoded += text[decoded..].len() - text[decoded..].trim_start().len();
        text[decoded..].strip_prefix(body)?;
        pieces.push(Piece { decoded: decoded..decoded + body.len(), source: start..start + body.len(), verbatim: true });
        decoded += body.len();
    }
    text[decoded..].trim().is_empty().then_some(pieces)
}

/// The pieces of a plain or quoted scalar; `None` when they do not add up to its text.
fn flow_pieces(source: &str, text: &str, style: Style) -> Option<Vec<Piece>> {
    let quotes = usize::from(style != Style::Plain);
    let end = source.len().checked_sub(quotes)?;
    let mut pieces = Vec::new();
    let mut read = String::with_capacity(text.len());
    let mut at = quotes;
    while at < end {
        let rest = &source[at..end];
        let first = rest.chars().next()?;
        let (taken, gives) = if first.is_ascii_whitespace() {
            white_run(rest)
        } else if first == '\'' && style == Style::SingleQuoted {
            (2, "'".to_string())
        } else if first == '\\' && style == Style::DoubleQuoted {
            escape_run(rest)?
        } else {
            (first.len_utf8(), first.to_string())
        };
        let source_range = at..at + taken;
        let verbatim = source.get(source_range.clone())? == gives;
        pieces.push(Piece { decoded: read.len()..read.len() + gives.len(), source: source_range, verbatim });
        read.push_str(&gives);
        at += taken;
    }
    (read == text).then_some(pieces)
}

/// White space as it stands, or folded when a line ends in it.
fn white_run(rest: &str) -> (usize, String) {
    let run = &rest[..rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()];
    let breaks = run.replace("\r\n", "\n").matches(['\n', '\r']).count();
    let gives = match breaks {
        0 => run.to_string(),
        1 => " ".to_string(),
        more => "\n".repeat(more - 1),
    };
    (run.len(), gives)
}

fn escape_run(rest: &str) -> Option<(usize, String)> {
    let kind = rest[1..].chars().next()?;
    if kind == '\n' || kind == '\r' {
        let white = rest[1..].len() - rest[1..].trim_start_matches([' ', '\t', '\r', '\n']).len();
        return Some((1 + white, String::new()));
    }
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            let names = "0abt\tnvfre \"/\\N_LP";
            let meant = "\0\u{7}\u{8}\t\t\n\u{b}\u{c}\r\u{1b} \"/\\\u{85}\u{a0}\u{2028}\u{2029}";
            let gives = names.chars().position(|name| name == kind).and_then(|n| meant.chars().nth(n))?;
            return Some((1 + kind.len_utf8(), gives.to_string()));
        }
    };
    let number = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((2 + digits, char::from_u32(number)?.to_string()))
}

/// Line breaks (YAML 1.1 knows three more than 1.2), control characters and the like can stand in
/// double quotes only.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn can_be_single(text: &str) -> bool {
    !text.contains(needs_escape)
}

fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            c if needs_escape(c) && (c as u32) < 0x100 => result.push_str(&format!("\\x{:02X}", c as u32)),
            c if needs_escape(c) => result.push_str(&format!("\\u{:04X}", c as u32)),
            c => result.push(c),
        }
    }
    result
}

/// Whether every YAML reader takes this plain text as this very string. Stricter than the
/// Specification: quoting once too often harms nobody.
fn plain_is_safe(text: &str, in_flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let second = text.chars().nth(1);
    let starts = match first {
        '-' => second.is_some_and(|c| !c.is_whitespace()) && !text.starts_with("---"),
        '?' | ':' | ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' | '=' => false,
        _ => !text.starts_with("..."),
    };
    let breaks_off = text.contains(": ") || text.contains(" #") || text.ends_with(':') || text != text.trim();
    let breaks_flow = in_flow && text.contains([',', '[', ']', '{', '}', '?', ':', '"', '\'']);
    starts && !breaks_off && !breaks_flow && can_be_single(text) && stays_a_string(text)
}

/// Not a number, date, truth value or merge key to any reader, old ones included.
fn stays_a_string(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    let truth = matches!(word.as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "~" | "<<");
    let number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_hexdigit() || "xXoO_.:+-tTzZ ".contains(c));
    !truth && !number && resolve(text) == Resolved::Str
}

fn reads_as(candidate: &str, text: &str, in_flow: bool) -> bool {
    let document = if in_flow { format!("{{k: {candidate}, z: 1}}\n") } else { format!("k: {candidate}\nz: 1\n") };
    let Ok(documents) = read(&document, Limits::default()) else { return false };
    let value = documents.first().filter(|_| documents.len() == 1).and_then(|d| d.root.get("k").filter(|_| d.root.entries().len() == 2));
    value.is_some_and(|node| node.text() == Some(text) && node.tag.is_none() && node.anchor.is_none()) && documents[0].comments.is_empty()
}
