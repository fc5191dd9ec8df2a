//! Text to documents, by way of granit-parser's events.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use granit_parser::{Event, Parser, ScalarStyle, Span as RawSpan, StructureStyle, Tag};

use super::node::{Keys, MANY};
use super::{Comment, Document, Entry, Node, Style, Written as Data, strict};
use crate::text::Span;

/// What a file may ask of the reader before it is refused.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub bytes: usize,
    /// Nested collections, block and flow each.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 32 << 20, depth: 128 }
    }
}

/// Why a text is no YAML that Compose would take, and the byte where that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    pub offset: usize,
    pub why: String,
}

/// Reads every document of a text. Keys that stand twice in a mapping are an error, as they are
/// for Compose, and so are aliases without an anchor.
pub fn read(text: &str, limits: Limits) -> Result<Vec<Document>, ReadError> {
    if text.len() > limits.bytes {
        let why = format!("{} bytes are more than the limit of {}", text.len(), limits.bytes);
        return Err(ReadError { offset: 0, why });
    }
    strict::text(text)?;
    let options = granit_parser::options! {
        emit_anchor_events: true,
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
    };
    let mut builder = Builder { text, documents: Vec::new(), comments: Vec::new(), open: Vec::new(), root: None, names: Vec::new() };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => {
                let offset = error.marker().byte_offset().unwrap_or(0).min(text.len());
                return Err(ReadError { offset, why: error.kind().to_string() });
            }
        }
    }
    strict::documents(text, &builder.documents)?;
    Ok(builder.documents)
}

/// A collection whose end has not come yet; `key` waits for its value.
struct Open {
    node: Node,
    key: Option<Node>,
    /// The keys so far, once they are many.
    seen: HashSet<String, RandomState>,
}

