//! Values as text, in the habits of the document that they come into.

use super::super::write::rewritten;
use super::super::{Node, Style, Written};
use super::Plain;
use super::layout::Lines;

/// How a document is mostly written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// Blanks from a mapping to one inside it.
    pub step: usize,
    /// Blanks from a mapping to the dash of a sequence inside it.
    pub dash: usize,
    /// Whether what must be quoted stands in double quotes.
    pub double: bool,
}

impl Habits {
    pub fn of(root: &Node, lines: &Lines) -> Self {
        let mut counts = Counts::default();
        counts.count(root, None, lines);
        let most =
            |counts: &[usize; 9]| counts.iter().enumerate().rev().filter(|(_, n)| **n > 0).max_by_key(|(_, n)| **n).map(|(at, _)| at);
        let step = most(&counts.steps).unwrap_or(2);
        Habits { step, dash: most(&counts.dashes).unwrap_or(step), double: counts.double > counts.single }
    }
}

/// How often each indentation, up to 8, and each kind of quotes occurs.
#[derive(Default)]
struct Counts {
    steps: [usize; 9],
    dashes: [usize; 9],
    single: usize,
    double: usize,
}

impl Counts {
    /// `outer` is the column of the block mapping whose value the node is.
    fn count(&mut self, node: &Node, outer: Option<usize>, lines: &Lines) {
        let column = || lines.column(node.span.start);
        let deeper = |column: usize| outer.and_then(|outer| column.checked_sub(outer)).filter(|n| *n <= 8);
        match &node.data {
            Written::Scalar { style: Style::SingleQuoted, .. } => self.single += 1,
            Written::Scalar { style: Style::DoubleQuoted, .. } => self.double += 1,
            Written::Map { entries, flow } => {
                let inner = (!flow).then(column);
                if let Some(n) = inner.and_then(deeper).filter(|n| *n > 0) {
                    self.steps[n] += 1;
                }
                entries.iter().for_each(|entry| self.count(&entry.value, inner, lines));
            }
            Written::Seq { items, flow } => {
                if let Some(n) = (!flow).then(column).and_then(deeper) {
                    self.dashes[n] += 1;
                }
                items.iter().for_each(|item| self.count(item, None, lines));
            }
            _ => {}
        }
    }
}

/// A string, quoted only when it would not read back as itself. Every string can be written.
pub fn string(text: &str, in_flow: bool, habits: Habits) -> Option<String> {
    let plain = rewritten("", "", text, Style::Plain, in_flow)?;
    if habits.double && plain.starts_with('\'') {
        return rewritten("", "", text, Style::DoubleQuoted, in_flow);
    }
    Some(plain)
}

/// A value on one line: a scalar, or a collection in flow style.
pub fn inline(value: &Plain, in_flow: bool, habits: Habits) -> Option<String> {
    Some(match value {
        Plain::Null => "null".to_string(),
        Plain::Bool(value) => value.to_string(),
        Plain::Int(value) => value.to_string(),
        Plain::Str(text) => string(text, in_flow, habits)?,
        Plain::Seq(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| inline(item, true, habits)).collect();
            format!("[{}]", items?.join(", "))
        }
        Plain::Map(entries) => {
            let entries: Option<Vec<String>> = entries.iter().map(|(key, value)| pair(key, value, habits)).collect();
            format!("{{{}}}", entries?.join(", "))
        }
    })
}

/// An entry of a flow mapping.
pub fn pair(key: &str, value: &Plain, habits: Habits) -> Option<String> {
    Some(format!("{}: {}", string(key, true, habits)?, inline(value, true, habits)?))
}

/// Whether a value is written over lines in block style.
pub fn is_block(value: &Plain) -> bool {
    match value {
        Plain::Seq(items) => !items.is_empty(),
        Plain::Map(entries) => !entries.is_empty(),
        _ => false,
    }
}

/// The lines of a value in block style. The first line is not indented, the others are, from the
/// column that the value starts in.
pub fn block(value: &Plain, column: usize, habits: Habits) -> Option<Vec<String>> {
    let mut lines = match value {
        Plain::Map(entries) => {
            let mut lines = Vec::new();
            for (key, value) in entries {
                lines.extend(entry(key, value, column, habits)?);
            }
            lines
        }
        Plain::Seq(items) => {
            let mut lines = Vec::new();
            for value in items {
                lines.extend(item(value, column, 1, habits)?);
            }
            lines
        }
        _ => vec![inline(value, false, habits)?],
    };
    if let Some(first) = lines.first_mut() {
        *first = first.trim_start_matches(' ').to_string();
    }
    Some(lines)
}

/// An entry of a block mapping whose keys stand in this column; all lines are indented.
pub fn entry(key: &str, value: &Plain, column: usize, habits: Habits) -> Option<Vec<String>> {
    let pad = " ".repeat(column);
    let key = string(key, false, habits)?;
    if !is_block(value) {
        return Some(vec![format!("{pad}{key}: {}", inline(value, false, habits)?)]);
    }
    let inner = column + if matches!(value, Plain::Seq(_)) { habits.dash } else { habits.step };
    let mut lines = vec![format!("{pad}{key}:")];
    lines.extend(indented(block(value, inner, habits)?, inner));
    Some(lines)
}

/// An item of a block sequence whose dashes stand in this column, `gap` blanks before its value.
pub fn item(value: &Plain, column: usize, gap: usize, habits: Habits) -> Option<Vec<String>> {
    let mut lines = block_or_inline(value, column + 1 + gap, habits)?;
    lines[0] = format!("{}-{}{}", " ".repeat(column), " ".repeat(gap), lines[0]);
    Some(lines)
}

pub fn block_or_inline(value: &Plain, column: usize, habits: Habits) -> Option<Vec<String>> {
    if is_block(value) { block(value, column, habits) } else { Some(vec![inline(value, false, habits)?]) }
}

/// Lines of [`block`] with the first one indented too.
pub fn indented(mut lines: Vec<String>, column: usize) -> Vec<String> {
    if let Some(first) = lines.first_mut() {
        first.insert_str(0, &" ".repeat(column));
    }
    lines
}
