//! A document held against the schema, as it is written.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::yaml::{Data as Value, Document, Entry, Node, Place, Style, VALUE_LIMIT, Written as Data, is_merge, scalar};

use super::anchors::{Anchors, Way};
use super::nearest::{elsewhere, nearest};
use super::rule::{BOOL, FILE, INT, Key, NULL, NUMBER, Record, Rule, STRING, Scalars};
use super::{LONGEST_NAME, Unknown};

/// How many unknown keys of a document get a suggestion; a file with more is no compose file.
const SUGGESTIONS: usize = 200;

/// Says what the schema does not know in a document, in the order of the text, each thing once and
/// where it stands. Merge keys and aliases are looked through; extensions (`x-`) are the user's own.
/// A key under `!reset` is looked at, what stands there is not. Missing keys, ranges and names that
/// nobody defines are not the schema's matter here.
///
/// Values are judged before interpolation. That is enough: what takes no string as written takes no
/// variable either, as Compose sees it, and of a string with a `$` nothing is said.
pub fn unknown_keys(document: &Document) -> Vec<Unknown<'_>> {
    let anchors = Anchors::of(document);
    let mut walk = Walk { anchors: &anchors, found: Vec::new(), said: HashSet::default(), seen: HashSet::default(), copied: 0 };
    walk.node(&document.root, &FILE, &Way::Base(&Place::default()));
    let mut found = walk.found;
    found.sort_by_key(|unknown| unknown.span().start);
    found
}

struct Walk<'a, 'w> {
    anchors: &'w Anchors<'a>,
    found: Vec<Unknown<'a>>,
    /// The nodes, keys and values, that something was said of.
    said: HashSet<*const Node, RandomState>,
    /// What aliases and merge keys led to already, under which rule.
    seen: HashSet<(*const Node, *const Rule), RandomState>,
    /// Entries that merge keys brought.
    copied: usize,
}

/// A mapping whose entries another one has.
struct Source<'a, 'w> {
    mapping: &'a Node,
    /// Its own place; none for the mapping itself.
    place: Option<Cow<'w, Place>>,
}

impl<'a, 'w> Walk<'a, 'w> {
    fn node(&mut self, node: &'a Node, rule: &Rule, way: &Way<'_>) {
        if rule.any || node.tag.as_deref() == Some("!reset") {
            return;
        }
        match &node.data {
            Data::Alias(name) => {
                let target = self.anchors.target(name, node.span.start);
                let Some((target, place)) = target.filter(|(target, _)| !matches!(target.data, Data::Alias(_))) else { return };
                if self.first_time(target, rule) {
                    self.node(target, rule, &Way::Base(place));
                }
            }
            Data::Scalar { text, style } => self.scalar(node, text, *style, rule, way),
            Data::Seq { items, .. } => match &rule.list {
                Some(rule) => {
                    for (n, item) in items.iter().enumerate() {
                        self.node(item, rule, &Way::Index(way, n));
                    }
                }
                None => self.wrong(node, rule, way, false),
            },
            Data::Map { .. } => match &rule.map {
                Some(record) => self.map(node, record, way),
                None => self.wrong(node, rule, way, false),
            },
        }
    }

    fn first_time(&mut self, node: &Node, rule: &Rule) -> bool {
        self.seen.insert((std::ptr::from_ref(node), std::ptr::from_ref(rule)))
    }

    fn scalar(&mut self, node: &'a Node, text: &str, style: Style, rule: &Rule, way: &Way<'_>) {
        // What does not fit its own tag is refused by the reader of values.
        let Ok((value, time)) = scalar(node, text, style) else { return };
        let kind: Scalars = match &value {
            _ if time => 0,
            Value::Null => NULL,
            Value::Bool(_) => BOOL,
            Value::Int(_) | Value::Uint(_) => INT | NUMBER,
            Value::Float(number) if number.fract() == 0.0 => INT | NUMBER,
            Value::Float(_) => NUMBER,
            Value::Str(_) => STRING,
            Value::Seq(_) | Value::Map(_) => return,
        };
        let open = rule.words.is_empty() || kind != STRING || text.contains('$');
        if kind & rule.scalars == 0 || !(open || rule.words.iter().any(|word| word == text)) {
            self.wrong(node, rule, way, kind == NULL);
        }
    }

