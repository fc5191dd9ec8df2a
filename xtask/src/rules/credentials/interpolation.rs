//! The `${...}` in a text of a compose file, without replacing anything.

use std::ops::Range;

use crate::text::template::{Op, Segment, Var, parse};

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

/// A default that is one literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fallback {
    /// The variables that it stands in for, from the outermost to the one that it belongs to.
    pub variables: Vec<String>,
    pub range: Range<usize>,
}

/// Every default that is one literal: of `${A:-${B:-x}}` the `x`, which belongs to B.
pub(super) fn defaults(text: &str, within: Range<usize>) -> Vec<Fallback> {
    let mut found = Vec::new();
    // Most texts have none, and are not taken apart for that.
    if !text[within.clone()].contains('$') {
        return found;
    }
    // Read once: to read each default anew would take the square of their depth.
    innermost(&parse(&text[within.clone()]), within.start, &mut Vec::new(), &mut found);
    found
}

fn innermost(segments: &[Segment], start: usize, around: &mut Vec<String>, found: &mut Vec<Fallback>) {
    for segment in segments {
        let Segment::Var(Var { name, op: Op::Default { .. }, arg: Some(arg), .. }) = segment else { continue };
        let literal = arg.segments.iter().all(|segment| !matches!(segment, Segment::Var(_)));
        around.push(name.clone());
        match literal && !arg.segments.is_empty() {
            true => found.push(Fallback { variables: around.clone(), range: start + arg.range.start..start + arg.range.end }),
            false => innermost(&arg.segments, start, around, found),
        }
        around.pop();
    }
}

/// Whether the text names a variable, so that its value is not written here.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains('$') && parts(text, 0..text.len()).iter().any(|part| matches!(part, Part::Variable { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        let found = defaults(text, 0..text.len()).into_iter();
        found.map(|fallback| (fallback.variables.last().unwrap().clone(), text[fallback.range].to_string())).collect()
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
        let nested = defaults("${A:-${B:-x}} ${C:-y}", 0..21);
        assert_eq!(nested.iter().map(|fallback| fallback.variables.join(" ")).collect::<Vec<_>>(), ["A B", "C"]);
    }

    #[test]
    fn defaults_nested_beyond_measure_are_read_once() {
        let text = format!("{}x{}", "${A:-".repeat(20_000), "}".repeat(20_000));
        let started = std::time::Instant::now();
        assert!(defaults(&text, 0..text.len()).len() <= 1);
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
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
