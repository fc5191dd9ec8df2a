//! From what is written to what is meant: aliases followed, merge keys merged, plain scalars
//! resolved. Every value keeps the bytes that define it.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::{Anchors, Data, Document, Field, Fields, Node, Origin, ReadError, Resolved, Style, TIMESTAMP, Value, Written, resolve};

/// How many values aliases and merge keys may make before a document is refused as a bomb.
pub const VALUE_LIMIT: usize = 250_000;

/// How deep aliases and merge keys may nest a document.
pub const DEPTH_LIMIT: usize = 200;

/// Expands one document.
pub fn expand(document: &Document, file: u32) -> Result<Value, ReadError> {
    expand_without(document, file, &Dropped::default())
}

/// Nodes as they are written.
pub type Dropped = HashSet<*const Node, RandomState>;

/// The same without the entries and items whose values, as written, are among `dropped`.
pub fn expand_without(document: &Document, file: u32, dropped: &Dropped) -> Result<Value, ReadError> {
    let anchors = Anchors::of(&document.root);
    Expander { file, anchors, dropped, active: Vec::new(), made: 0, copying: 0, depth: 0 }.value(&document.root)
}

struct Expander<'a> {
    file: u32,
    anchors: Anchors<'a>,
    dropped: &'a Dropped,
    /// The anchored nodes that are being expanded now.
    active: Vec<*const Node>,
    /// Values and merges so far that aliases and merge keys made.
    made: usize,
    /// How many aliases and merge keys stand open.
    copying: usize,
    depth: usize,
}

impl<'a> Expander<'a> {
    fn enter(&mut self, node: &Node) -> Result<(), ReadError> {
        self.made += usize::from(self.copying > 0);
        self.depth += 1;
        if self.made > VALUE_LIMIT {
            return Err(refuse(node, "aliases multiply this document beyond 250,000 values"));
        }
        if self.depth > DEPTH_LIMIT {
            return Err(refuse(node, "aliases nest this document too deep"));
        }
        Ok(())
    }

    fn value(&mut self, node: &'a Node) -> Result<Value, ReadError> {
        self.enter(node)?;
        let value = self.value_inside(node);
        self.depth -= 1;
        value
    }

    fn value_inside(&mut self, node: &'a Node) -> Result<Value, ReadError> {
        known_tag(node)?;
        let origin = Origin { file: self.file, span: node.span };
        let mut tag = node.tag.clone().filter(|tag| !tag.starts_with("!!"));
        let data = match &node.data {
            Written::Alias(name) => return self.alias(node, name),
            Written::Scalar { text, style } => {
                let (data, time) = scalar(node, text, *style)?;
                if time {
                    tag = Some(TIMESTAMP.to_string());
                }
                data
            }
            Written::Seq { items, .. } => {
                let kept = items.iter().filter(|item| !self.dropped.contains(&std::ptr::from_ref(*item)));
                let items: Result<Vec<_>, _> = kept.map(|item| self.value(item)).collect();
                Data::Seq(items?)
            }
            Written::Map { .. } => Data::Map(self.map(node)?),
        };
        Ok(Value { at: origin, tag, data })
    }

    fn alias(&mut self, node: &'a Node, name: &str) -> Result<Value, ReadError> {
        let target = self.target(node, name)?;
        self.active.push(std::ptr::from_ref(target));
        self.copying += 1;
        let value = self.value(target);
        self.copying -= 1;
        self.active.pop();
        value
    }

    /// The latest anchor of this name that is defined before the alias.
    fn target(&self, node: &Node, name: &str) -> Result<&'a Node, ReadError> {
        let target = self.anchors.target(node, name).ok_or_else(|| refuse(node, format!("the alias `*{name}` has no anchor")))?;
        let inside_itself = target.span.contains(node.span) || self.active.contains(&std::ptr::from_ref(target));
        if inside_itself {
            return Err(refuse(node, format!("the alias `*{name}` contains itself")));
        }
        Ok(target)
    }

    /// Own keys win over merged ones, earlier merged mappings over later ones.
    fn map(&mut self, node: &'a Node) -> Result<Fields, ReadError> {
        self.enter(node)?;
        let mut fields = Fields::default();
        let mut merged = Vec::new();
        for entry in node.entries() {
            if self.dropped.contains(&std::ptr::from_ref(&entry.value)) {
                continue;
            }
            if is_merge(&entry.key) {
                self.merge_sources(&entry.value, &mut merged)?;
                continue;
            }
            let key = self.key_text(&entry.key)?;
            let origin = Origin { file: self.file, span: entry.key.span };
            fields.insert(key.to_string(), Field { key: origin, value: self.value(&entry.value)? });
        }
        self.copying += 1;
        for source in merged {
            for (key, field) in self.map(source)? {
                fields.entry(key).or_insert(field);
            }
        }
        self.copying -= 1;
        self.depth -= 1;
        Ok(fields)
    }

    /// A key's text. Numbers, booleans and null are no keys to Compose.
    fn key_text(&self, key: &'a Node) -> Result<&'a str, ReadError> {
        known_tag(key)?;
        match &key.data {
            Written::Scalar { text, style } if matches!(scalar(key, text, *style)?, (Data::Str(_), false)) => Ok(text),
            Written::Alias(name) => {
                let target = self.target(key, name)?;
                if matches!(target.data, Written::Alias(_)) { Err(refuse(key, "a key must be a string")) } else { self.key_text(target) }
            }
            _ => Err(refuse(key, "a key must be a string; put it into quotes")),
        }
    }

    fn merge_sources(&mut self, node: &'a Node, into: &mut Vec<&'a Node>) -> Result<(), ReadError> {
        match &node.data {
            Written::Map { .. } => into.push(node),
            Written::Alias(name) => {
                let target = self.target(node, name)?;
                match target.data {
                    Written::Map { .. } => into.push(target),
                    Written::Seq { .. } => self.merge_sources(target, into)?,
                    _ => return Err(refuse(node, "a merge key needs a mapping or a list of mappings")),
                }
            }
            Written::Seq { items, .. } => {
                for item in items {
                    if matches!(item.data, Written::Seq { .. }) {
                        return Err(refuse(item, "a merge key needs a mapping or a list of mappings"));
                    }
                    self.merge_sources(item, into)?;
                }
            }
            Written::Scalar { .. } => return Err(refuse(node, "a merge key needs a mapping or a list of mappings")),
        }
        Ok(())
    }
}

