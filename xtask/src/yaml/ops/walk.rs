//! From wants to splices, by one walk over the tree that goes only where something is wanted.

use super::super::{Document, Node, Place, Refusal, Resolved, Seg, Style, Written, resolve};
use super::anchors::{Anchors, is_merge};
use super::layout::{self, Comments, Lines};
use super::plan::{Want, below};
use super::refuse;
use super::render::Habits;
use super::splice::{Splice, Splices};
use crate::text::Span;

/// Where a node hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Root,
    /// A mapping's value: the offset behind its colon, or, where a flow mapping has none, its key.
    Value {
        after: usize,
        colon: bool,
    },
    /// A sequence's item: the offset behind its dash in block style.
    Item {
        after: usize,
    },
}

#[derive(Debug, Clone)]
pub struct At {
    pub place: Place,
    pub depth: usize,
    pub slot: Slot,
    pub in_flow: bool,
    /// The column of the collection around the node, in block style.
    pub column: Option<usize>,
}

pub struct Walk<'a> {
    pub lines: &'a Lines<'a>,
    pub comments: Comments<'a>,
    pub habits: Habits,
    pub anchors: &'a Anchors<'a>,
    pub splices: Vec<Splice>,
    pub gone: Vec<Span>,
}

/// A document, and what every walk over it needs to know.
pub struct Ground<'a> {
    document: &'a Document,
    lines: &'a Lines<'a>,
    habits: Habits,
    anchors: Anchors<'a>,
}

impl<'a> Ground<'a> {
    pub fn of(document: &'a Document, lines: &'a Lines<'a>) -> Self {
        Ground { document, lines, habits: Habits::of(&document.root, lines), anchors: Anchors::of(&document.root) }
    }

    pub fn splices(&self, want: &Want) -> Result<Splices, Refusal> {
        let root = &self.document.root;
        let mut walk = Walk {
            lines: self.lines,
            comments: Comments(&self.document.comments),
            habits: self.habits,
            anchors: &self.anchors,
            splices: Vec::new(),
            gone: Vec::new(),
        };
        let at = At { place: Place::default(), depth: 0, slot: Slot::Root, in_flow: false, column: None };
        if want.remove {
            return Err(refuse(root.span, "a document as a whole is not removed"));
        }
        walk.visit(root, want, &at)?;
        Ok(walk.finished())
    }
}

impl<'a> Walk<'a> {
    pub fn visit(&mut self, node: &'a Node, want: &Want, at: &At) -> Result<(), Refusal> {
        if let Some(value) = want.set {
            return self.set(node, value, at);
        }
        self.own(node, at)?;
        match &node.data {
            Written::Alias(name) => Err(refuse(node.span, format!("`{}` is the alias `*{name}`; change its anchor instead", at.place))),
            Written::Map { .. } if want.appends.is_empty() => self.map(node, want, at),
            Written::Seq { .. } if want.adds.is_empty() => self.seq(node, want, at),
            Written::Scalar { .. } if is_null(node) && want.inner.is_empty() => self.set(node, &want.gained(), at),
            _ => match want.inner.first() {
                Some((seg, _)) => Err(missing(node, &below(&at.place, seg))),
                None => Err(refuse(node.span, format!("`{}` is no collection of the kind that gains this", at.place))),
            },
        }
    }

    /// Refuses a node that others share; the nodes around it were asked on the way here.
    fn own(&self, node: &'a Node, at: &At) -> Result<(), Refusal> {
        match self.anchors.shared(node) {
            Some(anchor) => Err(shared(node, &at.place, anchor)),
            None => Ok(()),
        }
    }

    fn map(&mut self, node: &'a Node, want: &Want, at: &At) -> Result<(), Refusal> {
        let flow = matches!(node.data, Written::Map { flow: true, .. });
        let column = if flow { None } else { Some(layout::column(self.lines, node)?) };
        let mut removed = vec![false; node.entries().len()];
        let mut found = 0;
        for (n, entry) in node.entries().iter().enumerate() {
            let Some(key) = entry.key.text() else { continue };
            if want.adds.contains_key(key) {
                return Err(refuse(entry.key.span, format!("`{}` has the key `{key}` already", at.place)));
            }
            let Some(inner) = want.of_key(key) else { continue };
            found += 1;
            let place = at.place.key(key);
            if is_merge(&entry.key) {
                return Err(refuse(entry.key.span, format!("`{place}` is a merge key")));
            }
            if inner.remove {
                let whole = Span::new(entry.key.span.start, entry.value.span.end);
                let anchor = self.anchors.shared_inside(&entry.key, whole).or_else(|| self.anchors.shared_inside(&entry.value, whole));
                removed[n] = self.goes(node, &place, anchor)?;
                continue;
            }
            let slot = self.value_slot(&entry.key, flow)?;
            let at = At { place, depth: at.depth + 1, slot, in_flow: at.in_flow || flow, column };
            self.visit(&entry.value, inner, &at)?;
        }
        if found < want.inner.len() {
            return Err(self.absent(node, want, at));
        }
        for key in want.adds.keys() {
            if let Some(anchor) = self.anchors.merges(node, key) {
                return Err(refuse(node.span, format!("`{}` has the key `{key}` already, from `{anchor}` by a merge key", at.place)));
            }
        }
        self.change(node, want, &removed, at)
    }

