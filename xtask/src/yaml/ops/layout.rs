//! Lines, columns and comments of a source, and where the children of a block collection stand.

use super::super::{Comment, Node, Refusal, Style, Written};
use super::refuse;

/// The lines of a source; numbers count from 0, offsets are bytes.
#[derive(Debug)]
pub struct Lines<'a> {
    pub source: &'a str,
    starts: Vec<usize>,
    newline: &'static str,
}

impl<'a> Lines<'a> {
    /// `None` when a line ends in a lone carriage return. The first line starts behind a byte order
    /// mark.
    pub fn new(source: &'a str) -> Option<Self> {
        let mut starts = vec![if source.starts_with('\u{feff}') { 3 } else { 0 }];
        let bytes = source.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => starts.push(at + 1),
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => return None,
                _ => {}
            }
        }
        let newline = if source.find('\n').is_some_and(|at| source[..at].ends_with('\r')) { "\r\n" } else { "\n" };
        Some(Lines { source, starts, newline })
    }

    pub fn count(&self) -> usize {
        self.starts.len()
    }

    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    pub fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.source.len())
    }

    /// The end of a line, before its line break.
    pub fn end(&self, line: usize) -> usize {
        let next = self.start(line + 1);
        let body = &self.source[self.start(line)..next];
        let body = body.strip_suffix('\n').map_or(body, |body| body.strip_suffix('\r').unwrap_or(body));
        self.start(line) + body.len()
    }

    /// The line break for a line that comes behind this one.
    pub fn newline(&self, line: usize) -> &'static str {
        match &self.source[self.end(line)..self.start(line + 1)] {
            "\n" => "\n",
            "\r\n" => "\r\n",
            _ => self.newline,
        }
    }

    pub fn body(&self, line: usize) -> &'a str {
        &self.source[self.start(line)..self.end(line)]
    }

    /// Bytes from the beginning of an offset's line.
    pub fn column(&self, offset: usize) -> usize {
        offset - self.start(self.line(offset)).min(offset)
    }

    pub fn indent(&self, line: usize) -> usize {
        let body = self.body(line);
        body.len() - body.trim_start_matches(' ').len()
    }

    pub fn is_blank(&self, line: usize) -> bool {
        self.body(line).trim_start().is_empty()
    }

    /// Whether nothing but blanks stands before an offset in its line.
    pub fn leads(&self, offset: usize) -> bool {
        let line = self.line(offset);
        self.indent(line) >= offset - self.start(line)
    }

    /// Behind blanks and line breaks.
    pub fn skip_white(&self, offset: usize) -> usize {
        let rest = &self.source[offset..];
        offset + (rest.len() - rest.trim_start().len())
    }

    pub fn skip_blanks(&self, offset: usize) -> usize {
        let rest = &self.source[offset..];
        offset + (rest.len() - rest.trim_start_matches(' ').len())
    }
}

/// A document's comments in the order of the text.
#[derive(Debug, Clone, Copy)]
pub struct Comments<'a>(pub &'a [Comment]);

impl<'a> Comments<'a> {
    pub fn within(self, start: usize, end: usize) -> &'a [Comment] {
        let first = self.0.partition_point(|comment| comment.span.start < start);
        let behind = self.0.partition_point(|comment| comment.span.start < end);
        self.0.get(first..behind).unwrap_or_default()
    }

    /// Whether a line consists of a comment.
    pub fn fill(self, lines: &Lines, line: usize) -> bool {
        let start = lines.start(line) + lines.indent(line);
        !self.within(start, start + 1).is_empty()
    }

    /// The last line of what ends at an offset, with the comments below it that are indented by
    /// `least` or more.
    pub fn last_line(self, lines: &Lines, end: usize, least: usize) -> usize {
        let mut last = lines.line(end);
        for line in last + 1..lines.count() {
            if lines.is_blank(line) {
                continue;
            }
            if !self.fill(lines, line) || lines.indent(line) < least {
                break;
            }
            last = line;
        }
        last
    }
}