/// Whether a key is a merge key: `<<` without quotes.
pub fn is_merge(key: &Node) -> bool {
    key.tag.as_deref() == Some("!!merge")
        || matches!(&key.data, Written::Scalar { text, style: Style::Plain } if text == "<<" && key.tag.is_none())
}

/// What a scalar means, and whether it is a point in time. An error if it does not fit its tag.
pub fn scalar(node: &Node, text: &str, style: Style) -> Result<(Data, bool), ReadError> {
    // `!` alone says nothing.
    let tag = node.tag.as_deref().filter(|tag| *tag != "!");
    let own = tag.is_some_and(|tag| !tag.starts_with("!!"));
    let resolved = match (tag, style) {
        // A tag that YAML does not know makes text of everything.
        _ if own || tag == Some("!!str") => Resolved::Str,
        (Some(_), _) | (_, Style::Plain) => resolve(text),
        _ => Resolved::Str,
    };
    let fits = match (tag, &resolved) {
        (None | Some("!!str"), _) => true,
        _ if own => true,
        (Some("!!int"), Resolved::Int(_) | Resolved::BigInt(_)) => true,
        (Some("!!float"), Resolved::Float(_) | Resolved::Int(_)) => true,
        (Some("!!bool"), Resolved::Bool(_)) | (Some("!!null"), Resolved::Null) => true,
        _ => false,
    };
    if !fits {
        return Err(refuse(node, "the value does not fit its tag"));
    }
    let time = matches!(resolved, Resolved::Timestamp(_));
    let data = match resolved {
        Resolved::Null => Data::Null,
        Resolved::Bool(value) => Data::Bool(value),
        Resolved::Int(value) if tag == Some("!!float") => Data::Float(value as f64),
        Resolved::Int(value) => Data::Int(value),
        Resolved::BigInt(value) => Data::Uint(value),
        Resolved::Float(value) => Data::Float(value),
        Resolved::Timestamp(text) => Data::Str(text),
        Resolved::Str => Data::Str(text.to_string()),
    };
    Ok((data, time))
}

/// Tags that mean something to YAML itself; others are the reader's own.
fn known_tag(node: &Node) -> Result<(), ReadError> {
    let plain = ["!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!merge"];
    match node.tag.as_deref() {
        Some(tag) if (tag.starts_with("!!") && !plain.contains(&tag)) || tag.starts_with("!<") => {
            Err(refuse(node, format!("not read yet: the tag {tag}")))
        }
        _ => Ok(()),
    }
}

fn refuse(node: &Node, why: impl Into<String>) -> ReadError {
    ReadError { offset: node.span.start, why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};
    use super::*;

    fn value(text: &str) -> Result<Value, ReadError> {
        expand(&read(text, Limits::default())?[0], 0)
    }

    #[test]
    fn merge_keys_give_way_to_own_keys_and_keep_their_origin() {
        let text = "base: &b {a: 1, b: 2}\nmore: &m {b: 3, c: 4}\nx:\n  <<: [*b, *m]\n  a: 9\n";
        let value = value(text).unwrap();
        let x = value.get("x").unwrap();
        assert_eq!(x.get("a").unwrap().data, Data::Int(9));
        assert_eq!(x.get("b").unwrap().data, Data::Int(2));
        assert_eq!(x.get("b").unwrap().at.span.slice(text), "2");
        assert_eq!(x.get("c").unwrap().data, Data::Int(4));
    }

    #[test]
    fn a_name_may_be_anchored_again() {
        let value = value("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").unwrap();
        assert_eq!(value.get("b").unwrap().data, Data::Int(1));
        assert_eq!(value.get("d").unwrap().data, Data::Int(2));
    }

    #[test]
    fn bombs_and_cycles_are_refused_quickly() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for n in 1..30 {
            let list = vec![format!("*a{}", n - 1); 9].join(",");
            text.push_str(&format!("a{n}: &a{n} [{list}]\n"));
        }
        assert!(value(&text).unwrap_err().why.contains("multiply"));
        assert!(value("a: &a [*a]\n").unwrap_err().why.contains("itself"));
        assert!(value("a: &a\n  <<: *a\n").is_err());
    }
}