struct Builder<'a> {
    text: &'a str,
    documents: Vec<Document>,
    comments: Vec<Comment>,
    open: Vec<Open>,
    root: Option<Node>,
    /// Anchor names by the parser's number for them.
    names: Vec<(usize, String)>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, raw: RawSpan) -> Result<(), ReadError> {
        let span = bytes(raw);
        match event {
            Event::Comment(..) => {
                let text = span.slice(self.text).to_string();
                self.comments.push(Comment { span, text });
            }
            Event::Anchor(id, name) => {
                strict::anchor(&name, span.start)?;
                self.names.push((id, name.to_string()));
                self.name_latest(name.to_string());
            }
            Event::Scalar(text, style, _, tag) => {
                // A value that is not written arrives as a `~` of no width.
                let mut text = if span.is_empty() && style == ScalarStyle::Plain { String::new() } else { text.into_owned() };
                match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => strict::block_text(self.text, span, &mut text),
                    ScalarStyle::DoubleQuoted => strict::escapes(span.slice(self.text), span.start)?,
                    _ => {}
                }
                let data = Data::Scalar { text, style: scalar_style(style) };
                self.place(Node { span, tag: tag.as_deref().map(Tag::original), anchor: None, data, keys: Keys::default() })?;
            }
            Event::Alias(id) => {
                let name = self.names.iter().rev().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
                let name = name.unwrap_or_default();
                self.place(Node { span, tag: None, anchor: None, data: Data::Alias(name), keys: Keys::default() })?;
            }
            Event::SequenceStart(style, _, tag) => {
                self.begin(span, tag.as_deref(), Data::Seq { items: Vec::new(), flow: style == StructureStyle::Flow });
            }
            Event::MappingStart(style, _, tag) => {
                self.begin(span, tag.as_deref(), Data::Map { entries: Vec::new(), flow: style == StructureStyle::Flow });
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::DocumentEnd => {
                if let Some(root) = self.root.take() {
                    let comments = std::mem::take(&mut self.comments);
                    self.documents.push(Document { root, comments });
                }
            }
            Event::StreamEnd => {
                // Comments behind the last document belong to it.
                if let Some(last) = self.documents.last_mut() {
                    last.comments.append(&mut self.comments);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, mut span: Span, tag: Option<&Tag>, data: Data) {
        if matches!(data, Data::Seq { flow: false, .. }) {
            span.start = self.first_dash(span.start);
        }
        let node = Node { span, tag: tag.map(Tag::original), anchor: None, data, keys: Keys::default() };
        self.open.push(Open { node, key: None, seen: HashSet::default() });
    }

    /// A sequence in the column of its key is reported behind its first dash.
    fn first_dash(&self, reported: usize) -> usize {
        let Some(key) = self.open.last().and_then(|open| open.key.as_ref()) else { return reported };
        let mut start = key.span.end;
        for line in self.text[start..reported].split_inclusive(['\n', '\r']) {
            let body = line.trim_start();
            if start > key.span.end && body.starts_with('-') {
                return start + (line.len() - body.len());
            }
            start += line.len();
        }
        reported
    }

    fn end(&mut self, span: Span) -> Result<(), ReadError> {
        let Some(mut done) = self.open.pop() else { return Ok(()) };
        let content_end = match &done.node.data {
            Data::Seq { flow: true, .. } | Data::Map { flow: true, .. } => span.end,
            // The end of a block collection is reported where the next token starts.
            Data::Seq { items, .. } => items.last().map_or(done.node.span.start, |item| item.span.end),
            Data::Map { entries, .. } => entries.last().map_or(done.node.span.start, |e| e.value.span.end.max(e.key.span.end)),
            _ => span.end,
        };
        done.node.span.end = content_end.max(done.node.span.start);
        self.place(done.node)
    }

    /// The anchor event follows its node, which is either a collection just opened or the latest
    /// scalar placed.
    fn name_latest(&mut self, name: String) {
        let empty_open = self.open.last_mut().filter(|open| match &open.node.data {
            Data::Seq { items, .. } => items.is_empty(),
            Data::Map { entries, .. } => entries.is_empty() && open.key.is_none(),
            _ => false,
        });
        if let Some(open) = empty_open {
            open.node.anchor = Some(name);
            return;
        }
        let Some(open) = self.open.last_mut() else {
            if let Some(root) = &mut self.root {
                root.anchor = Some(name);
            }
            return;
        };
        let latest = match (&mut open.key, &mut open.node.data) {
            (Some(key), _) => Some(key),
            (None, Data::Map { entries, .. }) => entries.last_mut().map(|entry| &mut entry.value),
            (None, Data::Seq { items, .. }) => items.last_mut(),
            _ => None,
        };
        if let Some(latest) = latest {
            latest.anchor = Some(name);
        }
    }

    fn place(&mut self, node: Node) -> Result<(), ReadError> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.data {
            Data::Seq { items, .. } => items.push(node),
            Data::Map { entries, .. } => match open.key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None => {
                    if let Some(key) = node.text()
                        && stands_there(key, entries, &mut open.seen)
                    {
                        return Err(ReadError { offset: node.span.start, why: format!("the key `{key}` stands here a second time") });
                    }
                    open.key = Some(node);
                }
            },
            _ => {}
        }
        Ok(())
    }
}

/// Whether a mapping has a key already. A small one is looked through, which most are.
fn stands_there(key: &str, entries: &[Entry], seen: &mut HashSet<String, RandomState>) -> bool {
    if entries.len() < MANY {
        return entries.iter().any(|entry| entry.key.text() == Some(key));
    }
    if seen.is_empty() {
        seen.extend(entries.iter().filter_map(|entry| entry.key.text()).map(String::from));
    }
    !seen.insert(key.to_string())
}

fn bytes(raw: RawSpan) -> Span {
    let range = raw.byte_range().unwrap_or(0..0);
    Span::new(range.start, range.end)
}