/// Where a node's text ends: in its last line, before a comment there.
pub fn content_end(source: &str, node: &Node) -> Result<usize, Refusal> {
    let (mut leaf, mut key_end) = (node, 0);
    loop {
        leaf = match &leaf.data {
            Written::Map { entries, flow: false } => match entries.last() {
                Some(entry) => {
                    key_end = entry.key.span.end;
                    &entry.value
                }
                None => break,
            },
            Written::Seq { items, flow: false } => match items.last() {
                Some(item) => item,
                None => break,
            },
            _ => break,
        };
    }
    match &leaf.data {
        Written::Scalar { text, style: Style::Literal | Style::Folded } => block_scalar_end(source, leaf, text),
        _ => Ok(leaf.span.end.max(key_end)),
    }
}

/// The span of a block scalar runs to the next token.
fn block_scalar_end(source: &str, node: &Node, text: &str) -> Result<usize, Refusal> {
    if node.span.is_empty() {
        return Err(refuse(node.span, "a block scalar without a line of text ends here"));
    }
    let written = node.span.slice(source);
    let whole = match written.rfind('\n') {
        Some(at) if written[at..].trim().is_empty() => &written[..at],
        _ => written,
    };
    // Blank lines at its end belong to the text only where they are kept.
    let keeps = text.ends_with("\n\n");
    Ok(node.span.start + if keeps { whole.len() } else { whole.trim_end().len() })
}

/// The column of a block collection's keys or dashes.
pub fn column(lines: &Lines, node: &Node) -> Result<usize, Refusal> {
    let line = lines.line(node.span.start);
    let body = lines.body(line);
    if matches!(node.data, Written::Seq { .. }) {
        let column = lines.column(node.span.start);
        let led = body.as_bytes()[..column].iter().all(|byte| matches!(byte, b' ' | b'-'));
        return if led && body.as_bytes().get(column) == Some(&b'-') { Ok(column) } else { Err(unclear(node)) };
    }
    let mut column = lines.indent(line);
    while body[column..].starts_with("- ") {
        column = column + 1 + (body[column + 1..].len() - body[column + 1..].trim_start_matches(' ').len());
    }
    let key = node.entries().first().map(|entry| &entry.key);
    if key.is_some_and(|key| starts_at(lines, key, column)) { Ok(column) } else { Err(unclear(node)) }
}

/// Whether a key stands in this column of its line; an anchor or a tag may stand before it.
fn starts_at(lines: &Lines, key: &Node, column: usize) -> bool {
    let line = lines.line(key.span.start);
    let first = lines.body(line).as_bytes().get(column);
    let dressed = key.tag.is_some() || key.anchor.is_some();
    if dressed { matches!(first, Some(b'!' | b'&')) } else { lines.column(key.span.start) == column }
}

/// Where each child of a block collection starts: its key, with anchor and tag, or its dash.
pub fn starts(lines: &Lines, node: &Node) -> Result<Vec<usize>, Refusal> {
    let column = column(lines, node)?;
    let mut starts = Vec::new();
    for (n, entry) in node.entries().iter().enumerate() {
        let line = lines.line(entry.key.span.start);
        if !starts_at(lines, &entry.key, column) || (n > 0 && lines.indent(line) != column) {
            return Err(unclear(&entry.key));
        }
        starts.push(lines.start(line) + column);
    }
    for (n, item) in node.items().iter().enumerate() {
        let Some(before) = n.checked_sub(1).map(|before| &node.items()[before]) else {
            starts.push(node.span.start);
            continue;
        };
        let from = lines.line(content_end(lines.source, before)?) + 1;
        let dash =
            (from..=lines.line(item.span.start)).find(|line| lines.indent(*line) == column && lines.body(*line)[column..].starts_with('-'));
        starts.push(lines.start(dash.ok_or_else(|| unclear(item))?) + column);
    }
    Ok(starts)
}

fn unclear(node: &Node) -> Refusal {
    refuse(node.span, "this collection is written in a way that is not edited, for example with `? ` before a key")
}
