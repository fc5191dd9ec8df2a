//! Every place that the reader tells lies in the text, and inside what holds it.

use xtask::text::Span;
use xtask::yaml::{Data, Document, Node, Value};

pub fn hold(text: &str, document: &Document) {
    node(text, &document.root, Span::new(0, text.len()));
    let mut last = 0;
    for comment in &document.comments {
        inside(text, comment.span, Span::new(last, text.len()));
        assert!(comment.text.starts_with('#') && comment.span.slice(text) == comment.text, "a comment that is none");
        last = comment.span.end;
    }
}

fn node(text: &str, at: &Node, parent: Span) {
    inside(text, at.span, parent);
    for entry in at.entries() {
        node(text, &entry.key, at.span);
        node(text, &entry.value, at.span);
    }
    for item in at.items() {
        node(text, item, at.span);
    }
}

pub fn of_value(text: &str, value: &Value) {
    inside(text, value.at.span, Span::new(0, text.len()));
    match &value.data {
        Data::Seq(items) => items.iter().for_each(|item| of_value(text, item)),
        Data::Map(fields) => fields.values().for_each(|field| {
            inside(text, field.key.span, Span::new(0, text.len()));
            of_value(text, &field.value);
        }),
        _ => {}
    }
}

fn inside(text: &str, span: Span, parent: Span) {
    assert!(parent.contains(span), "{span:?} is not in {parent:?}");
    assert!(text.get(span.start..span.end).is_some(), "{span:?} is not of whole characters");
}
