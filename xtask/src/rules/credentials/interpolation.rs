//! The `${...}` in a text of a compose file, without replacing anything.

use std::ops::Range;

use crate::text::template::{Op, Segment, parse};

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself; `$$` is in it as written.
    Literal(Range<usize>),
    Variable {
        name: String,
        /// From the dollar to the closing brace.
        range: Range<usize>,
        /// What stands behind `:-` or `-`.
        default: Option<Range<usize>>,
    },
}

/// The parts of `text[within]`, in order, with ranges in `text`. What is no valid variable is literal.
pub fn parts(text: &str, within: Range<usize>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let moved = |range: Range<usize>| within.start + range.start..within.start + range.end;
    for segment in parse(&text[within.clone()]) {
        let range = match segment {
            Segment::Var(var) => {
                let default = var.arg.filter(|_| matches!(var.op, Op::Default { .. })).map(|arg| moved(arg.range));
                parts.push(Part::Variable { name: var.name, range: moved(var.range), default });
                continue;
            }
            Segment::Literal(range) | Segment::Escape(range) | Segment::Invalid(range) => moved(range),
        };
        match parts.last_mut() {
            Some(Part::Literal(last)) => last.end = range.end,
            _ => parts.push(Part::Literal(range)),
        }
    }
    parts
}

/// Every default that is one literal, with the variable it belongs to: of `${A:-${B:-x}}` the `x` of B.
pub(super) fn defaults(text: &str, within: Range<usize>) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    // Most texts have none, and are not taken apart for that.
    if !text[within.clone()].contains('$') {
        return found;
    }
    for part in parts(text, within) {
        let Part::Variable { name, default: Some(default), .. } = part else { continue };
        match parts(text, default.clone()).as_slice() {
            [Part::Literal(literal)] => found.push((name, literal.clone())),
            _ => found.extend(defaults(text, default)),
        }
    }
    found
}

/// Whether the text names a variable, so that its value is not written here.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains('$') && parts(text, 0..text.len()).iter().any(|part| matches!(part, Part::Variable { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        defaults(text, 0..text.len()).into_iter().map(|(name, range)| (name, text[range].to_string())).collect()
    }

    #[test]
    fn defaults_belong_to_the_innermost_variable() {
        let one = |name: &str, value: &str| vec![(name.to_string(), value.to_string())];
        assert_eq!(of("${A:-x}"), one("A", "x"));
        assert_eq!(of("a${A-x y}b"), one("A", "x y"));
        assert_eq!(of("${A:-${B:-x}}"), one("B", "x"));
        assert_eq!(of("${A:-p${B:-x}}"), one("B", "x"));
        assert_eq!(of("${A:?no} ${A} $A ${A:-} ${A:+x} $${A:-x} ${A:-$B}"), []);
        assert_eq!(of("${A:-x} ${B:-y}").len(), 2);
    }

    #[test]
    fn what_is_no_variable_is_text() {
        for text in ["$", "${", "${A", "${1A}", "$$A", "a$b"] {
            let joined: usize = parts(text, 0..text.len())
                .iter()
                .map(|part| match part {
                    Part::Literal(range) | Part::Variable { range, .. } => range.len(),
                })
                .sum();
            assert_eq!(joined, text.len(), "{text}");
        }
        assert!(has_variable("a$b") && !has_variable("a$$b") && !has_variable("${A"));
    }
}