    /// A mapping's own entries, and then the merged ones as long as nothing hides them: a mapping
    /// before those that it merges itself. The model refuses a document that merges more than the limit.
    fn map(&mut self, node: &'a Node, record: &Record, way: &Way<'_>) {
        let merges = node.entries().iter().any(|entry| is_merge(&entry.key));
        let mut named: HashSet<_, RandomState> = HashSet::default();
        let mut known: HashSet<_, RandomState> = HashSet::default();
        let mut waiting = vec![Source { mapping: node, place: None }];
        while let Some(Source { mapping, place }) = waiting.pop() {
            let merged = place.is_some();
            if merged && (!known.insert(std::ptr::from_ref(mapping)) || self.copied > VALUE_LIMIT) {
                continue;
            }
            let base = place.as_deref().map(Way::Base);
            let way = base.as_ref().unwrap_or(way);
            let mut sources = Vec::new();
            for entry in mapping.entries() {
                self.copied += usize::from(merged);
                if is_merge(&entry.key) {
                    self.sources(&entry.value, &Way::Key(way, "<<"), false, &mut sources);
                } else if let Some(key) = self.key_text(&entry.key) {
                    let hidden = merges && !named.insert(key);
                    self.entry(entry, key, record, way, (merged, hidden));
                }
            }
            waiting.extend(sources.into_iter().rev());
        }
    }

    fn entry(&mut self, entry: &'a Entry, key: &'a str, record: &Record, way: &Way<'_>, (merged, hidden): (bool, bool)) {
        let known = if key.len() > LONGEST_NAME { Key::BadName } else { record.key(key) };
        match known {
            Key::Holds(rule) if !hidden && (!merged || self.first_time(&entry.value, rule)) => {
                self.node(&entry.value, rule, &Way::Key(way, key));
            }
            Key::Holds(_) | Key::Free => {}
            _ if !self.said.insert(&raw const entry.key) => {}
            Key::BadName => self.found.push(Unknown::Name { place: way.place().key(key), span: entry.key.span, key }),
            Key::Unknown => {
                let helped = self.found.len() < SUGGESTIONS;
                self.found.push(Unknown::Key {
                    place: way.place().key(key),
                    span: entry.key.span,
                    key,
                    nearest: if helped { nearest(key, record) } else { None },
                    elsewhere: if helped { elsewhere(key, record) } else { None },
                });
            }
        }
    }

    fn wrong(&mut self, node: &'a Node, rule: &Rule, way: &Way<'_>, null: bool) {
        if self.said.insert(node) {
            self.found.push(Unknown::Type { place: way.place(), span: node.span, expected: rule.wanted(), null });
        }
    }

    fn key_text(&self, key: &'a Node) -> Option<&'a str> {
        match &key.data {
            Data::Alias(name) => self.anchors.target(name, key.span.start)?.0.text(),
            _ => key.text(),
        }
    }

    /// The mappings that a merge key's value names. A list inside a list is no merge key's value.
    fn sources(&self, node: &'a Node, way: &Way<'_>, in_list: bool, into: &mut Vec<Source<'a, 'w>>) {
        let anchors = self.anchors;
        let (node, place) = match &node.data {
            Data::Alias(name) => match anchors.target(name, node.span.start) {
                Some((target, place)) => (target, Cow::Borrowed(place)),
                None => return,
            },
            _ => (node, Cow::Owned(way.place())),
        };
        match &node.data {
            Data::Map { .. } => into.push(Source { mapping: node, place: Some(place) }),
            Data::Seq { items, .. } if !in_list => {
                for (n, item) in items.iter().enumerate() {
                    self.sources(item, &Way::Index(&Way::Base(&place), n), true, into);
                }
            }
            _ => {}
        }
    }
}