    fn seq(&mut self, node: &'a Node, want: &Want, at: &At) -> Result<(), Refusal> {
        let flow = matches!(node.data, Written::Seq { flow: true, .. });
        let column = if flow { None } else { Some(layout::column(self.lines, node)?) };
        let mut removed = vec![false; node.items().len()];
        let dashes = if flow || want.inner.is_empty() { Vec::new() } else { layout::starts(self.lines, node)? };
        for (seg, inner) in &want.inner {
            let place = below(&at.place, seg);
            let Seg::Index(index) = seg else { return Err(missing(node, &place)) };
            let item = node.items().get(*index).ok_or_else(|| missing(node, &place))?;
            if inner.remove {
                let anchor = self.anchors.shared_inside(item, item.span);
                removed[*index] = self.goes(node, &place, anchor)?;
                continue;
            }
            let slot = Slot::Item { after: dashes.get(*index).map_or(item.span.start, |dash| dash + 1) };
            let at = At { place, depth: at.depth + 1, slot, in_flow: at.in_flow || flow, column };
            self.visit(item, inner, &at)?;
        }
        self.change(node, want, &removed, at)
    }

    /// What the collection itself loses and gains.
    fn change(&mut self, node: &'a Node, want: &Want, removed: &[bool], at: &At) -> Result<(), Refusal> {
        let gains = gains(node, want);
        if removed.iter().all(|removed| !removed) && gains.is_empty() {
            return Ok(());
        }
        match node.data {
            Written::Seq { flow: true, .. } | Written::Map { flow: true, .. } => self.change_flow(node, &gains, removed, at),
            _ => self.change_block(node, gains, removed, at),
        }
    }

    fn goes(&self, node: &Node, place: &Place, anchor: Option<&str>) -> Result<bool, Refusal> {
        anchor.map_or(Ok(true), |anchor| Err(shared(node, place, anchor)))
    }

    fn value_slot(&self, key: &Node, flow: bool) -> Result<Slot, Refusal> {
        let colon = self.lines.skip_blanks(key.span.end);
        if self.lines.source[colon..].starts_with(':') {
            return Ok(Slot::Value { after: colon + 1, colon: true });
        }
        if flow {
            Ok(Slot::Value { after: key.span.end, colon: false })
        } else {
            Err(refuse(key.span, "the colon does not follow this key"))
        }
    }

    fn absent(&self, node: &'a Node, want: &Want, at: &At) -> Refusal {
        let known = |seg: &Seg| matches!(seg, Seg::Key(key) if node.get(key).is_some());
        let Some(seg) = want.inner.keys().find(|seg| !known(seg)) else { return missing(node, &at.place) };
        let place = below(&at.place, seg);
        let merged = match seg {
            Seg::Key(key) => self.anchors.merges(node, key),
            Seg::Index(_) => None,
        };
        match merged {
            Some(anchor) => refuse(node.span, format!("`{place}` comes from `{anchor}` by a merge key; change it there")),
            None => missing(node, &place),
        }
    }
}

/// A key with its value, or an item.
pub type Gain<'w> = (Option<&'w str>, &'w super::Plain);

/// What a collection gains, without items that it has and keeps.
fn gains<'w>(node: &Node, want: &'w Want) -> Vec<Gain<'w>> {
    let stays = |item: &super::Plain| {
        node.items().iter().enumerate().any(|(n, old)| match want.inner.get(&Seg::Index(n)) {
            Some(inner) => inner.set == Some(item),
            None => super::verify::reads(old, item),
        })
    };
    let adds = want.adds.iter().map(|(key, value)| (Some(*key), *value));
    adds.chain(want.appends.iter().filter(|item| !stays(item)).map(|item| (None, *item))).collect()
}

/// A value of null, without a tag.
pub fn is_null(node: &Node) -> bool {
    let Written::Scalar { text, style: Style::Plain } = &node.data else { return false };
    node.tag.is_none() && resolve(text) == Resolved::Null
}

fn missing(node: &Node, place: &Place) -> Refusal {
    refuse(node.span, format!("nothing stands at `{place}`"))
}

fn shared(node: &Node, place: &Place, anchor: &str) -> Refusal {
    refuse(node.span, format!("`{place}` belongs to the anchor `&{anchor}`, which aliases share"))
}
