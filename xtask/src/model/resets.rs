//! `!reset` takes a value of the files below away; `!override` does, and puts its own in its place.

use std::collections::HashSet;

use crate::text::Span;
use crate::yaml::{Anchors, DEPTH_LIMIT, Data, Document, Dropped, Node, Origin, VALUE_LIMIT, Value, Written, is_merge};

use super::Fault;

/// What the two tags of one document ask for.
#[derive(Default)]
pub struct Resets {
    /// The values under `!reset`: they do not become part of the model.
    pub dropped: Dropped,
    /// The way to each tagged value.
    paths: HashSet<Vec<String>>,
    /// Those in which a `*` stands for any name.
    patterns: Vec<Vec<String>>,
}

/// More patterns would each be tried on every key of the stack.
const PATTERN_LIMIT: usize = 100;

impl Resets {
    /// Looks for the tags. `text` is that of the file.
    pub fn of(document: &Document, file: u32, text: &str) -> Result<Resets, Fault> {
        if !text.contains("!reset") && !text.contains("!override") {
            return Ok(Resets::default());
        }
        let mut search = Search { anchors: Anchors::of(&document.root), found: Resets::default(), path: Vec::new(), looked: 0, depth: 0 };
        match search.look(&document.root) {
            Ok(false) if search.found.patterns.len() > PATTERN_LIMIT => {
                Err(fault(file, &document.root, "more than 100 tags stand below a `*`"))
            }
            Ok(false) => Ok(search.found),
            Ok(true) => Err(fault(file, &document.root, "the whole file cannot be `!reset`")),
            Err(node) => Err(fault(file, node, "aliases multiply this document too much, or contain themselves")),
        }
    }

    /// Only where the tags stand, for the time after the document is read.
    pub fn paths(self) -> Resets {
        Resets { dropped: Dropped::default(), ..self }
    }

    /// Takes what the tags name out of a merged document, or of a part that stands at `place`.
    pub fn apply(&self, value: &mut Value, place: &[&str]) {
        if !self.paths.is_empty() || !self.patterns.is_empty() {
            self.clear(value, &mut place.iter().map(ToString::to_string).collect());
        }
    }

    fn clear(&self, value: &mut Value, place: &mut Vec<String>) {
        match &mut value.data {
            Data::Map(fields) => {
                fields.retain(|key, _| {
                    place.push(key.clone());
                    let named = self.paths.contains(place) || self.patterns.iter().any(|pattern| matches(pattern, place));
                    place.pop();
                    !named
                });
                for (key, field) in fields {
                    place.push(key.clone());
                    self.clear(&mut field.value, place);
                    place.pop();
                }
            }
            // No path leads into a list: Compose counts its entries in two different ways.
            Data::Seq(items) => {
                place.push("[]".into());
                items.iter_mut().for_each(|item| self.clear(item, place));
                place.pop();
            }
            _ => {}
        }
    }
}

fn matches(pattern: &[String], place: &[String]) -> bool {
    pattern.len() == place.len() && pattern.iter().zip(place).all(|(pattern, part)| pattern == "*" || pattern == part)
}

fn fault(file: u32, node: &Node, why: &str) -> Fault {
    Fault::new(Origin { file, span: Span::new(node.span.start, node.span.start) }, why)
}

struct Search<'a> {
    anchors: Anchors<'a>,
    found: Resets,
    path: Vec<String>,
    looked: usize,
    depth: usize,
}

impl<'a> Search<'a> {
    /// Whether a value is to be dropped; the node where the search must end, if it must.
    fn look(&mut self, node: &'a Node) -> Result<bool, &'a Node> {
        self.looked += 1;
        if self.looked > VALUE_LIMIT || self.depth > DEPTH_LIMIT {
            return Err(node);
        }
        self.depth += 1;
        let dropped = self.look_inside(node)?;
        self.depth -= 1;
        Ok(dropped)
    }

    fn look_inside(&mut self, node: &'a Node) -> Result<bool, &'a Node> {
        if let Written::Alias(name) = &node.data {
            // An alias without an anchor is refused when the document is expanded.
            return self.anchors.target(node, name).map_or(Ok(false), |target| self.look(target));
        }
        match node.tag.as_deref() {
            Some("!reset") => {
                self.tagged();
                return Ok(true);
            }
            // What stands inside is taken as it is.
            Some("!override") => {
                self.tagged();
                return Ok(false);
            }
            _ => {}
        }
        match &node.data {
            Written::Map { entries, .. } => {
                for entry in entries {
                    // What a merge key brings stands beside the keys of its mapping.
                    let inside = !is_merge(&entry.key) || self.path.is_empty();
                    self.child(&entry.value, inside.then(|| entry.key.text().unwrap_or_default().to_string()))?;
                }
            }
            Written::Seq { items, .. } => {
                for (number, item) in items.iter().enumerate() {
                    self.child(item, Some(number.to_string()))?;
                }
            }
            Written::Scalar { .. } | Written::Alias(_) => {}
        }
        Ok(false)
    }

    fn tagged(&mut self) {
        if self.path.iter().any(|part| part == "*") {
            self.found.patterns.push(self.path.clone());
        } else {
            self.found.paths.insert(self.path.clone());
        }
    }

    fn child(&mut self, node: &'a Node, step: Option<String>) -> Result<(), &'a Node> {
        // What an alias has dropped before is there no longer.
        if self.found.dropped.contains(&std::ptr::from_ref(node)) {
            return Ok(());
        }
        let steps = step.is_some();
        self.path.extend(step);
        if self.look(node)? {
            self.found.dropped.insert(std::ptr::from_ref(node));
        }
        if steps {
            self.path.pop();
        }
        Ok(())
    }
}
