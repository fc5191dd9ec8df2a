//! What Compose's reader refuses, or reads otherwise, and granit does not: YAML 1.1 and libyaml
//! against YAML 1.2.

use super::{Document, Node, ReadError, Style, Written as Data};
use crate::text::Span;

/// Refuses a text before it is parsed.
pub fn text(text: &str) -> Result<(), ReadError> {
    // To YAML 1.1 these end a line, wherever they stand.
    if let Some(at) = text.find(['\u{85}', '\u{2028}', '\u{2029}']) {
        return Err(refuse(at, "not read yet: a line break of Unicode's; write it as an escape"));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let taken = ["%YAML 1.1", "%TAG "].iter().any(|directive| line.starts_with(directive));
        if line.starts_with('%') && !taken {
            return Err(refuse(start, "Compose knows no such directive; it takes %YAML 1.1 only"));
        }
        start += line.len();
    }
    Ok(())
}

/// Refuses what only the tree shows.
pub fn documents(text: &str, documents: &[Document]) -> Result<(), ReadError> {
    if text.contains('\t') {
        let mut free = Vec::new();
        documents.iter().for_each(|document| tab_places(&document.root, &mut free));
        tabs(text, &free)?;
    }
    Ok(())
}

/// Spans in which a tab may stand at the beginning of a line.
fn tab_places(node: &Node, free: &mut Vec<Span>) {
    match &node.data {
        Data::Scalar { style: Style::Plain, .. } | Data::Alias(_) => {}
        Data::Scalar { .. } | Data::Seq { flow: true, .. } | Data::Map { flow: true, .. } => free.push(node.span),
        Data::Seq { items, .. } => items.iter().for_each(|item| tab_places(item, free)),
        Data::Map { entries, .. } => {
            for entry in entries {
                tab_places(&entry.key, free);
                tab_places(&entry.value, free);
            }
        }
    }
}

/// In block style a tab is no indentation, neither before nor behind a dash, also on a line of its
/// own or before a comment. `free` is in the order of the text.
fn tabs(text: &str, free: &[Span]) -> Result<(), ReadError> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut at = 0;
        let bytes = line.as_bytes();
        while let Some(byte) = bytes.get(at) {
            let dash = *byte == b'-' && matches!(bytes.get(at + 1), Some(b' ' | b'\t'));
            match byte {
                b' ' => {}
                b'\t' if !is_free(start + at, free) => return Err(refuse(start + at, "a tab cannot indent; use blanks")),
                b'\t' => break,
                _ if dash && !is_free(start + at, free) => {}
                _ => break,
            }
            at += 1;
        }
        start += line.len();
    }
    Ok(())
}

fn is_free(at: usize, free: &[Span]) -> bool {
    let behind = free.partition_point(|span| span.end <= at);
    free.get(behind).is_some_and(|span| span.start <= at)
}

/// The text of a block scalar as libyaml reads it: a file that ends within its last line gives that
/// line no break.
pub fn block_text(text: &str, span: Span, value: &mut String) {
    let line_start = text.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let last = text[line_start..].trim_start_matches(' ');
    let ends_here = !last.is_empty() && span.end >= text.len();
    if ends_here && value.strip_suffix('\n').is_some_and(|value| value.ends_with(last)) {
        value.pop();
    }
}

/// Names of anchors that Compose takes.
pub fn anchor(name: &str, at: usize) -> Result<(), ReadError> {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Ok(());
    }
    Err(refuse(at, "an anchor's name consists of letters, digits, `-` and `_` for Compose"))
}

/// A double-quoted scalar as written: `\/` came with YAML 1.2.
pub fn escapes(written: &str, at: usize) -> Result<(), ReadError> {
    let mut escaped = false;
    for (n, char) in written.char_indices() {
        if escaped && char == '/' {
            return Err(refuse(at + n, "Compose knows no such escape"));
        }
        escaped = char == '\\' && !escaped;
    }
    Ok(())
}

fn refuse(offset: usize, why: &str) -> ReadError {
    ReadError { offset, why: why.into() }
}