fn scalar_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Document {
        let mut documents = read(text, Limits::default()).unwrap();
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    #[test]
    fn every_node_knows_its_bytes() {
        let text = "a: &x 'one' # why\nb:\n  - \"t\\two\"\n  - {c: *x}\nd:\n";
        let doc = one(text);
        let slice = |place: &[&str]| {
            place.iter().fold(&doc.root, |node, key| match key.parse::<usize>() {
                Ok(index) => &node.items()[index],
                Err(_) => node.get(key).unwrap(),
            })
        };
        assert_eq!(slice(&["a"]).span.slice(text), "'one'");
        assert_eq!(slice(&["a"]).anchor.as_deref(), Some("x"));
        assert_eq!(slice(&["b", "0"]).span.slice(text), "\"t\\two\"");
        assert_eq!(slice(&["b", "0"]).text(), Some("t\two"));
        assert_eq!(slice(&["b", "1"]).span.slice(text), "{c: *x}");
        assert_eq!(slice(&["b", "1", "c"]).data, Data::Alias("x".into()));
        assert!(slice(&["d"]).span.is_empty());
        assert_eq!(slice(&["d"]).text(), Some(""));
        assert_eq!(slice(&["b"]).span.slice(text), "- \"t\\two\"\n  - {c: *x}");
        assert_eq!(doc.comments[0].text, "# why");
    }

    #[test]
    fn a_sequence_begins_at_its_first_dash() {
        for (text, span) in [
            ("a:\n- x\nb: 1\n", "- x"),
            ("a:\n# - c\n- # d\n  x\n- y\n", "- # d\n  x\n- y"),
            ("a: &k\r\n- - x\r\n", "- - x"),
            ("a: !t # c\n  - &x\n    k: 1\n", "- &x\n    k: 1"),
        ] {
            assert_eq!(one(text).root.get("a").unwrap().span.slice(text), span);
        }
    }

    #[test]
    fn anchors_of_collections_are_theirs() {
        let doc = one("x: &m\n  a: &s 1\ny: &q [1]\nz:\n  <<: *m\n");
        assert_eq!(doc.root.get("x").unwrap().anchor.as_deref(), Some("m"));
        assert_eq!(doc.root.get("x").unwrap().get("a").unwrap().anchor.as_deref(), Some("s"));
        assert_eq!(doc.root.get("y").unwrap().anchor.as_deref(), Some("q"));
        assert_eq!(doc.root.get("z").unwrap().get("<<").unwrap().data, Data::Alias("m".into()));
    }

    #[test]
    fn refuses_what_compose_refuses() {
        let error = read("a: 1\nb: 2\na: 3\n", Limits::default()).unwrap_err();
        assert_eq!(error.offset, 10);
        assert!(read("a: *nowhere\n", Limits::default()).is_err());
        assert!(read(&"[".repeat(100_000), Limits::default()).is_err());
    }

    #[test]
    fn reads_what_compose_reads_where_yaml_has_changed() {
        assert_eq!(one("a: |\n  x").root.get("a").unwrap().text(), Some("x"), "no break at the end of the file, none in the value");
        assert_eq!(one("a: |\n  x\n  ").root.get("a").unwrap().text(), Some("x\n"));
        assert_eq!(one("a: |\n  \tx\n  \ty\n").root.get("a").unwrap().text(), Some("\tx\n\ty\n"));
        assert!(read("a:\tb\t# c\nd: [1,\t2]\n", Limits::default()).is_ok());
        for (text, offset) in [
            ("\ta: 1\n", 0),
            ("a: 1\n\t\nb: 2\n", 5),
            ("a:\n  - b\n  \t# c\n", 11),
            ("a:\n  -\tb\n", 6),
            ("%YAML 1.2\n---\na: 1\n", 0),
            ("a: &x.y 1\n", 3),
            ("a: \"x\\/y\"\n", 6),
            ("a: \"x\u{85}y\"\n", 5),
        ] {
            assert_eq!(read(text, Limits::default()).unwrap_err().offset, offset, "{text:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_moves_no_span() {
        let text = "\u{feff}a: one\n";
        assert_eq!(one(text).root.get("a").unwrap().span.slice(text), "one");
    }
}
